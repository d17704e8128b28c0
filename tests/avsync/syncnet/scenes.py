"""Drawn scenes: faces are white squares on black, so that where they are is known exactly."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from apps.media.frames import Frame

HEIGHT, WIDTH = 120, 200
Square = tuple[float, float, float]  # left, top, side


class WhiteSquares:
    """Finds white squares whose columns do not overlap; may be told to see nothing at some calls."""

    def __init__(self, blind_calls: Iterable[int] = ()) -> None:
        self._blind = set(blind_calls)
        self.calls = 0

    def detect(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        self.calls += 1
        if self.calls - 1 in self._blind:
            return np.zeros((0, 4), np.float32)
        white = image[:, :, 0] > 200
        edges = np.diff(np.pad(white.any(0).astype(np.int8), 1))
        squares = []
        for left, right in zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1), strict=True):
            top = int(np.flatnonzero(white[:, left:right].any(1))[0])
            squares.append((left, top, right - left, right - left))
        return np.array(squares, np.float32).reshape(-1, 4)


def drawn(squares: Sequence[Square], *, background: int = 0) -> NDArray[np.uint8]:
    image = np.full((HEIGHT, WIDTH, 3), background, np.uint8)
    for left, top, side in squares:
        image[round(top) : round(top + side), round(left) : round(left + side)] = 255
    return image


def scene(seconds: float, rate: float, *squares: Square, speed: float = 0.0, starts_s: float = 0.0) -> Iterator[Frame]:
    """Squares that stand still, or go to the right by `speed` pixels a second."""
    for number in range(round(seconds * rate)):
        time_s = number / rate
        moved = [(left + speed * time_s, top, side) for left, top, side in squares]
        yield Frame(drawn(moved), starts_s + time_s)
