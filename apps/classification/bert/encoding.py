"""The vectors of all views of a set of articles, kept in a file so that a training that was stopped goes on."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from apps.classification.bert.dataset import VIEWS, Article
from apps.classification.bert.encoder import FloatArray, TextEncoder
from apps.classification.bert.trainer import EncodedArticles

Report = Callable[[str, float], None]  # told the view and the fraction of it that is done


def encode_articles(
    articles: Sequence[Article], encoder: TextEncoder, *, cache: Path | None = None, report: Report | None = None
) -> EncodedArticles:
    """Encodes every view, some 25 ms a window of 256 tokens; a view that `cache` holds is taken from there."""
    labels = tuple(sorted({article.topic for article in articles}))
    index = {label: position for position, label in enumerate(labels)}
    kept = _read(cache)
    views: dict[str, FloatArray] = {}
    for name, view in VIEWS.items():
        texts = [view(article) for article in articles]
        key = _key(texts, encoder)
        if key not in kept:
            kept[key] = encoder.encode(texts, None if report is None else _told(report, name))
            if cache is not None:
                _write(cache, kept)
        elif report is not None:
            report(name, 1.0)
        views[name] = kept[key]
    return EncodedArticles(
        labels=labels,
        targets=np.array([index[article.topic] for article in articles], dtype=np.int64),
        views=views,
        encoder=encoder.name,
        encoder_sha256=encoder.weights_sha256,
        pooling=encoder.options.pooling,
    )


def _told(report: Report, name: str) -> Callable[[float], None]:
    return lambda fraction: report(name, fraction)


def _key(texts: Sequence[str], encoder: TextEncoder) -> str:
    digest = hashlib.sha256(f"{encoder.weights_sha256} {encoder.options}".encode())
    for text in texts:
        digest.update(hashlib.sha256(text.encode("utf-8", errors="replace")).digest())
    return digest.hexdigest()


def _read(cache: Path | None) -> dict[str, FloatArray]:
    if cache is None or not cache.is_file():
        return {}
    try:
        with np.load(cache, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError, zipfile.BadZipFile):
        return {}  # damaged: it only saves time


def _write(cache: Path, kept: dict[str, FloatArray]) -> None:
    cache.parent.mkdir(parents=True, exist_ok=True)
    unfinished = cache.with_name(f"{cache.name}.part")
    with unfinished.open("wb") as file:
        np.savez(file, **kept)
    unfinished.replace(cache)
