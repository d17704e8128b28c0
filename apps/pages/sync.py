"""What owner and moderators read about the lip sync of a video: sentences, and the curves behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings

from apps.avsync.models import SyncReport
from apps.pages.times import clock
from apps.pipeline.sync_status import SyncStatus, sync_status
from apps.videos.models import Video

MS_PER_FRAME = 40  # of the distances in a report
# The drawing, in the units of its viewBox; the margins hold the numbers at the axes.
WIDTH, HEIGHT = 660.0, 284.0
LEFT, RIGHT, TOP, BOTTOM = 64.0, 36.0, 14.0, 70.0
TICKS_X = 6
STEPS_MS = (20, 50, 100, 200)  # between the numbers at the axis of offsets
MAX_TICKS_Y = 6
REACH_MS = 1_000  # no check looks further
ELSEWHERE_MS = 2 * MS_PER_FRAME  # a stretch that is farther from the others is of another offset
MAX_NAMED = 3  # such stretches


@dataclass(frozen=True)
class Tick:
    """A number at an axis, and where it stands."""

    at: float
    label: str


@dataclass(frozen=True)
class Point:
    x: float
    y: float
    label: str  # in words, for the table and for whoever points at it
    value: str
    sureness: float = 1.0  # in [0, 1]


@dataclass(frozen=True)
class Plot:
    """A curve as an SVG draws it. `marked` is where a line stands: upright in one plot, level in the other."""

    said: str  # what it shows, for those who do not see it
    ticks_x: Sequence[Tick]
    ticks_y: Sequence[Tick]
    points: Sequence[Point]
    marked: float | None
    band: tuple[float, float] | None = None  # from y, height: what counts as in sync

    @property
    def line(self) -> str:
        """For `<polyline points>`."""
        return " ".join(f"{point.x:.1f},{point.y:.1f}" for point in self.points)


@dataclass(frozen=True)
class SyncPanel:
    """A video's lip sync for whoever may change the video."""

    status: SyncStatus
    tone: str  # class of the badge beside the sentence
    word: str  # in the badge
    distances: Plot | None
    offsets: Plot | None


def sync_panel(video: Video, *, with_plots: bool = False) -> SyncPanel:
    """Three queries."""
    status = sync_status(video)
    report = status.report
    tone, word = _badge(status)
    return SyncPanel(
        status=status,
        tone=tone,
        word=word,
        distances=_distances(report) if with_plots and report and report.distances else None,
        offsets=_offsets(report, video.duration_ms) if with_plots and report and report.windows else None,
    )


def _badge(status: SyncStatus) -> tuple[str, str]:
    if status.repair is not None and not status.is_repaired and not status.is_moving:
        return "bad", "Not moved"
    if status.is_at_work:
        return "accent", "At work"
    if status.report is None:
        return "", "Not checked"
    if status.report.is_out_of_sync:
        return "warn", "Out of sync"
    return ("good", "In sync") if status.report.verdict == SyncReport.Verdict.IN_SYNC else ("", "Unknown")


def _distances(report: SyncReport) -> Plot:
    """Distance between lips and sound, over the offset at which they are compared. Lowest where they fit."""
    half = (len(report.distances) - 1) // 2
    offsets = [(number - half) * MS_PER_FRAME for number in range(len(report.distances))]
    low, high = _padded(min(report.distances), max(report.distances))
    reach = half * MS_PER_FRAME
    fits = "" if report.offset_ms is None else f" They fit best where it is {_late(report.offset_ms)}."
    return Plot(
        said=f"How different lips and sound are when the sound is taken to be early or late by so much.{fits} "
        "One deep valley is a sure sign; a flat curve is none.",
        ticks_x=[Tick(_across(at, -reach, reach), _signed(at)) for at in range(-reach, reach + 1, max(1, reach // 3))],
        ticks_y=[Tick(_up(at, low, high), f"{at:.2f}") for at in (low, (low + high) / 2, high)],
        points=[
            Point(_across(offset, -reach, reach), _up(distance, low, high), f"{_signed(offset)} ms", f"{distance:.3f}")
            for offset, distance in zip(offsets, report.distances, strict=True)
        ],
        marked=None if report.offset_ms is None else _across(_clipped(report.offset_ms, reach), -reach, reach),
    )


def _offsets(report: SyncReport, duration_ms: int) -> Plot:
    """What each looked-at stretch of the video says by itself, over its place in the video."""
    end_ms = max(1, duration_ms)
    found = [window["offset_ms"] for window in report.windows]
    early, late = -settings.SYNC_EARLY_LIMIT_MS, settings.SYNC_LATE_LIMIT_MS
    low, high = _padded(min([*found, early]), max([*found, late]))
    step = next(step for step in STEPS_MS if (high - low) / step <= MAX_TICKS_Y or step == STEPS_MS[-1])
    numbers = [at for at in range(-REACH_MS, REACH_MS + 1, step) if low <= at <= high]
    return Plot(
        said="The offset in ms, stretch by stretch; the surer, the fuller the dot. In the band sound and lips agree."
        + _course(report),
        ticks_x=[
            Tick(_across(end_ms * share / TICKS_X, 0, end_ms), clock(end_ms * share // TICKS_X))
            for share in range(TICKS_X + 1)
        ],
        ticks_y=[Tick(_up(at, low, high), _signed(at)) for at in numbers],
        points=[
            Point(
                _across(min(window["start_ms"], end_ms), 0, end_ms),
                _up(window["offset_ms"], low, high),
                clock(window["start_ms"]),
                f"{_signed(round(window['offset_ms']))} ms",
                window["probability"],
            )
            for window in report.windows
        ],
        marked=None if report.offset_ms is None else _up(min(high, max(low, report.offset_ms)), low, high),
        band=(_up(late, low, high), _up(early, low, high) - _up(late, low, high)),
    )


def _late(offset_ms: float) -> str:
    """ "120 ms early", "just right"."""
    rounded = round(offset_ms)
    return f"{abs(rounded)} ms {'late' if rounded > 0 else 'early'}" if rounded else "just right"


def _course(report: SyncReport) -> str:
    if report.drift_ms_per_min is not None:
        way = "later" if report.drift_ms_per_min > 0 else "earlier"
        return f" The sound drifts: it comes {abs(report.drift_ms_per_min):.0f} ms {way} each minute."
    if report.offset_ms is None:
        return ""
    elsewhere = [
        f"{_late(window['offset_ms'])} at {clock(window['start_ms'])}"
        for window in report.windows
        if window["probability"] >= settings.SYNC_MIN_PROBABILITY
        and abs(window["offset_ms"] - report.offset_ms) > ELSEWHERE_MS
    ]
    if not elsewhere:
        return f" It does not drift: all of it is about {_late(report.offset_ms)}."
    more = f" and elsewhere at {len(elsewhere) - MAX_NAMED} more places" if len(elsewhere) > MAX_NAMED else ""
    named = ", ".join(elsewhere[:MAX_NAMED])
    return f" It does not drift: it is about {_late(report.offset_ms)}, but {named}{more}. Was it cut there?"


def _padded(low: float, high: float) -> tuple[float, float]:
    """A little air above and below, also where all is the same."""
    air = 0.08 * (high - low) or max(0.01, 0.08 * abs(high))
    return low - air, high + air


def _clipped(offset_ms: float, reach: int) -> float:
    return max(-reach, min(reach, offset_ms))


def _across(value: float, low: float, high: float) -> float:
    return LEFT + (value - low) / (high - low) * (WIDTH - LEFT - RIGHT)


def _up(value: float, low: float, high: float) -> float:
    return HEIGHT - BOTTOM - (value - low) / (high - low) * (HEIGHT - TOP - BOTTOM)


def _signed(value: int) -> str:
    """With a true minus, as a reader of numbers expects."""
    return "0" if value == 0 else f"{value:+}".replace("-", "−")
