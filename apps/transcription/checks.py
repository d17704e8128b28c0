"""What is checked when a command starts, without loading anything."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error

NO_MODEL = "none"  # as NO_LANGUAGE_MODEL and NO_PUNCTUATION of `asr`, whose import would load numpy
HUB_ID = re.compile(r"[\w.-]+(/[\w.-]+)?")


def check_model_folders(**_: Any) -> list[CheckMessage]:
    """A setting that names a folder names one that is there. Hub ids are looked for by `fetch_models`."""
    named = [
        *(("ASR_MODEL", model) for model in (settings.ASR_MODEL, *settings.ASR_MODELS.values())),
        *(("ASR_LANGUAGE_MODEL", lm) for lm in (settings.ASR_LANGUAGE_MODEL, *settings.ASR_LANGUAGE_MODELS.values())),
        ("ASR_PUNCTUATION_MODEL", settings.ASR_PUNCTUATION_MODEL),
    ]
    return [
        Error(
            f"{setting}={model!r} cannot work: there is no such folder.",
            hint=f"Name a folder that holds the model, a hub id like somebody/model, or leave {setting} empty.",
            id="transcription.E001",
        )
        for setting, model in named
        if model not in ("", NO_MODEL) and not HUB_ID.fullmatch(model) and not Path(model).expanduser().is_dir()
    ]
