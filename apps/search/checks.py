"""A look at the search index when the portal starts, or a command of it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning

from apps.search.backends.base import SearchUnavailableError
from apps.search.embedders import OFF, EmbeddingModelError, checkpoint_folder
from apps.search.factory import elasticsearch
from apps.transcription.checks import DEVICES, why_no_gpu


def search_index_is_of_this_version(**_: Any) -> list[CheckMessage]:
    """A warning and no error: the portal works on without its index, and the cure is one of its own commands."""
    if settings.SEARCH_BACKEND != "elasticsearch":
        return []  # the embedded index is made anew by itself
    try:
        elasticsearch().demand_current_schema()
    except SearchUnavailableError as error:
        return [Warning(str(error), id="search.W001")]
    return []


def embedding_model_is_there(**_: Any) -> list[CheckMessage]:
    """SEARCH_EMBEDDING_MODEL names a checkpoint on this machine. Loads no weights."""
    if settings.SEARCH_EMBEDDING_MODEL in ("", OFF):
        return []
    try:
        checkpoint_folder()
    except EmbeddingModelError as error:
        return [Error(str(error), id="search.E001")]
    return []


def embedding_gpu_is_there(devices: Path = DEVICES, **_: Any) -> list[CheckMessage]:
    """SEARCH_EMBEDDING_DEVICE=cuda finds a GPU, and a torch that can use it. Asks neither torch nor the driver."""
    if settings.SEARCH_EMBEDDING_MODEL == OFF or settings.SEARCH_EMBEDDING_DEVICE != "cuda":
        return []
    reason = why_no_gpu(devices)
    if not reason:
        return []
    return [
        Error(
            f"SEARCH_EMBEDDING_DEVICE='cuda' cannot work: {reason}.",
            hint="Set SEARCH_EMBEDDING_DEVICE=cpu, or auto: web processes embed queries, too.",
            id="search.E002",
        )
    ]
