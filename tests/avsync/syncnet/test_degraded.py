from pathlib import Path

import pytest

from apps.avsync.syncnet.corpora import Clip
from apps.avsync.syncnet.degraded import DegradationError, degraded, recoded
from apps.media.audio import stream_samples
from apps.media.frames import stream_frames


def test_copies_have_fewer_pixels_or_bits_but_all_pictures_and_sound(data_dir: Path, tmp_path: Path) -> None:
    clip = Clip(data_dir / "grid/s1/bbaf2n.mp4", "s1", "bbaf2n")
    (small,) = degraded([clip], "low_resolution", tmp_path)
    (poor,) = degraded([clip], "compressed", tmp_path)
    assert [len(list(stream_frames(each.path))) for each in (small, poor)] == [75, 75]
    assert next(stream_frames(small.path)).image.shape == (72, 90, 3)
    assert poor.path.stat().st_size < 0.5 * clip.path.stat().st_size
    assert sum(len(block) for block in stream_samples(poor.path)) > 2.9 * 16_000
    written_ns = poor.path.stat().st_mtime_ns
    assert degraded([clip], "compressed", tmp_path) == [poor]
    assert poor.path.stat().st_mtime_ns == written_ns


def test_copies_to_learn_from_differ_and_are_made_once(data_dir: Path, tmp_path: Path) -> None:
    folder = data_dir / "grid" / "s1"
    clips = [Clip(path, "s1", path.stem) for path in sorted(folder.glob("*.mp4"))[:4]]
    copies = recoded(clips, tmp_path)
    shapes = {next(stream_frames(copy.path)).image.shape for copy in copies}
    sizes = [copy.path.stat().st_size for copy in copies]
    assert len(shapes) > 1 or max(sizes) > 2 * min(sizes)
    assert [(copy.speaker, copy.sentence) for copy in copies] == [(clip.speaker, clip.sentence) for clip in clips]
    for copy in copies:
        assert sum(len(block) for block in stream_samples(copy.path)) > 2.9 * 16_000
    written_ns = copies[0].path.stat().st_mtime_ns
    assert recoded(clips[:1], tmp_path)[0].path.stat().st_mtime_ns == written_ns
    assert recoded(clips[:1], tmp_path / "again")[0].path.read_bytes() == copies[0].path.read_bytes()


def test_what_is_no_video_is_said_with_ffmpegs_words(tmp_path: Path) -> None:
    path = tmp_path / "broken.mp4"
    path.write_bytes(b"no video")
    with pytest.raises(DegradationError, match=r"(?s)cannot be copied: .*Invalid data"):
        degraded([Clip(path, "a", "a")], "compressed", tmp_path)
