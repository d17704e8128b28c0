"""The portal's checker of lip sync, as the settings choose it: loaded on first use, once a process."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

if TYPE_CHECKING:
    from apps.avsync.syncnet.looking import LookingOptions
    from apps.avsync.syncnet.offset import JudgingOptions, SyncChecker


class SyncModelError(ImproperlyConfigured):
    """SYNC_MODEL, SYNC_FACE_DETECTOR or the embedded network cannot work. The message says what to do."""


def sync_checker() -> SyncChecker:
    """Takes two seconds on its first call, which loads torch. Raises SyncModelError."""
    return _load(settings.SYNC_MODEL, settings.SYNC_FACE_DETECTOR, settings.SYNC_MIN_PROBABILITY)


def weights_path() -> Path:
    """The file of the network that SYNC_MODEL names, or of the embedded one."""
    from apps.avsync.syncnet.trained_checker import EMBEDDED_WEIGHTS

    return Path(settings.SYNC_MODEL).expanduser() if settings.SYNC_MODEL else EMBEDDED_WEIGHTS


def looking_options() -> LookingOptions:
    """How much of a file is looked at, from the settings."""
    from apps.avsync.syncnet.looking import LookingOptions
    from apps.avsync.syncnet.pooling import PoolingOptions

    return LookingOptions(
        window_s=settings.SYNC_WINDOW_S,
        max_looks=settings.SYNC_MAX_WINDOWS,
        max_candidates=2 * settings.SYNC_MAX_WINDOWS,
        pooling=PoolingOptions(judging=_judging_options(settings.SYNC_MIN_PROBABILITY)),
    )


def _judging_options(min_probability: float) -> JudgingOptions:
    from apps.avsync.syncnet.offset import JudgingOptions

    return JudgingOptions(min_probability=min_probability)


@lru_cache(maxsize=1)
def _load(model: str, face_detector: str, min_probability: float) -> SyncChecker:
    # Not at import: a process that has loaded torch must not fork, and the web process never needs it.
    from apps.avsync.syncnet.detectors import DetectorError
    from apps.avsync.syncnet.trained_checker import CalibrationError, load_checker
    from apps.avsync.syncnet.weights import WeightsError

    detector = Path(face_detector).expanduser() if face_detector else None
    options = _judging_options(min_probability)
    try:
        return load_checker(weights_path(), detector=detector, options=options)
    except DetectorError as error:
        raise SyncModelError(
            f"SYNC_FACE_DETECTOR={face_detector!r} cannot work: {error} Or leave SYNC_FACE_DETECTOR empty."
        ) from error
    except (WeightsError, CalibrationError) as error:
        if model:
            raise SyncModelError(
                f"SYNC_MODEL={model!r} cannot work: {error} Or leave SYNC_MODEL empty for the embedded network."
            ) from error
        raise SyncModelError(
            f"The embedded network of lip sync is damaged, install the portal again: {error}"
        ) from error
