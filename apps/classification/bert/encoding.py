"""The vectors of all views of a set of articles, kept in a file so that a training that was stopped goes on."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from apps.classification.bert.dataset import VIEWS, Article, topics_of
from apps.classification.bert.encoder import FloatArray, Progress, TextEncoder
from apps.classification.bert.trainer import EncodedArticles

Report = Callable[[str, float], None]  # told the view and the fraction of it that is done


def encode_articles(
    articles: Sequence[Article], encoder: TextEncoder, *, cache: Path | None = None, report: Report | None = None
) -> EncodedArticles:
    """Encodes every view, some 25 ms a window of 256 tokens; a view that `cache` holds is taken from there."""
    labels, targets = topics_of(articles)
    views = {
        name: encode_texts(
            [view(article) for article in articles],
            encoder,
            cache=cache,
            progress=None if report is None else partial(report, name),
        )
        for name, view in VIEWS.items()
    }
    return EncodedArticles(
        labels=labels,
        targets=targets,
        views=views,
        encoder=encoder.name,
        encoder_sha256=encoder.weights_sha256,
        pooling=encoder.options.pooling,
    )


def encode_texts(
    texts: Sequence[str], encoder: TextEncoder, *, cache: Path | None = None, progress: Progress | None = None
) -> FloatArray:
    """`(n_texts, n_dimensions)`; what `cache` holds of just these texts is taken from there."""
    key, kept = _key(texts, encoder), _read(cache)
    if key not in kept:
        kept[key] = encoder.encode(texts, progress)
        if cache is not None:
            _write(cache, kept)
    elif progress is not None:
        progress(1.0)
    return kept[key]


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
