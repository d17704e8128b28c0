"""Rows of `benchmarks.sync_errors`: kept as they come, judged by the portal's settings, summed up with intervals."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from apps.avsync.syncnet.offset import Calibration, Reason, SyncResult, minimum_of
from apps.classification.bert.metrics import wilson_interval

if TYPE_CHECKING:
    from apps.avsync.verdicts import Verdict

Row = Mapping[str, Any]
# By how much the sound is off: by what it was moved; by nothing that could be told, as it is another's; nobody knows.
Truth = Literal["moved", "foreign", "unknown"]
COLUMNS = (
    "kind", "clip", "part", "truth", "shift_ms", "found_ms", "confidence", "inputs", "coverage", "reason", "refused",
)  # fmt: skip
KEY = ("kind", "clip", "shift_ms")
JOINT = " + "  # between the names of the clips that a row is about
FRAME_MS = 40.0
NOMINAL_MS = 10_000  # verdicts ask for a length where a video drifts; these are too short for that


class Kept:
    """Rows that are there already, and a place for more. `key` names the columns that tell rows apart."""

    def __init__(self, path: Path, columns: Sequence[str] = COLUMNS, key: Sequence[str] = KEY) -> None:
        self._path, self._columns, self._key = path, columns, key
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.write_text(",".join(columns) + "\n", encoding="utf-8")
        with path.open(encoding="utf-8", newline="") as file:
            self.rows: list[dict[str, Any]] = list(csv.DictReader(file))
        self._known = {self._key_of(row) for row in self.rows}

    def has(self, *values: object) -> bool:
        """Whether there is a row with these values of the key."""
        return tuple(map(_plain, values)) in self._known

    def add(self, row: Row) -> None:
        written = {column: "" if row[column] is None else str(row[column]) for column in self._columns}
        with self._path.open("a", encoding="utf-8", newline="") as file:
            csv.DictWriter(file, self._columns, lineterminator="\n").writerow(written)
        self.rows.append(written)
        self._known.add(self._key_of(written))

    def _key_of(self, row: Row) -> tuple[str, ...]:
        return tuple(_plain(row[column]) for column in self._key)


def _plain(value: object) -> str:
    """The same text for a number and for what a table says of it."""
    try:
        return f"{float(str(value)):g}"
    except ValueError:
        return str(value)


def row_of(kind: str, clip: str, part: str, truth: Truth, shift_ms: float, result: SyncResult | str) -> Row:
    """What was measured, or why a file was refused; as nobody judged it yet, another calibration needs no new run."""
    row: dict[str, Any] = dict.fromkeys(COLUMNS)
    row |= {"kind": kind, "clip": clip, "part": part, "truth": truth, "shift_ms": shift_ms}
    if isinstance(result, str):
        return row | {"refused": result}
    minimum = minimum_of(np.array(result.distances)) if result.distances else None
    return row | {
        "found_ms": None if minimum is None or minimum.is_at_edge else round(minimum.offset_ms, 2),
        "confidence": None if minimum is None else round(minimum.confidence, 5),
        "inputs": result.inputs,
        "coverage": round(result.coverage, 3),
        "reason": None if minimum else result.reason,
    }


def judged(row: Row, calibration: Calibration, own_ms: Mapping[str, float] | None = None) -> Row:
    """A row with the verdict of the portal's settings.

    `own_ms`: by how much the sound of each clip is off as it is, where that is known. A row that is of several clips
    has their median: pooled curves follow the most of them.
    """
    from django.conf import settings

    is_found = row["found_ms"] not in ("", None)
    probability = calibration.probability(float(row["confidence"]), int(row["inputs"])) if is_found else 0.0
    is_told = probability >= settings.SYNC_MIN_PROBABILITY
    offset_ms = float(row["found_ms"]) - calibration.zero_ms if is_told else None
    verdict = _verdict(offset_ms, probability, int(row["inputs"] or 0))
    error_ms = None if offset_ms is None or row["truth"] != "moved" else offset_ms - float(row["shift_ms"])
    own = _own(row, own_ms or {})
    return {
        **{column: row[column] for column in ("kind", "clip", "part", "truth", "shift_ms", "coverage", "refused")},
        "reason": row["reason"] or ("" if is_told or row["refused"] else str(Reason.NOT_SURE)),
        "verdict": "refused" if row["refused"] else str(verdict),
        "probability": round(probability, 4),
        "offset_ms": "" if offset_ms is None else round(offset_ms, 1),
        "error_ms": "" if error_ms is None else round(error_ms, 1),
        "own_ms": "" if own is None else round(own, 1),
        "error_less_own_ms": "" if error_ms is None or own is None else round(error_ms - own, 1),
    }


def _own(row: Row, own_ms: Mapping[str, float]) -> float | None:
    """None where nobody knows it of one of the row's clips, or where nothing was moved by a known time."""
    clips = row["clip"].split(JOINT)
    if row["truth"] != "moved" or not all(clip in own_ms for clip in clips):
        return None
    return float(np.median([own_ms[clip] for clip in clips]))


def _verdict(offset_ms: float | None, probability: float, inputs: int) -> Verdict:
    from apps.avsync.verdicts import verdict_of

    return verdict_of(SyncResult(offset_ms, probability, 1.0, None, inputs=inputs), NOMINAL_MS)


def summarised(rows: Iterable[Row]) -> Iterator[Row]:
    """By kind and part of the split, and over all parts; shares in per cent with 95 % intervals (`_share`)."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        for part in {row["part"], "all"} - {""}:
            groups.setdefault((row["kind"], part), []).append(row)
    for (kind, part), group in sorted(groups.items()):
        told = [row for row in group if row["offset_ms"] != ""]
        fitting = [row for row in group if row["truth"] == "moved" and float(row["shift_ms"]) == 0]
        fitting_by_own = _with(fitting, lambda row: row["own_ms"] != "" and not _is_beyond(float(row["own_ms"]), 0.0))
        yield {
            "kind": kind,
            "part": part,
            "n": len(group),
            "clips": _n_clips(group),
            **_share("told", told, group),
            **_errors(told, "error_ms", ""),
            **_errors(told, "error_less_own_ms", "_of_own"),
            "in_sync": len(fitting),
            **_share("false_alarms", _with(fitting, _is_accused), fitting),
            "in_sync_by_own": len(fitting_by_own),
            **_share("false_alarms_by_own", _with(fitting_by_own, _is_accused), fitting_by_own),
            **_said_in_sync("out_of_sync", _with(group, lambda row: _is_out_of_sync(row, 0.0))),
            **_said_in_sync("far_out_of_sync", _with(group, lambda row: _is_out_of_sync(row, FRAME_MS))),
        }


def _errors(told: list[Row], column: str, ending: str) -> Row:
    known = _with(told, lambda row: row[column] != "")
    errors = np.array([abs(float(row[column])) for row in known])
    return {
        **_share(f"within_a_frame{ending}", _with(known, lambda row: abs(float(row[column])) <= FRAME_MS), known),
        f"median_error{ending}_ms": f"{np.median(errors):.1f}" if len(errors) else "",
        f"p95_error{ending}_ms": f"{np.quantile(errors, 0.95):.1f}" if len(errors) else "",
    }


def _is_accused(row: Row) -> bool:
    return str(row["verdict"]).startswith("sound_")


def _said_in_sync(name: str, group: list[Row]) -> Row:
    """How many are out of sync, and of these, what share was called in sync."""
    return {
        name: len(group),
        **_share(f"{name}_said_in_sync", _with(group, lambda row: row["verdict"] == "in_sync"), group),
    }


def _is_out_of_sync(row: Row, by_ms: float) -> bool:
    """Whether the sound lies beyond the limits of the settings by more than that; another's sound always does."""
    if row["truth"] != "moved":
        return bool(row["truth"] == "foreign")
    return _is_beyond(float(row["shift_ms"]), by_ms)


def _is_beyond(offset_ms: float, by_ms: float) -> bool:
    from django.conf import settings

    return not -settings.SYNC_EARLY_LIMIT_MS - by_ms <= offset_ms <= settings.SYNC_LATE_LIMIT_MS + by_ms


def _with(rows: list[Row], condition: Callable[[Row], bool]) -> list[Row]:
    return [row for row in rows if condition(row)]


def _share(name: str, part: list[Row], whole: list[Row]) -> Row:
    """How many per cent, with Wilson's interval; nothing where there is no whole.

    A clip that comes in several rows, moved by other times or beside other clips, is one observation: the interval
    counts no more of them than there are different clips.
    """
    columns = (f"{name}_percent", f"{name}_from", f"{name}_to")
    if not whole:
        return dict.fromkeys(columns, "")
    share = len(part) / len(whole)
    n = min(len(whole), _n_clips(whole))
    low, high = wilson_interval(share * n, n)
    return dict(zip(columns, (f"{100 * value:.1f}" for value in (share, low, high)), strict=True))


def _n_clips(rows: list[Row]) -> int:
    return len({clip for row in rows for clip in row["clip"].split(JOINT)})
