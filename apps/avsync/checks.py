"""What is checked when a command starts, without loading anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error

CALIBRATION_NAME = "calibration.json"  # as in `apps.avsync.syncnet.trained_checker`, whose import would load torch


def check_sync_files(**_: Any) -> list[CheckMessage]:
    """SYNC_MODEL is empty, or names weights beside which their calibration lies; SYNC_FACE_DETECTOR names a file."""
    if not settings.SYNC_CHECK:
        return []
    errors: list[CheckMessage] = []
    model = Path(settings.SYNC_MODEL).expanduser()
    if settings.SYNC_MODEL and not model.is_file():
        errors.append(
            Error(
                f"SYNC_MODEL={settings.SYNC_MODEL!r} cannot work: there is no such file.",
                hint="Name a network.safetensors that `manage.py train_sync` wrote, or leave SYNC_MODEL empty.",
                id="avsync.E001",
            )
        )
    elif settings.SYNC_MODEL and not model.with_name(CALIBRATION_NAME).is_file():
        errors.append(
            Error(
                f"SYNC_MODEL={settings.SYNC_MODEL!r} cannot work: nobody measured how sure it may be.",
                hint="Run `manage.py calibrate_sync` on clips that it was trained on, or leave SYNC_MODEL empty.",
                id="avsync.E002",
            )
        )
    if settings.SYNC_FACE_DETECTOR and not Path(settings.SYNC_FACE_DETECTOR).expanduser().is_file():
        errors.append(
            Error(
                f"SYNC_FACE_DETECTOR={settings.SYNC_FACE_DETECTOR!r} cannot work: there is no such file.",
                hint="Name the ONNX file of a YuNet, or leave SYNC_FACE_DETECTOR empty for OpenCV's cascade.",
                id="avsync.E003",
            )
        )
    return errors
