"""What the benchmark of repairs measures with: sounds between samples, files whose shift is known, and its counts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from apps.media.audio import SAMPLE_RATE
from benchmarks.repaired_clips import summarised as summarised_clips
from benchmarks.repaired_talks import is_found
from benchmarks.repaired_talks import summarised as summarised_talks
from benchmarks.shifted_files import CONTAINERS, write_shifted
from benchmarks.sound_position import UnlikeError, lag_ms, pictures_moved_ms, played, sound_late_ms
from benchmarks.sync_rows import Kept
from tests.videos.clips import Clips

A_TENTH = 0.1  # of a millisecond


def noise(seed: int, n: int = 2 * SAMPLE_RATE) -> NDArray[np.float32]:
    """What a voice leaves of noise: nothing above 4 kHz."""
    spectrum = np.fft.rfft(np.random.default_rng(seed).normal(size=n))
    spectrum[n // 4 :] = 0
    return np.fft.irfft(spectrum, n).astype(np.float32)


def later(samples: NDArray[np.float32], by_ms: float) -> NDArray[np.float32]:
    """So much later, also between samples."""
    turned = np.exp(-2j * np.pi * np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE) * by_ms / 1000)
    return np.fft.irfft(np.fft.rfft(samples) * turned, len(samples)).astype(np.float32)


@pytest.mark.parametrize("by_ms", [0, 0.03, -0.47, 33.3, -400, 612.04])
def test_a_sound_is_found_between_samples(by_ms: float) -> None:
    sound = noise(1)
    assert lag_ms(sound, later(sound, by_ms)) == pytest.approx(by_ms, abs=0.01)


def test_what_was_cut_and_made_louder_is_found_where_it_is() -> None:
    sound = noise(1)
    cut = 3 * sound[8_000:]
    assert lag_ms(sound, cut) == pytest.approx(-500, abs=0.01)


@pytest.mark.parametrize("other", [noise(2), np.zeros(SAMPLE_RATE, np.float32)])
def test_another_sound_has_no_place(other: NDArray[np.float32]) -> None:
    with pytest.raises(UnlikeError):
        lag_ms(noise(1), other)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Moving pictures, and noise that swells."""
    return Clips(tmp_path_factory.mktemp("clips")).ffmpeg(
        "recording.mkv",
        "-f", "lavfi", "-i", "testsrc=size=96x64:rate=25:duration=2",
        "-f", "lavfi", "-i", "anoisesrc=r=16000:c=pink:d=2:seed=1,lowpass=3000,volume='0.1+0.4*t':eval=frame",
        "-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "pcm_s16le",
    )  # fmt: skip


@pytest.mark.parametrize("name", CONTAINERS)
def test_every_container_holds_the_sound_where_it_was_moved_to(recording: Path, tmp_path: Path, name: str) -> None:
    shifted = tmp_path / f"shifted.{CONTAINERS[name].extension}"
    write_shifted(recording, shifted, CONTAINERS[name], -133.4)
    assert sound_late_ms(played(recording), played(shifted)) == pytest.approx(-133.4, abs=A_TENTH)


def test_other_pictures_and_pictures_elsewhere_are_noticed(recording: Path, tmp_path: Path) -> None:
    slower = Clips(tmp_path).ffmpeg("slower.mkv", "-itsscale", "1.02", "-i", str(recording), "-c", "copy")
    whole = played(recording)
    assert pictures_moved_ms(whole, whole) == 0
    assert 10 < pictures_moved_ms(whole, played(slower)) < 40
    write_shifted(recording, tmp_path / "coarse.avi", CONTAINERS["AVI"], 0)
    assert pictures_moved_ms(whole, played(tmp_path / "coarse.avi")) == float("inf")


def test_rows_are_there_again(tmp_path: Path) -> None:
    columns, key = ("clip", "shift_ms", "copy"), ("clip", "shift_ms")
    Kept(tmp_path / "rows.csv", columns, key).add({"clip": "a", "shift_ms": -50, "copy": None})
    kept = Kept(tmp_path / "rows.csv", columns, key)
    assert kept.has("a", -50.0)
    assert not kept.has("a", 50)
    assert kept.rows == [{"clip": "a", "shift_ms": "-50", "copy": ""}]


def clip_row(copy: str, is_late_ms: str) -> dict[str, str]:
    return {
        "container": "MOV", "shift_ms": "-50", "copy": copy, "was_late_ms": "-49.9", "is_late_ms": is_late_ms,
        "pictures": "75", "picture_moved_ms": "0.0",
    }  # fmt: skip


def test_the_table_of_clips_counts_what_was_refused_and_the_largest_error() -> None:
    rows = [clip_row("mov", "0.2"), clip_row("mkv", "-0.4"), clip_row("refused", "")]
    [mov, whole] = summarised_clips(rows)
    assert (mov["n"], mov["refused"], mov["into_matroska"], mov["largest_error_ms"]) == (3, 1, 1, "0.40")
    assert whole == {**mov, "container": "all"}


def talk_row(verdict: str, found_ms: str = "", late_ms: str = "", after: str = "") -> dict[str, str]:
    return {
        "part": "unseen_speakers", "seconds": "12", "clips": "a + b", "shift_ms": "210", "verdict": verdict,
        "found_ms": found_ms, "copy": "mp4" if late_ms else "", "late_ms": late_ms, "verdict_after": after,
    }  # fmt: skip


def test_the_table_of_talks_tells_right_from_wrong_and_from_not_sure() -> None:
    rows = [
        talk_row("sound_late", "200", "10", "in_sync"),
        talk_row("sound_late", "90", "120", "sound_late"),
        talk_row("in_sync", "0"),
        talk_row("drifting", "210"),
        talk_row("unknown"),
    ]
    assert [is_found(row) for row in rows[:4]] == [True, False, False, False]
    [row] = summarised_talks(rows)
    counts = {name: row[name] for name in ("n", "not_sure", "found", "wrong", "repaired", "confirmed")}
    assert counts == {"n": 5, "not_sure": 1, "found": 1, "wrong": 3, "repaired": 2, "confirmed": 1}
    assert row["largest_late_ms"] == "120.0"
