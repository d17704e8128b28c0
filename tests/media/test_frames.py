from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from apps.media.frames import VideoDecodeError, stream_frames
from tests.transcription.asr.sounds import tone, write_sound


def write_grey_steps(path: Path, *, n_frames: int = 20, rate: Fraction = Fraction(10)) -> Path:
    """Each picture is lighter than the one before: 10 levels a picture."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        for number in range(n_frames):
            image = np.full((64, 96, 3), 10 * number, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def test_it_gives_every_picture_with_its_time(tmp_path: Path) -> None:
    frames = list(stream_frames(write_grey_steps(tmp_path / "a.mp4")))
    assert [frame.time_s for frame in frames] == pytest.approx([number / 10 for number in range(20)])
    assert [frame.image.shape for frame in frames] == [(64, 96, 3)] * 20
    assert [float(frame.image.mean()) for frame in frames] == pytest.approx([10.0 * n for n in range(20)], abs=3)


def test_it_starts_and_ends_where_it_is_told_to(tmp_path: Path) -> None:
    path = write_grey_steps(tmp_path / "a.mp4")
    frames = list(stream_frames(path, start_s=0.75, end_s=1.2))
    assert [frame.time_s for frame in frames] == pytest.approx([0.8, 0.9, 1.0, 1.1])
    assert float(frames[0].image.mean()) == pytest.approx(80, abs=3)


def test_it_makes_large_pictures_smaller(tmp_path: Path) -> None:
    frame = next(stream_frames(write_grey_steps(tmp_path / "a.mp4"), max_side=48))
    assert frame.image.shape == (32, 48, 3)


def test_it_says_that_a_sound_file_has_no_pictures(tmp_path: Path) -> None:
    with pytest.raises(VideoDecodeError, match="has no pictures"):
        next(stream_frames(write_sound(tmp_path / "a.wav", tone(1.0))))
