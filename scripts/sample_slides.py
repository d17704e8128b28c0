"""What the sample talk says and shows: its sentences, and slides drawn with Pillow and Pillow's own font.

The text was written for this project. Its facts: Chappe's towers (from 1794), Morse's line from Washington to Baltimore
(1844), the cables of 1858 and 1866, Bell Labs' Audrey (1952), the first captioned programme on American television
(1972).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT = 1280, 720
OVERSAMPLING = 2  # Pillow draws lines without anti-aliasing: draw at twice the size, then reduce

PAPER, INK, GREY = "#f7f3ea", "#1d2b3a", "#6b7580"
RED, TEAL, SAND, NIGHT = "#d2502b", "#1f7a78", "#e6dcc6", "#16324a"

Point = tuple[float, float]


class Canvas:
    """A slide in pixels of the finished picture; it draws `OVERSAMPLING` times as large."""

    def __init__(self, background: str) -> None:
        self._image = Image.new("RGB", (WIDTH * OVERSAMPLING, HEIGHT * OVERSAMPLING), background)
        self._draw = ImageDraw.Draw(self._image)

    def text(self, at: Point, text: str, size: int, colour: str, *, bold: bool = False, anchor: str = "la") -> None:
        font = ImageFont.load_default(size * OVERSAMPLING)
        # The font has one weight; a stroke of its own colour makes the second.
        stroke = max(1, round(size * OVERSAMPLING / 55)) if bold else 0
        self._draw.text(
            self._scaled(at), text, colour, font=font, anchor=anchor, stroke_width=stroke, spacing=18 * OVERSAMPLING
        )

    def text_width(self, text: str, size: int) -> float:
        font = ImageFont.load_default(size * OVERSAMPLING)
        return self._draw.textlength(text, font=font) / OVERSAMPLING

    def line(self, points: Sequence[Point], colour: str, width: float) -> None:
        self._draw.line([self._scaled(point) for point in points], colour, round(width * OVERSAMPLING), joint="curve")

    def polygon(self, points: list[Point], colour: str) -> None:
        self._draw.polygon([self._scaled(point) for point in points], colour)

    def disc(self, centre: Point, radius: float, colour: str) -> None:
        x, y = self._scaled(centre)
        self._draw.ellipse(
            (
                x - radius * OVERSAMPLING,
                y - radius * OVERSAMPLING,
                x + radius * OVERSAMPLING,
                y + radius * OVERSAMPLING,
            ),
            colour,
        )

    def box(self, left: float, top: float, right: float, bottom: float, colour: str, radius: float = 0) -> None:
        corners = (left * OVERSAMPLING, top * OVERSAMPLING, right * OVERSAMPLING, bottom * OVERSAMPLING)
        self._draw.rounded_rectangle(corners, radius * OVERSAMPLING, colour)

    def finished(self) -> Image.Image:
        return self._image.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)

    @staticmethod
    def _scaled(point: Point) -> Point:
        return point[0] * OVERSAMPLING, point[1] * OVERSAMPLING


@dataclass(frozen=True)
class Slide:
    """A picture and what is said over it."""

    heading: str
    year: str
    lines: tuple[str, ...]
    sentences: tuple[str, ...]
    picture: Callable[[Canvas], None]


# --- pictures: each draws in the right part of the slide, x from 720 to 1230, y from 120 to 620 ---


def _signal_rings(canvas: Canvas) -> None:
    stations: list[Point] = [(770, 520), (885, 410), (1000, 460), (1115, 300), (1215, 210)]
    canvas.line(stations, SAND, 8)
    for index, (x, y) in enumerate(stations):
        canvas.disc((x, y), 34, SAND)
        canvas.disc((x, y), 22, (RED, TEAL)[index % 2])
        canvas.disc((x, y), 9, PAPER)


def _towers(canvas: Canvas) -> None:
    canvas.polygon([(690, 620), (790, 540), (930, 565), (1060, 480), (1280, 560), (1280, 640), (690, 640)], SAND)
    for x, foot, scale, angle in ((1190, 530, 0.55, 40), (1045, 495, 0.75, -35), (830, 565, 1.25, 25)):
        top = foot - 190 * scale
        half = 26 * scale
        canvas.polygon([(x - half, top), (x + half, top), (x + half * 1.5, foot), (x - half * 1.5, foot)], INK)
        canvas.box(x - 8 * scale, foot - 120 * scale, x + 8 * scale, foot - 90 * scale, PAPER)
        mast = top - 95 * scale
        canvas.line([(x, top), (x, mast)], INK, 9 * scale)
        dx, dy = 80 * scale * math.cos(math.radians(angle)), 80 * scale * math.sin(math.radians(angle))
        canvas.line([(x - dx, mast + dy), (x + dx, mast - dy)], RED, 12 * scale)
        for end, lean in (((x - dx, mast + dy), 1), ((x + dx, mast - dy), -1)):
            canvas.line([end, (end[0] + 14 * scale * lean, end[1] - 52 * scale * lean)], RED, 10 * scale)


def _morse(canvas: Canvas) -> None:
    codes = {"W": ".--", "O": "---", "R": ".-.", "D": "-.."}
    unit = 30
    for row, (letter, code) in enumerate(codes.items()):
        y = 215 + row * 100
        canvas.text((745, y), letter, 58, INK, bold=True, anchor="mm")
        x = 815.0
        for mark in code:
            width = unit if mark == "." else 3 * unit
            canvas.box(x, y - unit / 2, x + width, y + unit / 2, RED if mark == "." else TEAL, unit / 2)
            x += width + unit


def _cable(canvas: Canvas) -> None:
    sea, bed = 290, 600
    canvas.box(720, sea, 1240, bed, "#cfe0e2")
    canvas.polygon([(720, sea - 40), (790, sea - 20), (815, 470), (870, bed), (720, bed)], TEAL)
    canvas.polygon([(1240, sea - 40), (1180, sea - 20), (1150, 450), (1100, bed), (1240, bed)], TEAL)
    curve = [(790 + 380 * t, sea + 10 + 255 * math.sin(math.pi * t) ** 0.55) for t in (i / 60 for i in range(61))]
    canvas.line(curve, RED, 8)
    canvas.polygon([(905, 262), (1085, 262), (1060, 305), (935, 305)], INK)
    canvas.line([(950, 262), (950, 160)], INK, 6)
    canvas.line([(1035, 262), (1035, 170)], INK, 6)
    canvas.box(978, 205, 1006, 262, RED)
    canvas.polygon([(943, 168), (943, 245), (895, 245)], "#ffffff")
    canvas.polygon([(1042, 178), (1042, 245), (1088, 245)], "#ffffff")
    for row in range(3):
        y = sea + 70 + row * 34
        wave = [(850 + row * 28 + x, y + 5 * math.sin(x / 11)) for x in range(0, 90, 3)]
        canvas.line(wave, "#9fc3c6", 4)


def _waveform(canvas: Canvas) -> None:
    for index in range(41):
        x = 740 + index * 12
        swell = math.exp(-(((index - 12) / 6) ** 2)) + 0.8 * math.exp(-(((index - 29) / 5) ** 2))
        half = 8 + 105 * swell * (0.55 + 0.45 * abs(math.sin(index * 1.7)))
        canvas.box(x - 3.5, 280 - half, x + 3.5, 280 + half, TEAL if index < 21 else RED, 3.5)
    for x, digit, colour in ((884, "seven", TEAL), (1088, "two", RED)):
        canvas.line([(x, 420), (x, 470)], GREY, 4)
        canvas.polygon([(x - 12, 465), (x + 12, 465), (x, 485)], GREY)
        canvas.box(x - 85, 500, x + 85, 575, colour, 14)
        canvas.text((x, 537), digit, 36, "#ffffff", bold=True, anchor="mm")


def _screen(canvas: Canvas) -> None:
    canvas.box(730, 170, 1230, 500, INK, 22)
    canvas.box(750, 190, 1210, 480, NIGHT, 8)
    canvas.disc((980, 300), 52, SAND)
    canvas.polygon([(895, 420), (920, 372), (1040, 372), (1065, 420)], SAND)
    canvas.box(795, 405, 1165, 460, "#000000", 8)
    canvas.text((980, 432), "[ soft music ]", 30, "#ffffff", anchor="mm")
    canvas.box(960, 500, 1000, 555, INK)
    canvas.box(870, 550, 1090, 570, INK, 10)


def _search(canvas: Canvas) -> None:
    canvas.box(730, 170, 1230, 250, "#ffffff", 40)
    canvas.text((815, 210), "lighthouse", 36, INK, anchor="lm")
    canvas.disc((776, 206), 18, GREY)
    canvas.disc((776, 206), 12, "#ffffff")
    canvas.line([(788, 219), (799, 231)], GREY, 7)
    # Where the talk says it; look again when a sentence before it changes.
    for row, (time, before, word) in enumerate(
        (("0:32", "Like a", "lighthouse"), ("1:55", "for the word", "lighthouse"))
    ):
        y = 335 + row * 115
        canvas.box(730, y - 46, 1230, y + 46, "#ffffff", 14)
        canvas.box(752, y - 24, 842, y + 24, RED, 10)
        canvas.text((797, y), time, 28, "#ffffff", bold=True, anchor="mm")
        canvas.text((862, y), before, 28, INK, anchor="lm")
        x = 862 + canvas.text_width(before + " ", 28)
        canvas.box(x - 5, y - 22, x + canvas.text_width(word, 28) + 5, y + 24, "#ffd978", 6)
        canvas.text((x, y), word, 28, INK, anchor="lm")


SLIDES = (
    Slide(
        "Words on the wire",
        "How speech became searchable",
        ("From the telegraph", "to the captions", "on your screen"),
        (
            "For most of history, words travelled no faster than a rider could carry them.",
            "A letter across the ocean took weeks.",
            "This short talk follows the technology that changed that, "
            "from the telegraph to the captions on your screen.",
        ),
        _signal_rings,
    ),
    Slide(
        "A network made of light",
        "1794",
        ("Towers with moving arms,", "read by telescope", "Useless in fog"),
        (
            "The first fast network was made of light.",
            "In the 1790s, French engineers built long chains of towers with moving wooden arms.",
            "Each operator read the next tower through a telescope, and copied what he saw.",
            "Like a lighthouse, the system was useless in thick fog.",
        ),
        _towers,
    ),
    Slide(
        "Dots and dashes",
        "1844",
        ("Electricity replaces light", "A short pulse, a long pulse:", "an early digital code"),
        (
            "Then came electricity.",
            "In 1844, Samuel Morse sent a message by wire from Washington to Baltimore.",
            "His dots and dashes were an early digital code, long before the computer.",
        ),
        _morse,
    ),
    Slide(
        "Under the Atlantic",
        "1858 and 1866",
        ("98 words in 16 hours,", "then three weeks later, silence", "The next one lasted"),
        (
            "In 1858, two ships laid the first transatlantic cable.",
            "A greeting of 98 words took 16 hours to send, and after three weeks the cable was dead.",
            "The engineers improved the insulation, and from 1866 the two continents stayed connected.",
        ),
        _cable,
    ),
    Slide(
        "Machines learn to listen",
        "1952",
        ("Audrey knew ten digits", "and one voice", "Neural networks know us all"),
        (
            "Sending speech is one thing, and understanding it is another.",
            "In 1952, a machine called Audrey could recognize the digits from zero to nine, "
            "spoken by one patient person.",
            "Today, a small neural network on a laptop computer can write down almost anything you say.",
        ),
        _waveform,
    ),
    Slide(
        "Captions for everyone",
        "1972",
        ("Made for those who", "cannot hear", "Handy for the rest of us"),
        (
            "In 1972, a cooking program became the first American television show with captions.",
            "They were made for people who cannot hear.",
            "Now millions of people read them on a phone, in a noisy train, or in a language they are still learning.",
        ),
        _screen,
    ),
    Slide(
        "Find the second",
        "Today",
        ("Every word has its time", "Search for it, click it,", "and be there"),
        (
            "On this portal, the computer listens to every video, and each word carries its own time.",
            "Search for the word lighthouse, and you will land on the second at which it was spoken.",
            "Thank you for listening, or for reading.",
        ),
        _search,
    ),
)


def draw_slide(slide: Slide, *, number: int) -> Image.Image:
    """The slide as an RGB picture of 1280 × 720. `number` counts from 1."""
    canvas = Canvas(PAPER)
    canvas.box(0, 0, 18, HEIGHT, TEAL)
    canvas.text((84, 118), slide.year, 34, RED, bold=True)
    canvas.text((82, 170), slide.heading, 58 if number == 1 else 54, INK, bold=True)
    canvas.box(84, 262, 184, 268, RED, 3)
    for index, line in enumerate(slide.lines):
        canvas.text((84, 318 + index * 62), line, 38, INK)
    canvas.text((84, HEIGHT - 72), "videoportal", 24, GREY, bold=True)
    canvas.text((WIDTH - 50, HEIGHT - 72), f"{number} / {len(SLIDES)}", 24, GREY, anchor="ra")
    slide.picture(canvas)
    return canvas.finished()
