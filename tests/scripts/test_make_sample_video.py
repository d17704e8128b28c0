"""The committed sample, and the script that makes it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import av
import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
SCRIPT = REPOSITORY / "scripts" / "make_sample_video.py"
TALK = REPOSITORY / "samples" / "talk.mp4"


def test_the_sample_is_a_small_video_that_browsers_play_at_once() -> None:
    assert TALK.stat().st_size <= 3_000_000
    with av.open(str(TALK)) as container:
        assert container.duration is not None
        assert 110 <= container.duration / 1_000_000 <= 125
        picture, sound = container.streams.video[0], container.streams.audio[0]
        assert picture.codec_context.name == "h264"
        assert picture.codec_context.pix_fmt == "yuv420p"
        assert (picture.codec_context.width, picture.codec_context.height) == (1280, 720)
        assert sound.codec_context.name == "aac"
    content = TALK.read_bytes()
    assert 0 < content.index(b"moov") < content.index(b"mdat")  # faststart


def test_the_committed_text_is_what_the_slides_say() -> None:
    code = "import make_sample_video, sys; sys.stdout.write(make_sample_video.spoken_text())"
    environment = os.environ | {"PYTHONPATH": str(SCRIPT.parent), "PYTHONIOENCODING": "utf-8"}
    said = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert said.stdout == (REPOSITORY / "samples" / "talk.txt").read_text(encoding="utf-8")
    assert "transatlantic cable" in said.stdout


def test_it_names_the_package_that_is_missing(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--output-dir", str(tmp_path)],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "apt-get install flite" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("flite") is None, reason="flite is not installed (sudo apt-get install flite)")
def test_it_makes_the_talk_again(tmp_path: Path) -> None:
    subprocess.run([sys.executable, str(SCRIPT), "--output-dir", str(tmp_path)], check=True, timeout=200)
    with av.open(str(tmp_path / "talk.mp4")) as made, av.open(str(TALK)) as kept:
        assert made.duration is not None
        assert kept.duration is not None
        assert abs(made.duration - kept.duration) < 200_000  # µs
    assert (tmp_path / "talk.txt").read_bytes() == (REPOSITORY / "samples" / "talk.txt").read_bytes()
