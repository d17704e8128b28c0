"""What is checked when a command starts, without loading anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning
from django.db import DatabaseError, connection

from apps.classification.bert.head_header import HEAD_NAME
from apps.classification.models import TopicHead
from apps.classification.shipped_head import shipped_head
from apps.transcription.asr.downloads import folder_of
from apps.transcription.checks import DEVICES, why_no_gpu


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


def check_topic_gpu(devices: Path = DEVICES, **_: Any) -> list[CheckMessage]:
    """TOPIC_DEVICE=cuda finds a GPU, and a torch that can use it. Asks neither torch nor the driver."""
    reason = why_no_gpu(devices) if settings.TOPIC_DEVICE == "cuda" else ""
    if not reason:
        return []
    return [
        Error(
            f"TOPIC_DEVICE='cuda' cannot work: {reason}.",
            hint="Set TOPIC_DEVICE=cpu, or auto; or run the queue gpu where a GPU and a torch for it are.",
            id="classification.E003",
        )
    ]


def check_taught_head(**_: Any) -> list[CheckMessage]:
    """The live head of taught topics was learned over the shipped head of today.

    A warning and no error: videos are classified by the shipped head alone, and the cure is a page of the portal.
    """
    live = _live_head()
    if live is None:
        return []
    base = shipped_head()
    if base is not None and base.sha256 == live.base_sha256:
        return []
    today = f"TOPIC_MODEL={settings.TOPIC_MODEL!r}" if settings.TOPIC_MODEL else "the embedded classifier of today"
    cure = (
        "Open “Teach topics” in the admin: make a new draft from the examples, which are kept, and let it go live; or"
        " go back to the shipped classifier."
    )
    if base is None:
        cure = "Leave TOPIC_MODEL empty, or name a folder with a head: a whole network cannot be taught."
    return [
        Warning(
            f"Taught topics are not in use: {live} was learned on top of another classifier than {today}.",
            hint=cure,
            id="classification.W001",
        )
    ]


def _live_head() -> TopicHead | None:
    """None, too, where the database is away or yet to be made: what needs it says so by itself."""
    was_connected = connection.connection is not None
    try:
        return TopicHead.objects.live()
    except DatabaseError:
        return None
    finally:
        # A worker checks before it forks, and no connection may be carried over a fork.
        if not was_connected:
            connection.close()
