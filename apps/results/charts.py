"""Lines over axes, as PNG: few lines each, so Pillow draws them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PIL import Image, ImageDraw, ImageFont

from apps.results.replacing import replacing

WIDTH, HEIGHT = 960, 540
LEFT, RIGHT, TOP, BOTTOM = 80, 24, 56, 64
INK, GRID, PAPER = "#222222", "#dddddd", "#ffffff"
COLOURS = ("#1f5fa8", "#c2571a", "#3b7d3b", "#8a5fb0", "#777777")  # told apart by those who see no red, too
FONT_PIXELS = 18
N_TICKS = 5


@dataclass(frozen=True)
class Line:
    """Points of a chart: `ys[i]` over `xs[i]`."""

    name: str
    xs: Sequence[float]
    ys: Sequence[float]


class Chart:
    """Axes from 0 to a little beyond the largest of `lines`."""

    def __init__(self, title: str, x_name: str, lines: Sequence[Line]) -> None:
        self._image = Image.new("RGB", (WIDTH, HEIGHT), PAPER)
        self._draw = ImageDraw.Draw(self._image)
        self._font = ImageFont.load_default(FONT_PIXELS)
        self._x_step = _tick(max((max(line.xs) for line in lines if line.xs), default=1.0))
        self._y_step = _tick(max((max(line.ys) for line in lines if line.ys), default=1.0))
        self._draw.text((LEFT, 16), title, INK, self._font)
        self._draw.text((WIDTH - RIGHT, HEIGHT - 8), x_name, INK, self._font, anchor="rs")
        for tick in range(N_TICKS + 1):
            x, y = self._place(tick * self._x_step, tick * self._y_step)
            self._draw.line([(LEFT, y), (WIDTH - RIGHT, y)], GRID)
            self._draw.text((LEFT - 10, y), f"{tick * self._y_step:g}", INK, self._font, anchor="rm")
            self._draw.text((x, HEIGHT - BOTTOM + 10), f"{tick * self._x_step:g}", INK, self._font, anchor="mt")
        self._draw.line([(LEFT, TOP), (LEFT, HEIGHT - BOTTOM), (WIDTH - RIGHT, HEIGHT - BOTTOM)], INK)

    def lines(self, lines: Sequence[Line], *, names: Literal["left", "right"] = "right") -> None:
        """`names` says on which side the names of the lines stand, at the top."""
        place, anchor = (LEFT + 16, "lt") if names == "left" else (WIDTH - RIGHT, "rt")
        for number, line in enumerate(lines):
            colour = COLOURS[number % len(COLOURS)]
            points = [self._place(x, y) for x, y in zip(line.xs, line.ys, strict=True) if math.isfinite(y)]
            self._draw.line(points, colour, width=3, joint="curve")
            self._draw.text((place, TOP + 8 + 26 * number), line.name, colour, self._font, anchor=anchor)

    def dots(self, line: Line, radii_pixels: Sequence[float], *, number: int) -> None:
        """A dot at each point of `line`, the `number`th of those that were drawn with `lines`."""
        for x, y, radius in zip(line.xs, line.ys, radii_pixels, strict=True):
            self._draw.circle(self._place(x, y), radius, COLOURS[number % len(COLOURS)])

    def mark(self, x: float, text: str) -> None:
        place, bottom = self._place(x, 0)
        self._draw.line([(place, TOP), (place, bottom)], INK)
        anchor = "ra" if place > WIDTH / 2 else "la"
        self._draw.text((place + (-6 if anchor == "ra" else 6), TOP - 24), text, INK, self._font, anchor=anchor)

    def save(self, path: Path) -> None:
        with replacing(path) as partial:
            self._image.save(partial, format="PNG", optimize=True)

    def _place(self, x: float, y: float) -> tuple[float, float]:
        across = (WIDTH - LEFT - RIGHT) * x / (N_TICKS * self._x_step)
        up = (HEIGHT - TOP - BOTTOM) * y / (N_TICKS * self._y_step)
        return LEFT + across, HEIGHT - BOTTOM - up


def _tick(largest: float) -> float:
    """A round distance of ticks, so that N_TICKS of them reach `largest`."""
    wanted = max(largest, 1e-9) / N_TICKS
    power = 10.0 ** math.floor(math.log10(wanted))
    return next(factor * power for factor in (1, 1.5, 2, 3, 4, 5, 10) if factor * power >= wanted * (1 - 1e-9))
