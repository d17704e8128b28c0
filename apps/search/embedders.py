"""Which model the portal compares meanings with, as the settings choose it. The only place that reads them.

`space` loads nothing that is slow; `embedder` loads torch and the model on first use, once a process.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from apps.classification.bert.weights import (
    EMBEDDED_PACKAGE,
    EMBEDDED_SHA256,
    WEIGHTS_NAME,
    EncoderError,
    embedded_folder,
)
from apps.media.digest import sha256_of
from apps.search.embedding.checkpoint import CheckpointError, read_checkpoint

if TYPE_CHECKING:
    from apps.search.embedding.embedder import Embedder

OFF = "none"
_EMBEDDED_LANGUAGES = frozenset({"en"})
_DIGEST_CHARACTERS = 12


class EmbeddingModelError(ImproperlyConfigured):
    """SEARCH_EMBEDDING_MODEL, or the embedded model's package, cannot work. The message says what to do."""


@dataclass(frozen=True)
class EmbeddingSpace:
    """What vectors are comparable in: a model with its weights."""

    name: str
    n_dimensions: int
    languages: frozenset[str] | None  # that the model understands; None: any

    def understands(self, language: str) -> bool:
        return self.languages is None or language in self.languages


def space() -> EmbeddingSpace | None:
    """None where the search by meaning is switched off. Raises EmbeddingModelError."""
    if settings.SEARCH_EMBEDDING_MODEL == OFF:
        return None
    languages = frozenset(settings.SEARCH_EMBEDDING_LANGUAGES)
    if not settings.SEARCH_EMBEDDING_MODEL:
        name = f"{EMBEDDED_PACKAGE}@{EMBEDDED_SHA256[:_DIGEST_CHARACTERS]}"
        return EmbeddingSpace(name, _dimensions(_embedded_folder()), languages or _EMBEDDED_LANGUAGES)
    folder = checkpoint_folder()
    weights = read_checkpoint(folder).folder / WEIGHTS_NAME
    status = weights.stat()
    digest = _digest(weights, status.st_size, status.st_mtime_ns)[:_DIGEST_CHARACTERS]
    return EmbeddingSpace(f"{folder.name}@{digest}", _dimensions(folder), languages or None)


def embedder() -> Embedder:
    """Takes some two seconds on its first call. Raises EmbeddingModelError, also where `space` is None."""
    model = settings.SEARCH_EMBEDDING_MODEL
    if model == OFF:
        raise EmbeddingModelError("SEARCH_EMBEDDING_MODEL=none switches the search by meaning off: name a model.")
    return _load(str(checkpoint_folder()) if model else "", settings.SEARCH_EMBEDDING_DEVICE)


def checkpoint_folder() -> Path:
    """Of SEARCH_EMBEDDING_MODEL: the folder it names, or what was downloaded of the hub id.

    Raises EmbeddingModelError where it holds nothing that can be used.
    """
    model = settings.SEARCH_EMBEDDING_MODEL
    folder = Path(model).expanduser()
    if not folder.is_dir():
        folder = _downloaded(model, settings.MODEL_CACHE_DIR)
    try:
        encoder = read_checkpoint(folder).folder
    except CheckpointError as error:
        raise _cannot_work(model, str(error)) from error
    if not (encoder / WEIGHTS_NAME).is_file():
        raise _cannot_work(model, f"There is no {WEIGHTS_NAME} in {encoder}.")
    return folder


@cache
def _downloaded(model: str, cache_dir: Path) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(model, cache_dir=cache_dir, local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError) as error:
        reason = (
            f"It is neither a folder nor a checkpoint that was downloaded to {cache_dir}: "
            "run `python manage.py fetch_models`, or name a folder."
        )
        raise _cannot_work(model, reason) from error


def _embedded_folder() -> Path:
    try:
        return embedded_folder()
    except EncoderError as error:
        raise EmbeddingModelError(f"{error}, or set SEARCH_EMBEDDING_MODEL=none to search by words alone.") from error


def _dimensions(folder: Path) -> int:
    return read_checkpoint(folder).n_dimensions


@lru_cache(maxsize=4)
def _digest(weights: Path, size: int, changed_ns: int) -> str:  # noqa: ARG001 -- others where the file is another
    return sha256_of(weights)


@lru_cache(maxsize=1)
def _load(folder: str, device: str) -> Embedder:
    # Not at import: a process that has loaded torch must not fork.
    from apps.search.embedding.embedder import EmbedderError, embedded_embedder, load_embedder

    try:
        return load_embedder(Path(folder), device) if folder else embedded_embedder(device)  # type: ignore[arg-type]
    except EmbedderError as error:
        raise _cannot_work(folder, str(error)) from error


def _cannot_work(model: str, reason: str) -> EmbeddingModelError:
    return EmbeddingModelError(
        f"SEARCH_EMBEDDING_MODEL={model!r} cannot work: {reason} Or leave it empty for the embedded model, "
        "or set it to none to search by words alone."
    )
