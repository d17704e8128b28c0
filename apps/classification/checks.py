"""What is checked when a command starts, without loading anything."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error

from apps.transcription.asr.downloads import folder_of

HEAD_NAME = "head.safetensors"  # as `apps.classification.bert.head.HEAD_NAME`, whose import would load numpy and torch


def check_topic_model(**_: Any) -> list[CheckMessage]:
    """TOPIC_MODEL is empty, or names a folder with a head or a network, or what `fetch_models` downloaded."""
    if not settings.TOPIC_MODEL:
        return []
    folder = folder_of(settings.TOPIC_MODEL, settings.MODEL_CACHE_DIR)
    if folder is not None and any((folder / name).is_file() for name in (HEAD_NAME, "config.json")):
        return []
    return [
        Error(
            f"TOPIC_MODEL={settings.TOPIC_MODEL!r} cannot work: there is no folder of that name with {HEAD_NAME} or a"
            " network, and no download of that hub id.",
            hint="Name a folder that `manage.py train_topics` wrote, run `manage.py fetch_models` for the id of a model"
            " hub, or leave TOPIC_MODEL empty.",
            id="classification.E001",
        )
    ]


def check_topic_thresholds(**_: Any) -> list[CheckMessage]:
    """A moderator is asked about what is too unsure to be filed: never about what is surer."""
    if settings.TOPIC_ASK_THRESHOLD <= settings.TOPIC_THRESHOLD:
        return []
    return [
        Error(
            f"TOPIC_ASK_THRESHOLD={settings.TOPIC_ASK_THRESHOLD} is above TOPIC_THRESHOLD={settings.TOPIC_THRESHOLD}.",
            hint="Lower TOPIC_ASK_THRESHOLD to TOPIC_THRESHOLD, which asks nobody, or below it.",
            id="classification.E002",
        )
    ]
