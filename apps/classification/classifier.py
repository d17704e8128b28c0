"""The portal's topic classifier, as the settings choose it: loaded on first use, once a process."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

if TYPE_CHECKING:
    from apps.classification.bert.classifier import TopicClassifier


class TopicModelError(ImproperlyConfigured):
    """TOPIC_MODEL, or the embedded classifier's package, cannot work. The message says what to do."""


def topic_classifier() -> TopicClassifier:
    """Takes two seconds on its first call, which loads torch. Raises TopicModelError."""
    return _load(settings.TOPIC_MODEL, settings.TOPIC_MAX_WINDOWS)


@lru_cache(maxsize=1)
def _load(model: str, max_windows: int) -> TopicClassifier:
    # Not at import: a process that has loaded torch must not fork, and the web process never needs it.
    from apps.classification.bert.classifier import EMBEDDED_FOLDER, load_classifier
    from apps.classification.bert.encoder import EncoderOptions
    from apps.classification.bert.head import HeadError
    from apps.classification.bert.weights import EncoderError
    from apps.transcription.asr.downloads import folder_of

    folder = (folder_of(model, settings.MODEL_CACHE_DIR) or Path(model)) if model else EMBEDDED_FOLDER
    try:
        return load_classifier(folder, EncoderOptions(max_windows=max_windows))
    except HeadError as error:
        if model:
            raise TopicModelError(
                f"TOPIC_MODEL={model!r} cannot work: {error} Or leave TOPIC_MODEL empty for the embedded classifier."
            ) from error
        raise TopicModelError(f"The embedded topic classifier is damaged, install the portal again: {error}") from error
    except EncoderError as error:
        raise TopicModelError(f"The topic classifier cannot be loaded: {error}") from error
