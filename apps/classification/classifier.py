"""The portal's topic classifier, as the settings and administrators choose it: loaded on first use, once a process."""

from __future__ import annotations

import logging
import uuid
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from apps.classification.models import TopicHead
from apps.classification.shipped_head import shipped_head, topic_folder

if TYPE_CHECKING:
    from apps.classification.bert.classifier import TopicClassifier

Device = Literal["auto", "cpu", "cuda"]
log = logging.getLogger(__name__)


class TopicModelError(ImproperlyConfigured):
    """TOPIC_MODEL, the embedded classifier's package, or a taught head cannot work. The message says what to do."""


def topic_classifier() -> TopicClassifier:
    """What classifies now: the shipped classifier, over the live `TopicHead` where there is one.

    Takes two seconds on its first call, which loads torch, and one query on each. Raises TopicModelError.
    """
    live = TopicHead.objects.live()
    return shipped_classifier() if live is None else _taught(*_reading(), live.pk)


def shipped_classifier() -> TopicClassifier:
    """Without what administrators taught. Takes two seconds on its first call. Raises TopicModelError."""
    return _shipped(*_reading(), topic_folder())


def _reading() -> tuple[str, int, Device]:
    return settings.TOPIC_MODEL, settings.TOPIC_MAX_WINDOWS, cast("Device", settings.TOPIC_DEVICE)


@lru_cache(maxsize=1)
def _shipped(model: str, max_windows: int, device: Device, folder: Path) -> TopicClassifier:
    # Not at import: a process that has loaded torch must not fork, and the web process never needs it.
    from apps.classification.bert.classifier import load_classifier
    from apps.classification.bert.encoder import EncoderOptions
    from apps.classification.bert.head import HeadError
    from apps.classification.bert.weights import EncoderError

    try:
        return load_classifier(folder, EncoderOptions(max_windows=max_windows, device=device))
    except HeadError as error:
        if model:
            raise TopicModelError(
                f"TOPIC_MODEL={model!r} cannot work: {error} Or leave TOPIC_MODEL empty for the embedded classifier."
            ) from error
        raise TopicModelError(f"The embedded topic classifier is damaged, install the portal again: {error}") from error
    except EncoderError as error:
        raise TopicModelError(f"The topic classifier cannot be loaded: {error}") from error


@lru_cache(maxsize=1)
def _taught(
    model: str,  # noqa: ARG001 (these are the key)
    max_windows: int,  # noqa: ARG001
    device: Device,  # noqa: ARG001
    head_id: uuid.UUID,
) -> TopicClassifier:
    from apps.classification.bert.classifier import EmbeddedTopicClassifier
    from apps.classification.bert.head import HeadError, head_from_bytes

    shipped, base = shipped_classifier(), shipped_head()
    live = TopicHead.objects.get(pk=head_id)
    if not isinstance(shipped, EmbeddedTopicClassifier) or base is None or base.sha256 != live.base_sha256:
        log.warning("the taught head belongs to another classifier: teach again", extra={"version": live.version})
        return shipped
    try:
        head = head_from_bytes(bytes(live.content), name=f"The taught {live}", cure="teach again, or roll it back.")
        return shipped.with_head(head, str(live))
    except HeadError as error:
        raise TopicModelError(f"The topic classifier cannot be loaded: {error}") from error
