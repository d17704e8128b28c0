"""The sound of a file is moved exactly, and nothing is encoded anew."""

from __future__ import annotations

import itertools
from fractions import Fraction
from pathlib import Path

import av
import pytest

from apps.videos.children import ChildFailedError
from apps.videos.probe import ProbeLimits, ProbeResult, probe_file
from apps.videos.soundshift import (
    EXTENSION_OF,
    DiskFullError,
    InexactError,
    MovedSound,
    compare,
    move_sound,
    muxers_for,
)
from tests.videos import beeps
from tests.videos.beeps import beeping, beeps_late_ms
from tests.videos.clips import Clips

A_MILLISECOND = 1.0  # to which Matroska rounds the time of a packet, up or down by half of it


def probed(path: Path) -> ProbeResult:
    return probe_file(path, ProbeLimits())


def moved(source: Path, folder: Path, shift_ms: int, muxer: str = "") -> tuple[Path, MovedSound]:
    muxer = muxer or muxers_for(source.suffix.removeprefix("."))[0]
    target = folder / f"moved.{EXTENSION_OF[muxer]}"
    report = move_sound(
        source, target, probed(source), muxer, shift_ms, threads=1, timeout_s=60, progress=lambda done_ms: None
    )
    return target, report


@pytest.mark.parametrize(
    ("extension", "shift_ms"),
    [*((extension, -200) for extension in beeps.FORMATS), ("mp4", 37), ("webm", 400), ("mpg", 37), ("avi", 400)],
)
def test_the_decoded_sound_lies_where_it_was_moved_to(
    clips: Clips, tmp_path: Path, extension: str, shift_ms: int
) -> None:
    source = beeping(clips, extension)
    target, report = moved(source, tmp_path, shift_ms)
    for was, now in zip(beeps_late_ms(source), beeps_late_ms(target), strict=True):
        assert now - was == pytest.approx(shift_ms, abs=A_MILLISECOND)
    assert report.pictures == 75
    assert report.largest_error_ms <= A_MILLISECOND


def contents(path: Path, kind: str) -> list[bytes]:
    with av.open(str(path)) as container:
        streams = getattr(container.streams, kind)
        return [bytes(packet) for packet in container.demux(streams[0]) if packet.size]


@pytest.mark.parametrize("extension", ["mp4", "webm", "mpg"])
def test_pictures_and_sound_are_the_same_bytes(clips: Clips, tmp_path: Path, extension: str) -> None:
    source = beeping(clips, extension)
    target, report = moved(source, tmp_path, -120)
    assert contents(target, "video") == contents(source, "video")
    assert contents(target, "audio") == contents(source, "audio")[report.left_out :]


def test_an_edit_list_keeps_the_sound_that_lies_before_the_beginning(clips: Clips, tmp_path: Path) -> None:
    earlier, report = moved(beeping(clips, "mp4"), tmp_path, -400)
    assert report.left_out == 0
    back_folder = tmp_path / "back"
    back_folder.mkdir()
    back, _ = moved(earlier, back_folder, 400)
    assert contents(back, "audio") == contents(beeping(clips, "mp4"), "audio")
    assert beeps_late_ms(back) == pytest.approx(beeps_late_ms(beeping(clips, "mp4")), abs=A_MILLISECOND)


def test_pcm_that_lies_in_other_packets_is_the_same_sound(clips: Clips, tmp_path: Path) -> None:
    """MOV cuts it where pictures lie between; a camera's file need not become another container for that."""
    late = ("-c:v", "copy", "-af", "adelay=345:all=1", "-c:a", "pcm_s16le")  # in frames of unequal lengths
    source = clips.ffmpeg("late.mov", "-i", str(beeping(clips, "mov")), *late)
    target, report = moved(source, tmp_path, -345)
    was, now = contents(source, "audio"), contents(target, "audio")
    assert b"".join(was) == b"".join(now)
    assert [len(packet) for packet in was] != [len(packet) for packet in now]
    assert report.sounds == 2  # its beginning and its end


def test_pcm_with_a_hole_is_not_the_same_sound(clips: Clips, tmp_path: Path) -> None:
    source = beeping(clips, "mov")
    cut = "aselect='not(between(t,0.5,0.6))'"
    holed = clips.ffmpeg("holed.mov", "-i", str(source), "-c:v", "copy", "-af", cut, "-c:a", "pcm_s16le")
    with pytest.raises(InexactError, match="not at"):
        list(compare(source, holed, 0, Fraction(0)))


def test_every_sound_track_moves(clips: Clips, tmp_path: Path) -> None:
    one = beeping(clips, "mkv")
    two = clips.ffmpeg("two-languages.mkv", "-i", str(one), "-map", "0:v", "-map", "0:a", "-map", "0:a", "-c", "copy")
    target, report = moved(two, tmp_path, 80)
    assert report.sounds == 2 * len(contents(one, "audio"))
    with av.open(str(target)) as container:
        assert [stream.type for stream in container.streams] == ["video", "audio", "audio"]


def test_a_turned_picture_stays_turned(clips: Clips, tmp_path: Path) -> None:
    target, _ = moved(clips.portrait(), tmp_path, 80)
    assert probed(target).rotation == probed(clips.portrait()).rotation != 0


def test_a_real_recording_of_an_old_format_is_moved(data_dir: Path, tmp_path: Path) -> None:
    _, report = moved(data_dir / "grid" / "original_bbaf2n.mpg", tmp_path, -80)
    assert (report.pictures, report.largest_error_ms < A_MILLISECOND) == (75, True)


@pytest.mark.parametrize("damaged", ["bbizzn.mpg", "lrae3s.mpg"])
def test_real_damaged_recordings_are_moved(data_dir: Path, tmp_path: Path, damaged: str) -> None:
    source = data_dir / "grid" / "damaged" / damaged
    _, report = moved(source, tmp_path, 80)
    assert report.pictures == len(contents(source, "video"))


def test_a_container_that_cannot_hold_the_sound_is_refused(clips: Clips, tmp_path: Path) -> None:
    with pytest.raises(ChildFailedError):
        moved(beeping(clips, "mov"), tmp_path, 80, muxer="webm")


def test_a_full_disk_is_told_apart(clips: Clips) -> None:
    source = beeping(clips, "mkv")
    with pytest.raises(DiskFullError):
        move_sound(
            source,
            Path("/dev/full"),
            probed(source),
            "matroska",
            80,
            threads=1,
            timeout_s=60,
            progress=lambda done_ms: None,
        )


def test_a_copy_whose_times_are_others_is_noticed(
    clips: Clips, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a muxer moves everything so that nothing begins before 0."""
    source = beeping(clips, "mkv")
    copied = "apps.videos.soundshift._copied"
    monkeypatch.setattr(copied, lambda *_: ["-map", "0:v", "-map", "0:a", "-c", "copy", "-f", "matroska"])
    with pytest.raises(InexactError, match="not at"):
        moved(source, tmp_path, 80)


def test_progress_tells_of_both_passes_and_can_stop_the_work(clips: Clips, tmp_path: Path) -> None:
    source = beeping(clips, "mp4")
    calls = itertools.count()

    def stop(done_ms: float) -> None:
        if next(calls) >= 0:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        move_sound(source, tmp_path / "moved.mp4", probed(source), "mp4", 80, threads=1, timeout_s=60, progress=stop)
