"""How `benchmarks.sync_errors` measures: which clips it takes, how it joins them to talks, and how it sums up rows."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from apps.avsync.syncnet.corpora import Clip
from apps.avsync.syncnet.offset import Calibration, SyncResult
from apps.media.audio import samples_between
from apps.media.frames import stream_frames
from benchmarks.sync_recordings import Group, Recording, by_turns, groups
from benchmarks.sync_rows import Kept, Truth, judged, row_of, summarised
from benchmarks.sync_scenes import FPS, MOVED, join

SURE = Calibration(intercept=0.0, slope=10.0)


def recordings(**n_clips: int) -> list[Recording]:
    """So many of each speaker, of whom those named u… were never seen."""
    return [
        Recording(Clip(Path(f"{speaker}/{number}.mp4"), speaker, str(number)), part_of(speaker))
        for speaker, n in n_clips.items()
        for number in range(n)
    ]


def part_of(speaker: str) -> str:
    return "unseen_speakers" if speaker.startswith("u") else "unseen_clips"


def names(group: Group) -> frozenset[str]:
    return frozenset(recording.name for recording in group)


def row(
    clip: str,
    shift_ms: float,
    found_frames: float | None,
    *,
    truth: Truth = "moved",
    kind: str = "a",
    own_ms: Mapping[str, float] | None = None,
) -> Any:
    """As if that offset had been found, beyond doubt, in four looks."""
    if found_frames is None:
        return judged(row_of(kind, clip, "unseen_clips", truth, shift_ms, SyncResult(None, 0.0, 0.0, None)), SURE)
    curve = tuple(float(value) for value in np.minimum(np.abs(np.arange(-15, 16) - found_frames), 5.0))
    result = SyncResult(None, 0.0, 1.0, None, distances=curve, inputs=400)
    return judged(row_of(kind, clip, "unseen_clips", truth, shift_ms, result), SURE, own_ms)


def test_speakers_take_their_turn_and_those_never_seen_come_twice_as_often() -> None:
    chosen = by_turns(recordings(s1=9, s2=1, u1=5, u2=1))
    assert [recording.clip.speaker for recording in chosen[:6]] == ["u1", "u2", "s1", "u1", "u1", "s2"]
    assert len(chosen) == 16


def test_no_talk_comes_twice_and_half_of_them_are_of_speakers_never_seen() -> None:
    found = groups(recordings(s1=30, u1=6, u2=2), 40)
    assert len({names(group) for group in found}) == len(found)
    assert all(len(names(group)) == 4 for group in found)
    of_part = [group[0].part for group in found]
    assert of_part.count("unseen_clips") == 20
    # Six clips have fifteen groups of four, and the two that are left over make some with those of the other.
    assert of_part.count("unseen_speakers") == 20
    assert {recording.clip.speaker for group in found for recording in group} == {"s1", "u1", "u2"}
    assert all(len({recording.part for recording in group}) == 1 for group in found)


def test_few_clips_give_few_talks() -> None:
    assert len(groups(recordings(s1=4, u1=3), 40)) == 1


def test_a_talk_has_each_sound_beside_its_own_pictures(data_dir: Path, tmp_path: Path) -> None:
    clips = [data_dir / "grid/s1/bbaf2n.mp4", data_dir / "grid/other_speakers/s10_bbab8n.mpg"]
    join(clips, tmp_path / "talk.mp4")
    pictures = [frame.image for frame in stream_frames(tmp_path / "talk.mp4")]
    spans = [(0.0, 2.9), (3.0, 5.9)]
    for number, (clip, sound) in enumerate(zip(clips, samples_between(tmp_path / "talk.mp4", spans), strict=True)):
        (alone,) = samples_between(clip, [(0.0, 2.9)])
        correlation = np.fft.irfft(np.fft.rfft(sound, 2**17) * np.conj(np.fft.rfft(alone, 2**17)))
        lag = int(np.argmax(correlation))
        assert min(lag, 2**17 - lag) <= 16  # a millisecond
        first, second = (frame.image for frame in list(stream_frames(clip))[30:32])
        seen = pictures[75 * number + 30].astype(float)
        assert np.abs(seen - first).mean() < np.abs(seen - second).mean()


def test_an_accusation_of_what_is_in_sync_is_a_false_alarm() -> None:
    (summary, _) = summarised([row("one", 0, 0.2), row("two", 0, 6.0), row("three", 0, None), row("four", 200, 5.1)])
    assert (summary["n"], summary["in_sync"], summary["told_percent"]) == (4, 3, "75.0")
    assert summary["false_alarms_percent"] == "33.3"
    assert summary["within_a_frame_percent"] == "66.7"


def test_what_is_out_of_sync_or_anothers_voice_is_not_to_be_called_in_sync() -> None:
    (moved, _) = summarised([row("one", 80, 0.0), row("two", 300, 0.0), row("three", 300, 7.4), row("four", 20, 0.0)])
    assert (moved["out_of_sync"], moved["out_of_sync_said_in_sync_percent"]) == (3, "66.7")
    assert (moved["far_out_of_sync"], moved["far_out_of_sync_said_in_sync_percent"]) == (2, "50.0")
    (foreign, _) = summarised([row("one", 0, 0.0, truth="foreign"), row("two", 0, None, truth="foreign")])
    assert (foreign["out_of_sync"], foreign["out_of_sync_said_in_sync_percent"]) == (2, "50.0")
    assert (foreign["in_sync"], foreign["within_a_frame_percent"]) == (0, "")


def test_a_clip_that_comes_often_makes_nobody_surer() -> None:
    (often, _) = summarised([row("one", shift_ms, 0.0) for shift_ms in (0, 10, 20, 30)])
    (once, _) = summarised([row("one", 0, 0.0)])
    assert often["told_from"] == once["told_from"]
    (many, _) = summarised([row(str(number), 0, 0.0) for number in range(4)])
    assert float(many["told_from"]) > float(once["told_from"])


def test_a_run_that_was_cut_off_goes_on(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "rows" / "kept.csv")
    kept.add(row_of("24 fps", "s1/a, b.mp4", "unseen_clips", "moved", -213, "It cannot be read."))
    again = Kept(tmp_path / "rows" / "kept.csv")
    assert again.has("24 fps", "s1/a, b.mp4", -213)
    assert not again.has("24 fps", "s1/a, b.mp4", 213)
    assert judged(again.rows[0], SURE)["verdict"] == "refused"
    assert pytest.approx(-213) == float(again.rows[0]["shift_ms"])


def test_a_clip_that_is_off_by_itself_is_no_error_of_the_check() -> None:
    measured = row_of("a", "one", "unseen_clips", "moved", 0, SyncResult(None, 0.0, 1.0, None, (), inputs=400))
    assert judged(measured, SURE, {"one": 240.0})["error_less_own_ms"] == ""
    off = row("one", 0, 6.0, own_ms={"one": 236.0})
    assert (off["error_ms"], off["error_less_own_ms"]) == (240.0, 4.0)
    (summary, _) = summarised([off, row("two", 0, 0.1, own_ms={"two": -9.0})])
    assert (summary["within_a_frame_percent"], summary["within_a_frame_of_own_percent"]) == ("50.0", "100.0")
    assert (summary["false_alarms_percent"], summary["false_alarms_by_own_percent"]) == ("50.0", "0.0")
    assert (summary["in_sync"], summary["in_sync_by_own"]) == (2, 1)
    talk = row("one + two", 40, 3.0, own_ms={"one": 20.0, "two": 60.0})
    assert talk["error_less_own_ms"] == 40.0
    assert row("one + two", 40, 3.0, own_ms={"one": 20.0})["error_less_own_ms"] == ""


def test_at_24_frames_a_second_pictures_stay_in_their_places(data_dir: Path, tmp_path: Path) -> None:
    clip = data_dir / "grid/s1/bbaf2n.mp4"
    MOVED["24 fps"](clip, tmp_path / "made.mp4", 0, clip)
    pictures = np.stack([frame.image[::4, ::4, 0].astype(np.int16) for frame in stream_frames(clip)])
    late_s = []
    for frame in stream_frames(tmp_path / "made.mp4"):
        nearest = np.argmin(np.abs(pictures - frame.image[::4, ::4, 0]).mean((1, 2)))
        late_s.append(frame.time_s - float(nearest) / FPS)
    assert abs(float(np.median(late_s))) <= 0.5 / FPS
