"""Which face detector? `python -m benchmarks.faces` measures what each finds, and how long it takes.

On GRID there is one face in every picture, so that what is missed and what is too much can be counted. Of the film
clips nobody marked the faces: how many pictures have one, and how long the tracks are, tells detectors apart, but not
who is right. mediapipe is measured where it is installed; the portal does not want it. Milliseconds are
those of the processor, so that other work beside it does not count.
"""

from __future__ import annotations

import argparse
import importlib.util
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from apps.avsync.syncnet.detectors import EYES_AT, MOUTH_AT, CascadeDetector, Detector, YuNetDetector
from apps.avsync.syncnet.faces import DETECT_EVERY, face_tracks
from apps.media.frames import Frame, stream_frames
from apps.results.tables import write_rows

FILMS = ("friday.mp4", "tears-of-steel-battle-clip-medium.webm", "flower.mp4")
MAX_SIDE = 1280  # pixels of a frame


class MediapipeDetector:
    """BlazeFace as mediapipe's wheel carries it, for faces at a distance."""

    def __init__(self) -> None:
        from mediapipe.python.solutions.face_detection import FaceDetection

        self._network = FaceDetection(min_detection_confidence=0.5, model_selection=1)

    def detect(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        height, width = image.shape[:2]
        squares = []
        for found in self._network.process(image).detections or ():
            points = [(point.x * width, point.y * height) for point in found.location_data.relative_keypoints]
            eyes = np.mean(points[:2], axis=0)
            mouth = np.array(points[3])
            side = float(np.linalg.norm(mouth - eyes)) / (MOUTH_AT - EYES_AT)
            middle = (eyes + mouth) / 2
            squares.append((middle[0] - side / 2, middle[1] - side * (EYES_AT + MOUTH_AT) / 2, side, side))
        return np.array(squares, np.float32).reshape(-1, 4)


class Counting:
    """A detector whose findings and time are counted."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self.counts: list[int] = []
        self.seconds = 0.0

    def detect(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        started_s = time.process_time()
        found = self._detector.detect(image)
        self.seconds += time.process_time() - started_s
        self.counts.append(len(found))
        return found


def measure(name: str, detector: Detector, material: str, paths: Sequence[Path]) -> dict[str, Any]:
    counting = Counting(detector)
    n_tracks, tracked_s, length_s = 0, 0.0, 0.0
    for path in paths:
        last_s = 0.0

        def timed(frames: Any) -> Any:
            nonlocal last_s
            frame: Frame
            for frame in frames:
                last_s = frame.time_s
                yield frame

        for track in face_tracks(timed(stream_frames(path, max_side=MAX_SIDE)), detector=counting):
            n_tracks += 1
            tracked_s += track.duration_s
        length_s += last_s
    counts = np.array(counting.counts)
    return {
        "detector": name,
        "material": material,
        "clips": len(paths),
        "pictures": len(counts),
        "with_a_face": int((counts > 0).sum()),
        "with_several": int((counts > 1).sum()),
        "tracks": n_tracks,
        "tracked_s": round(tracked_s, 1),
        "length_s": round(length_s, 1),
        "ms_a_picture": round(1000 * counting.seconds / len(counts), 2),
    }


def detectors(data: Path) -> dict[str, Detector]:
    found: dict[str, Detector] = {"cascade": CascadeDetector()}
    for size in ("n", "s"):
        path = data / f"faces/yunet_{size}_640_640.onnx"
        if path.is_file():
            found[f"yunet_{size}"] = YuNetDetector(path)
    if importlib.util.find_spec("mediapipe"):
        found["mediapipe"] = MediapipeDetector()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=f"What face detectors find in every {DETECT_EVERY}th picture.")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--clips", type=int, default=60, help="of GRID")
    parser.add_argument("--csv", type=Path, help="folder for faces.csv")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    grid = sorted((arguments.data / "grid").glob("s*/*.mp4")) + sorted(
        (arguments.data / "grid/other_speakers").glob("*.mpg")
    )
    # As many of each speaker as there are, before any comes twice: most clips are of one.
    by_speaker: dict[str, list[Path]] = {}
    for path in grid:
        by_speaker.setdefault(path.stem.split("_")[0] if "_" in path.stem else path.parent.name, []).append(path)
    each = max(1, arguments.clips // len(by_speaker))
    materials = {"grid": [path for paths in by_speaker.values() for path in paths[:each]]}
    materials |= {name: [arguments.data / "video" / name] for name in FILMS}
    rows = []
    for name, detector in detectors(arguments.data).items():
        for material, paths in materials.items():
            row = measure(name, detector, material, paths)
            rows.append(row)
            print(*(f"{key}={value}" for key, value in row.items()), flush=True)
    if arguments.csv:
        arguments.csv.mkdir(parents=True, exist_ok=True)
        write_rows(arguments.csv / "faces.csv", rows)


if __name__ == "__main__":
    main()
