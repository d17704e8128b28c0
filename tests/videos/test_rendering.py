"""The stage `render`: what browsers play, and the pictures around it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image, ImageStat
from pytest_django import Settings

from apps.videos.boxes import read_mp4_header
from apps.videos.children import ChildFailedError, ChildLimits, run_child
from apps.videos.files import delete_files, folder, path_of
from apps.videos.models import Video
from apps.videos.probe import ProbeLimits, ProbeResult, probe_file
from apps.videos.rendering import render_video
from apps.videos.stills import interval_ms, storyboard_vtt
from apps.videos.webrendition import Plan, plan_for, target_size
from tests.conftest import REPOSITORY
from tests.videos.clips import Clips
from tests.videos.conftest import Progress, Upload, files_below

LIMITS = ProbeLimits(timeout_s=30)
Make = Callable[[Clips], Path]


def rendered(video: Video) -> ProbeResult:
    """What browsers get, after the checks that hold for each rendition."""
    video.refresh_from_db()
    path = path_of(video, video.web_name)
    found = probe_file(path, LIMITS)
    assert plan_for(found) is Plan.AS_IT_IS, "what was rendered needs no rendering"
    assert found.has_faststart
    assert (found.container, found.video_codec, found.pixel_format) == ("mp4", "h264", "yuv420p")
    assert found.audio_codec in {"aac", ""}
    assert found.width % 2 == found.height % 2 == 0
    assert abs(found.duration_ms - video.duration_ms) < 200
    return found


def frame_steps(path: Path) -> set[Fraction]:
    with av.open(str(path)) as container:
        times = sorted(packet.pts for packet in container.demux(video=0) if packet.pts is not None)
        time_base = container.streams.video[0].time_base
    assert time_base is not None
    return {(later - earlier) * time_base for earlier, later in pairwise(times)}


@pytest.mark.parametrize("make", [Clips.mp4, Clips.webm])
def test_what_browsers_play_is_used_as_it_is(upload: Upload, progress: Progress, clips: Clips, make: Make) -> None:
    video = upload(make(clips))
    render_video(video, progress)
    video.refresh_from_db()
    assert video.web_name == f"original.{make(clips).suffix[1:]}"
    names = {path.name for path in files_below(folder(video.pk))}
    assert names == {video.web_name, "poster.jpg", "storyboard.vtt", "storyboard-0.jpg", "preview.mp4"}


def test_an_mp4_with_its_index_behind_is_copied_and_not_encoded(
    upload: Upload, progress: Progress, clips: Clips
) -> None:
    header = read_mp4_header(clips.slow_start_mp4())
    assert header is not None
    assert not header.has_faststart
    video = upload(clips.slow_start_mp4())
    render_video(video, progress)
    rendered(video)

    def packets(path: Path) -> list[bytes]:
        with av.open(str(path)) as container:
            return [bytes(packet) for packet in container.demux(video=0)]

    assert packets(path_of(video, "web.mp4")) == packets(clips.slow_start_mp4())


@pytest.mark.parametrize("make", [Clips.hevc, Clips.odd_size, Clips.interlaced, Clips.silent_mp4, Clips.phone_hdr])
def test_everything_else_becomes_an_mp4_that_browsers_play(
    upload: Upload, progress: Progress, clips: Clips, make: Make
) -> None:
    video = upload(make(clips))
    render_video(video, progress)
    found = rendered(video)
    assert bool(found.audio_codec) == video.has_sound
    assert not found.is_interlaced
    assert not found.is_high_dynamic_range
    assert video.poster_name
    assert video.storyboard_name
    assert video.preview_name


def test_a_portrait_phone_video_stands_upright(upload: Upload, progress: Progress, clips: Clips) -> None:
    video = upload(clips.portrait())
    assert (video.width, video.height) == (48, 64)
    render_video(video, progress)
    found = rendered(video)
    assert (found.width, found.height, found.rotation) == (48, 64, 0)
    with Image.open(path_of(video, "poster.jpg")) as poster:
        assert poster.size == (48, 64)


def test_a_variable_frame_rate_becomes_constant(upload: Upload, progress: Progress, clips: Clips) -> None:
    assert len(frame_steps(clips.variable_rate())) > 1
    video = upload(clips.variable_rate())
    render_video(video, progress)
    rendered(video)
    assert len(frame_steps(path_of(video, "web.mp4"))) == 1


def test_a_real_recording_of_an_old_format_plays(upload: Upload, progress: Progress, data_dir: Path) -> None:
    video = upload(data_dir / "grid" / "original_bbaf2n.mpg")
    render_video(video, progress)
    found = rendered(video)
    assert (found.width, found.height, found.audio_codec) == (360, 288, "aac")


def test_real_damaged_clips_play(upload: Upload, progress: Progress, data_dir: Path) -> None:
    for path in sorted((data_dir / "grid" / "damaged").glob("*.mpg"))[:2]:
        video = upload(path)
        render_video(video, progress)
        rendered(video)


def test_pictures_are_scaled_down_to_the_limit(
    upload: Upload, progress: Progress, clips: Clips, settings: Settings
) -> None:
    settings.RENDITION_MAX_HEIGHT = 144
    video = upload(clips.made("large.mkv", "-c:v", "mpeg4", size="853x480", seconds=1))
    render_video(video, progress)
    found = rendered(video)
    assert (found.width, found.height) == (256, 144)


@pytest.mark.parametrize(
    ("shown", "limit", "target"),
    [((1920, 1080), 1080, (1920, 1080)), ((1080, 1920), 1080, (608, 1080)), ((65, 49), 1080, (64, 48)),
     ((1, 1), 1080, (2, 2)), ((3840, 2160), 1080, (1920, 1080)), ((100, 301), 301, (100, 300))],
)  # fmt: skip
def test_sizes_are_even_and_never_enlarged(shown: tuple[int, int], limit: int, target: tuple[int, int]) -> None:
    values: dict[str, Any] = dict.fromkeys(ProbeResult.__dataclass_fields__, 0)
    probed = ProbeResult(**(values | {"display_width": shown[0], "display_height": shown[1]}))
    assert target_size(probed, limit) == target


def test_the_place_where_a_phone_was_is_not_passed_on(upload: Upload, progress: Progress, clips: Clips) -> None:
    located = clips.ffmpeg(
        "located.mp4", "-i", str(clips.mp4()), "-c", "copy", "-movflags", "+faststart",
        "-metadata", "location=+48.1372+011.5755/",
    )  # fmt: skip
    video = upload(located)
    render_video(video, progress)
    with av.open(str(located)) as before, av.open(str(path_of(video, video.web_name))) as after:
        assert "location" in before.metadata
        assert "location" not in after.metadata
    rendered(video)


def test_the_poster_is_not_black(upload: Upload, progress: Progress, clips: Clips) -> None:
    video = upload(clips.starts_black())
    render_video(video, progress)
    with Image.open(path_of(video, "poster.jpg")) as poster:
        assert ImageStat.Stat(poster.convert("L")).mean[0] > 30


def test_a_video_that_is_black_throughout_has_a_poster_all_the_same(
    upload: Upload, progress: Progress, clips: Clips
) -> None:
    video = upload(clips.made("night.mp4", "-vf", "lutyuv=y=16:u=128:v=128", "-c:v", "libx264", seconds=1))
    render_video(video, progress)
    video.refresh_from_db()
    assert video.poster_name == "poster.jpg"


def test_the_storyboard_names_tiles_that_are_on_its_sheets(upload: Upload, progress: Progress, clips: Clips) -> None:
    video = upload(clips.made("half-minute.mp4", "-c:v", "libx264", "-pix_fmt", "yuv420p", seconds=30, rate=5))
    render_video(video, progress)
    text = path_of(video, "storyboard.vtt").read_text()
    cues = re.findall(r"(\S+) --> (\S+)\n(\S+)#xywh=(\d+),(\d+),(\d+),(\d+)", text)
    assert len(cues) == 30
    assert cues[0][0] == "00:00:00.000"
    assert [cue[0] for cue in cues[1:]] == [cue[1] for cue in cues[:-1]], "no gaps"
    for _, _, name, *numbers in cues:
        x, y, width, height = map(int, numbers)
        with Image.open(path_of(video, name)) as sheet:
            assert x + width <= sheet.width
            assert y + height <= sheet.height


@pytest.mark.parametrize("duration_ms", [500, 60_000, 3_600_000, 12 * 3_600_000])
def test_a_storyboard_has_at_most_200_tiles(duration_ms: int) -> None:
    assert duration_ms / interval_ms(duration_ms) <= 200
    assert interval_ms(duration_ms) >= 1_000


def test_a_storyboard_of_two_hours_goes_on_a_second_sheet() -> None:
    text = storyboard_vtt(200, 36_000, 7_200_000, (160, 90))
    assert "01:00:00.000 --> 01:00:36.000\nstoryboard-1.jpg#xywh=0,0,160,90" in text
    assert text.count("-->") == 200


def test_the_preview_is_short_small_and_silent(upload: Upload, progress: Progress, data_dir: Path) -> None:
    video = upload(data_dir / "video" / "flower.mp4")
    render_video(video, progress)
    found = probe_file(path_of(video, "preview.mp4"), LIMITS)
    assert (found.width, found.height, found.audio_codec) == (320, 180, "")
    assert 3_000 <= found.duration_ms <= 4_000
    assert found.has_faststart


def test_a_clip_of_one_picture_is_rendered(upload: Upload, progress: Progress, clips: Clips) -> None:
    video = upload(clips.made("one.mp4", "-frames:v", "1", "-c:v", "libx264", "-pix_fmt", "yuv420p", sound=False))
    render_video(video, progress)
    rendered(video)
    assert video.poster_name


def test_a_recording_of_slides_has_a_preview_with_pictures(upload: Upload, progress: Progress, clips: Clips) -> None:
    """A picture every twenty seconds: at that rate an excerpt would hold none."""
    slides = ("-vf", "select='lt(n,4)',setpts=N*20/TB", "-fps_mode", "vfr", "-c:v", "libx264", "-pix_fmt", "yuv420p")
    video = upload(clips.made("slides.mp4", *slides, sound=False))
    render_video(video, progress)
    with av.open(str(path_of(video, video.preview_name))) as preview:
        assert len(list(preview.decode(video=0))) > 10


def test_progress_moves_forward_to_the_end(upload: Upload, progress: Progress, clips: Clips) -> None:
    render_video(upload(clips.hevc()), progress)
    fractions = [fraction for fraction, _ in progress.told]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert any("converted" in message for _, message in progress.told)


def test_rendering_again_takes_the_place_of_the_first(upload: Upload, progress: Progress, clips: Clips) -> None:
    video = upload(clips.hevc())
    render_video(video, progress)
    before = {path.name for path in files_below(folder(video.pk))}
    (folder(video.pk) / "partial-123-web.mp4").write_bytes(b"of a killed run")
    render_video(video, progress)
    assert {path.name for path in files_below(folder(video.pk))} == before


class TakenAwayError(Exception):
    pass


def test_a_run_that_is_taken_away_stops_ffmpeg_and_leaves_no_partial(upload: Upload, clips: Clips) -> None:
    def taken_away(fraction: float, message: str = "") -> None:
        if "converted" in message:
            raise TakenAwayError

    video = upload(clips.made("long.mkv", "-c:v", "mpeg4", seconds=20, size="640x480", sound=False))
    with pytest.raises(TakenAwayError):
        render_video(video, taken_away)
    assert [path.name for path in files_below(folder(video.pk))] == ["original.mkv"]
    video.refresh_from_db()
    assert video.web_name == ""
    assert not any(str(video.pk) in line for line in _running())


def _running() -> list[str]:
    return subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout.splitlines()


def test_a_video_that_is_deleted_meanwhile_does_not_come_back(upload: Upload, clips: Clips, media_root: Path) -> None:
    video = upload(clips.hevc())

    def deleted(fraction: float, message: str = "") -> None:
        if "converted" in message:
            delete_files(video.pk)

    with pytest.raises((ChildFailedError, OSError)):
        render_video(video, deleted)
    assert files_below(media_root) == []
    assert not folder(video.pk).exists()


def test_ffmpeg_dies_with_the_worker(tmp_path: Path) -> None:
    """The worker is killed in a way that no handler sees."""
    script = (
        "from apps.videos.children import ChildLimits, run_child\n"
        f"run_child(['sh', '-c', 'echo $$ > {tmp_path}/pid; sleep 60'], ChildLimits(timeout_s=60))"
    )
    worker = subprocess.Popen([sys.executable, "-c", script], cwd=REPOSITORY)
    pid_file = tmp_path / "pid"
    wait_for(lambda: pid_file.exists() and pid_file.read_text().strip() != "")
    child = int(pid_file.read_text())
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    wait_for(lambda: not Path(f"/proc/{child}").exists() or "Z" in Path(f"/proc/{child}/stat").read_text().split()[2])


def wait_for(condition: Callable[[], bool], seconds: float = 10) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.02)


def test_a_child_that_hangs_is_killed_with_its_children(tmp_path: Path) -> None:
    with pytest.raises(ChildFailedError, match="killed after 1 s"):
        run_child(["sh", "-c", f"(sleep 30; touch {tmp_path}/late) & echo $!; wait"], ChildLimits(timeout_s=1))
    assert not any("sleep 30" in line and str(os.getpid()) in line for line in _running())


def test_the_end_of_stderr_is_in_the_error() -> None:
    noisy = "yes noise | head -c 100000 >&2; echo the reason >&2; exit 3"
    with pytest.raises(ChildFailedError, match=r"(?s)ended with 3: .*the reason") as failed:
        run_child(["sh", "-c", noisy], ChildLimits(timeout_s=10))
    assert len(str(failed.value)) < 5_000


def test_a_child_cannot_take_all_memory() -> None:
    greedy = [sys.executable, "-c", "bytearray(2 * 2**30)"]
    with pytest.raises(ChildFailedError, match="MemoryError"):
        run_child(greedy, ChildLimits(timeout_s=20, memory_bytes=2**30))


def test_a_child_is_told_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "abc")
    assert "SECRET_KEY" not in run_child(["env"], ChildLimits(timeout_s=10))
