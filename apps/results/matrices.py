"""A table of shares as a picture, PNG: the darker, the larger."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from apps.results.replacing import replacing

INK, GRID, PAPER, DARKEST = "#222222", "#bbbbbb", (255, 255, 255), (16, 58, 110)
TITLE_PIXELS = 56
FONT_SHARE = 0.75  # of a cell's side
LEGIBLE_SIDE = 12  # pixels: below, names are left away
LARGEST_CELLS = 1000  # pixels of all cells of a row


def draw_matrix(
    title: str, names: Sequence[str], shares: NDArray[np.float64], path: Path, *, groups: Sequence[int] = ()
) -> None:
    """`shares` `(n, n)` from 0 to 1: a row for each of `names`, a column for each in the same order.

    Lines part what lies before and after the row (and column) of each number in `groups`.
    """
    side = max(1, min(24, LARGEST_CELLS // len(names)))
    font = ImageFont.load_default(max(1, side * FONT_SHARE))
    has_names = side >= LEGIBLE_SIDE
    edge = 16 + (round(max(font.getlength(name) for name in names)) if has_names else 0)
    image = Image.new("RGB", (edge + side * len(names) + 16, TITLE_PIXELS + side * len(names) + edge), PAPER)
    draw = ImageDraw.Draw(image)
    draw.text((16, 16), title, INK, ImageFont.load_default(18))
    levels = np.array(PAPER) + np.clip(shares, 0, 1)[..., None] * (np.array(DARKEST) - np.array(PAPER))
    cells = Image.fromarray(levels.round().astype(np.uint8)).resize((side * len(names),) * 2, Image.Resampling.NEAREST)
    image.paste(cells, (edge, TITLE_PIXELS))
    right, bottom = edge + side * len(names), TITLE_PIXELS + side * len(names)
    for number in (0, *groups, len(names)):
        across, down = edge + side * number, TITLE_PIXELS + side * number
        draw.line([(across, TITLE_PIXELS), (across, bottom)], GRID)
        draw.line([(edge, down), (right, down)], GRID)
    for number, name in enumerate(names) if has_names else ():
        middle = (number + 0.5) * side
        draw.text((edge - 6, TITLE_PIXELS + middle), name, INK, font, anchor="rm")
        _draw_downwards(image, name, font, left=edge + middle, top=bottom + 6)
    with replacing(path) as partial:
        image.save(partial, format="PNG", optimize=True)


def _draw_downwards(
    image: Image.Image, text: str, font: ImageFont.ImageFont | ImageFont.FreeTypeFont, *, left: float, top: int
) -> None:
    """The text turned by a right angle, its end at `top`, its middle line at `left`."""
    width, height = round(font.getlength(text)) + 1, round(font.getbbox("Ag")[3]) + 1
    line = Image.new("RGB", (width, height), PAPER)
    ImageDraw.Draw(line).text((width, height / 2), text, INK, font, anchor="rm")
    image.paste(line.rotate(90, expand=True), (round(left - height / 2), top))
