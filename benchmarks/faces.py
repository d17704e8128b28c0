"""Which face detector? `python -m benchmarks.faces` measures what each finds, and how long it takes.

On GRID there is one face in every picture, so that what is missed and what is too much can be counted. Of the film
clips nobody marked the faces: how many pictures have one, and how long the tracks are, tells detectors apart, but not
who is right. Milliseconds are those of the processor, so that other work beside it does not count.

YuNet is measured where its files lie in the data, mediapipe where it is installed. The portal does not want mediapipe,
as it pins protobuf below 5; an environment of its own is enough (`pip install mediapipe==0.10.21 numpy==1.26.4
av==18.1.0`), with whose python this command takes `--detector mediapipe --detector mediapipe_mesh`.
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from apps.avsync.syncnet.detectors import EYES_AT, MOUTH_AT, CascadeDetector, Detector, YuNetDetector
from apps.avsync.syncnet.faces import face_tracks
from apps.media.frames import Frame, stream_frames
from apps.results.tables import write_rows

FILMS = ("friday.mp4", "tears-of-steel-battle-clip-medium.webm", "flower.mp4")
MAX_SIDE = 1280  # pixels of a frame


class BlazeFaceDetector:
    """BlazeFace as mediapipe's wheel carries it, for faces at a distance."""

    def __init__(self) -> None:
        from mediapipe.python.solutions.face_detection import FaceDetection

        self._network = FaceDetection(min_detection_confidence=0.5, model_selection=1)

    def detect(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        found = self._network.process(image).detections or ()
        points = [one.location_data.relative_keypoints for one in found]
        return _squares_of(points, image, eyes=(0, 1), mouth=(3,))


class MeshDetector:
    """mediapipe's mesh of 468 points, found anew in each picture: BlazeFace for near faces, then the mesh of each.

    Between pictures a fifth of a second apart it could follow a face without finding it again; cuts would mislead it.
    """

    def __init__(self) -> None:
        from mediapipe.python.solutions.face_mesh import FaceMesh

        self._network = FaceMesh(static_image_mode=True, max_num_faces=4, min_detection_confidence=0.5)

    def detect(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        points = [face.landmark for face in self._network.process(image).multi_face_landmarks or ()]
        return _squares_of(points, image, eyes=(33, 133, 362, 263), mouth=(61, 291))  # the corners of each


def _squares_of(
    faces: Sequence[Any], image: NDArray[np.uint8], *, eyes: Sequence[int], mouth: Sequence[int]
) -> NDArray[np.float32]:
    """Squares, as a `Detector` gives them, of faces whose points have `x` and `y` in shares of the picture's sides."""
    height, width = image.shape[:2]
    squares = []
    for points in faces:
        above, below = (
            np.mean([(points[index].x * width, points[index].y * height) for index in indices], axis=0)
            for indices in (eyes, mouth)
        )
        side = float(np.linalg.norm(below - above)) / (MOUTH_AT - EYES_AT)
        middle = (above + below) / 2
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
        found |= {"mediapipe": BlazeFaceDetector(), "mediapipe_mesh": MeshDetector()}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--clips", type=int, default=60, help="of GRID")
    parser.add_argument("--detector", action="append", help="one of those to measure; without any, all that there are")
    parser.add_argument("--csv", type=Path, help="folder for faces.csv, whose rows of other detectors stay")
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
    found = detectors(arguments.data)
    for name in arguments.detector or found:
        if name not in found:
            parser.error(f"there is no {name}, but {', '.join(found)}: --help says what each wants.")
        for material, paths in materials.items():
            row = measure(name, found[name], material, paths)
            rows.append(row)
            print(*(f"{key}={value}" for key, value in row.items()), flush=True)
    if arguments.csv:
        arguments.csv.mkdir(parents=True, exist_ok=True)
        path = arguments.csv / "faces.csv"
        measured = {row["detector"] for row in rows}
        write_rows(path, [row for row in _rows_of(path) if row["detector"] not in measured] + rows)


def _rows_of(path: Path) -> list[dict[str, Any]]:
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


if __name__ == "__main__":
    main()
