"""What is checked when a command starts, without loading anything."""

from __future__ import annotations

import importlib.util
import re
import runpy
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error

NO_MODEL = "none"  # as NO_LANGUAGE_MODEL and NO_PUNCTUATION of `asr`, whose import would load numpy
DEVICES = Path("/dev")
GPUS = ("nvidia[0-9]*", "kfd", "dxg")  # of NVIDIA's, AMD's and Windows' drivers
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


def check_gpu(devices: Path = DEVICES, **_: Any) -> list[CheckMessage]:
    """ASR_DEVICE=cuda finds a GPU, and, for a checkpoint, a torch that can use it.

    Asks neither torch nor the driver: a process that did could not be forked any more.
    """
    if settings.ASR_DEVICE != "cuda":
        return []
    reason = why_no_gpu(devices, by_torch=bool(settings.ASR_MODEL or settings.ASR_MODELS))
    if not reason:
        return []
    return [
        Error(
            f"ASR_DEVICE='cuda' cannot work: {reason}.",
            hint="Set ASR_DEVICE=cpu, or auto; or run the worker for speech where a GPU and a torch for it are.",
            id="transcription.E002",
        )
    ]


def why_no_gpu(devices: Path = DEVICES, *, by_torch: bool = True) -> str:
    """Why nothing can run on a GPU here, as the end of a sentence; empty: it can. Loads nothing."""
    if not any(found for pattern in GPUS for found in devices.glob(pattern)):
        return "this machine shows no GPU"
    if by_torch and not _torch_uses_gpus():
        return "the torch that is installed is built for CPUs alone"
    return ""


def _torch_uses_gpus() -> bool:
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        return False
    built_for = runpy.run_path(str(Path(spec.origin).with_name("version.py")))
    return bool(built_for.get("cuda") or built_for.get("hip"))
