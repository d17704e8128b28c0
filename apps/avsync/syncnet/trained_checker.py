"""A file of trained weights, and how sure they may be, as a `SyncChecker`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from apps.avsync.syncnet.detectors import CascadeDetector, Detector, YuNetDetector
from apps.avsync.syncnet.faces import face_tracks
from apps.avsync.syncnet.mfcc import mfcc
from apps.avsync.syncnet.network_checker import NetworkChecker
from apps.avsync.syncnet.offset import Calibration, JudgingOptions
from apps.avsync.syncnet.weights import TrainedNetwork, load_network
from apps.media.digest import sha256_of

EMBEDDED_WEIGHTS = Path(__file__).parent / "embedded" / "network.safetensors"
CALIBRATION_NAME = "calibration.json"  # beside the weights
DIGEST_SHOWN = 12  # hexadecimal digits of the weights' sha256 in a checker's name


class CalibrationError(Exception):
    """Nobody measured how sure a network may be. The message says what to do."""


class TrainedStreams:
    """The two streams of a trained network, from crops and samples to embeddings: `EmbeddingStreams`."""

    def __init__(self, trained: TrainedNetwork) -> None:
        self._network = trained.network

    def video(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        return self._network.embed_video(crops)

    def audio(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        return self._network.embed_audio(mfcc(samples))


def load_checker(
    weights: Path, *, detector: Path | None = None, options: JudgingOptions | None = None
) -> NetworkChecker:
    """The checker of a file that `train_sync` wrote and `calibrate_sync` measured; `detector`: a YuNet's ONNX file.

    Raises WeightsError, CalibrationError and DetectorError.
    """
    trained = load_network(weights)
    digest = sha256_of(weights)
    finder: Detector = YuNetDetector(detector) if detector else CascadeDetector()
    return NetworkChecker(
        TrainedStreams(trained),
        lambda frames: face_tracks(frames, trained.crop, finder),
        name=f"{trained.facts.get('objective', 'network')} {digest[:DIGEST_SHOWN]}",
        calibration=read_calibration(weights.with_name(CALIBRATION_NAME), digest),
        options=options,
    )


def read_calibration(path: Path, digest: str) -> Calibration:
    """Raises CalibrationError where there is none for the weights of that sha256."""
    cure = "measure it with `manage.py calibrate_sync`."
    try:
        described = json.loads(path.read_text(encoding="utf-8"))
        if described["weights_sha256"] != digest:
            raise CalibrationError(f"{path} was measured on other weights: {cure}")
        return Calibration(**described["calibration"])
    except FileNotFoundError as error:
        raise CalibrationError(f"How sure the network may be is not known, {path} is missing: {cure}") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CalibrationError(f"{path} cannot be read ({error}): {cure}") from error


def write_calibration(path: Path, calibration: Calibration, digest: str, facts: dict[str, object]) -> None:
    described = {"weights_sha256": digest, "calibration": asdict(calibration), "facts": facts}
    path.write_text(json.dumps(described, indent=1) + "\n", encoding="utf-8")
