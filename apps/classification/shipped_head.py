"""The head that topics are taught on top of, as far as it can be known without loading torch."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from apps.classification.bert.head_header import EMBEDDED_FOLDER, HEAD_NAME, read_header
from apps.transcription.asr.downloads import folder_of


@dataclass(frozen=True)
class ShippedHead:
    """`labels` are the topics that it was trained on."""

    labels: tuple[str, ...]
    language: str
    sha256: str  # of its file


def topic_folder() -> Path:
    """Where the settings have the head or the network."""
    if not settings.TOPIC_MODEL:
        return EMBEDDED_FOLDER
    return folder_of(settings.TOPIC_MODEL, settings.MODEL_CACHE_DIR) or Path(settings.TOPIC_MODEL)


def shipped_head() -> ShippedHead | None:
    """None where TOPIC_MODEL names a network, which has no head of ours, or a head that cannot be read."""
    try:
        content = (topic_folder() / HEAD_NAME).read_bytes()
        facts = read_header(content)
    except (OSError, ValueError):
        return None
    return ShippedHead(tuple(facts["labels"]), facts["language"], hashlib.sha256(content).hexdigest())
