"""What is checked when a command starts, without loading anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error

HEAD_NAME = "head.safetensors"  # as `apps.classification.bert.head.HEAD_NAME`, whose import would load numpy and torch


def check_topic_model(**_: Any) -> list[CheckMessage]:
    """TOPIC_MODEL is empty or names a folder with a head."""
    if not settings.TOPIC_MODEL or (Path(settings.TOPIC_MODEL).expanduser() / HEAD_NAME).is_file():
        return []
    return [
        Error(
            f"TOPIC_MODEL={settings.TOPIC_MODEL!r} cannot work: there is no {HEAD_NAME} in that folder.",
            hint="Name a folder that `manage.py train_topics` wrote, or leave TOPIC_MODEL empty.",
            id="classification.E001",
        )
    ]
