"""Finds faces in a picture. Whatever finds them, a face is a square of the same proportions: see `Detector`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

# The shares of a square, from its top, at which eyes and mouth lie: those of OpenCV's cascade, measured on GRID.
EYES_AT, MOUTH_AT = 0.38, 0.78
DETECTION_SIDE = 480  # pixels of a picture's longer side at which faces are looked for
SMALLEST_SHARE = 0.1  # of the shorter side: lips of smaller faces are too few pixels to be read
CASCADE = "haarcascade_frontalface_default.xml"
CASCADE_STEP = 1.1  # between sizes of faces that are tried
CASCADE_NEIGHBOURS = 5  # findings beside each other that make a face; fewer find faces in curtains
YUNET_SCORE = 0.6


class DetectorError(Exception):
    """The detector cannot be used. The message says what to do."""


class Detector(Protocol):
    """`detect` takes RGB uint8 `(height, width, 3)` and gives squares: float32 `(n_faces, 4)` of x, y, side, side.

    The eyes lie at EYES_AT of the square's height, the mouth at MOUTH_AT, both around its vertical middle.
    """

    def detect(self, image: NDArray[np.uint8]) -> NDArray[np.float32]: ...


class CascadeDetector:
    """OpenCV's cascade of Haar features (Viola and Jones, 2001), which its wheel carries. Faces from the front."""

    def __init__(self) -> None:
        # OpenCV's stubs do not know of `cv2.data`.
        folder: str = cv2.data.haarcascades  # type: ignore[attr-defined]
        self._cascade = cv2.CascadeClassifier(folder + CASCADE)

    def detect(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        small, scale = _shrunk(image)
        grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
        smallest = max(24, round(SMALLEST_SHARE * min(grey.shape)))
        found = self._cascade.detectMultiScale(grey, CASCADE_STEP, CASCADE_NEIGHBOURS, minSize=(smallest, smallest))
        return np.asarray(found, np.float32).reshape(-1, 4) / scale


class YuNetDetector:
    """YuNet (Wu et al., 2023) from its ONNX file: also faces that are turned away. Raises DetectorError."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise DetectorError(f"There is no face detector {path}: name the ONNX file of a YuNet.")
        try:
            self._network: Any = cv2.FaceDetectorYN.create(str(path), "", (320, 320), YUNET_SCORE)
        except cv2.error as error:
            raise DetectorError(f"{path} is no YuNet that OpenCV can read ({error.err}).") from error

    def detect(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        small, scale = _shrunk(image)
        # Its layers halve the picture five times: other sizes than multiples of 32 are refused or misread.
        height, width = (32 * -(-side // 32) for side in small.shape[:2])
        padded = np.zeros((height, width, 3), np.uint8)
        padded[: small.shape[0], : small.shape[1]] = small[:, :, ::-1]
        self._network.setInputSize((width, height))
        _, found = self._network.detect(padded)
        if found is None:
            return np.zeros((0, 4), np.float32)
        points = np.asarray(found, np.float32)[:, 4:14].reshape(-1, 5, 2) / scale  # eyes, nose, corners of the mouth
        squares = _squares(points[:, :2].mean(1), points[:, 3:].mean(1))
        return squares[squares[:, 2] >= SMALLEST_SHARE * min(image.shape[:2])]


def _squares(eyes: NDArray[np.float32], mouths: NDArray[np.float32]) -> NDArray[np.float32]:
    """Squares `(n, 4)` that have the middles of eyes and mouths, both `(n, 2)`, where a `Detector` has them."""
    sides = np.linalg.norm(mouths - eyes, axis=1) / (MOUTH_AT - EYES_AT)
    middles = (eyes + mouths) / 2
    left = middles[:, 0] - sides / 2
    top = middles[:, 1] - sides * (EYES_AT + MOUTH_AT) / 2
    return np.asarray(np.stack([left, top, sides, sides], 1), np.float32)


def _shrunk(image: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], float]:
    """The picture with its longer side of DETECTION_SIDE at most, and by what it was multiplied."""
    scale = min(1.0, DETECTION_SIDE / max(image.shape[:2]))
    if scale == 1.0:
        return image, scale
    size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8), scale
