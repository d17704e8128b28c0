"""The talks by which drifts are measured have the drifts that they are said to have."""

from pathlib import Path

import numpy as np
import pytest

from apps.media.audio import SAMPLE_RATE, samples_between
from benchmarks.sync_drift import summarised
from benchmarks.sync_scenes import ffmpeg
from benchmarks.sync_talks import Movement, Talk, constant, drift, jump, speed

SECONDS = 60
CLICKS_S = (3.0, 20.0, 40.0, 57.0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a talk whose pictures and sound are there: grey, with clicks."""
    folder = tmp_path_factory.mktemp("talks")
    clicks = "+".join(f"between(t,{at},{at + 0.01})" for at in CLICKS_S)
    ffmpeg(folder / "clicks.wav", "-f", "lavfi", "-i", f"aevalsrc='0.8*({clicks})':s={SAMPLE_RATE}:d={SECONDS}")
    ffmpeg(folder / "clicks.mp4", "-f", "lavfi", "-i", f"color=gray:s=32x32:r=25:d={SECONDS}", "-pix_fmt", "yuv420p")
    return folder


@pytest.mark.parametrize(
    ("movement", "late_ms"),
    [
        (constant(-200), [-200, -200, -200, -200]),
        (drift(400), [-180, -67, 67, 180]),
        (drift(-120, middle_ms=200), [254, 220, 180, 146]),
        (jump(-100, 100), [-100, -100, 100, 100]),
        (speed("film 0.1 %", 0.001, 1), [3, 20, 40, 57]),
    ],
    ids=str,
)
def test_sound_is_as_late_as_it_is_said_to_be(
    folder: Path, tmp_path: Path, movement: Movement, late_ms: list[float]
) -> None:
    target = tmp_path / "moved.mov"
    Talk("clicks", "", SECONDS // 60, ()).write(target, movement, folder)
    samples = next(samples_between(target, [(0.0, SECONDS)]))
    loud = np.flatnonzero(np.abs(samples) > 0.4) / SAMPLE_RATE
    begins_s = loud[np.diff(loud, prepend=-1.0) > 1.0]
    assert list(1000 * (begins_s - CLICKS_S)) == pytest.approx(late_ms, abs=2)


def test_what_was_said_is_counted_by_what_is_allowed() -> None:
    row = {"part": "speakers seen", "minutes": "3", "shift_ms": "0", "change_ms": "120"}
    drifting = {"said": "drift", "offset_ms": "10", "drift_ms_per_min": "43"}
    rows = [
        {**row, "kind": "drift of 120 ms", **drifting},
        {**row, "kind": "drift of 120 ms", "said": "constant", "offset_ms": "-30", "drift_ms_per_min": ""},
        {**row, "kind": "jump of 200 ms", "said": "not_sure", "offset_ms": "", "drift_ms_per_min": ""},
    ]
    found = {line["kind"]: line for line in summarised(rows) if (line["part"], line["minutes"]) == ("all", "all")}
    of_drift, of_jump = found["drift of 120 ms"], found["jump of 200 ms"]
    assert (of_drift["n"], of_drift["said_drift"], of_drift["said_wrongly"]) == (2, 1, 1)
    assert (of_drift["drift_error_ms_per_min_largest"], of_drift["middle_error_ms_median"]) == (3.0, 20.0)
    assert (of_jump["not_sure"], of_jump["said_wrongly"], of_jump["middle_error_ms_median"]) == (1, 0, "")
