from pathlib import Path

import numpy as np
import pytest

from apps.media.audio import AudioDecodeError, NoAudioError, samples_between, stream_samples
from tests.media.test_audio import onset_s
from tests.transcription.asr.sounds import RATE, noise, read, tone, write_sound
from tests.videos.clips import Clips

SPANS = [(0.0, 1.0), (4.4, 6.0), (2.5, 3.75), (8.0, 11.0)]


@pytest.mark.parametrize(
    ("name", "codec", "rate"),
    [
        ("a.mp4", "aac", 48_000),
        ("a.mkv", "libopus", 48_000),
        ("a.avi", "mp2", 44_100),
        ("a.ts", "aac", 44_100),
        ("a.mov", "pcm_s16le", 22_050),
    ],
)
def test_it_reads_what_streaming_reads_there(tmp_path: Path, name: str, codec: str, rate: int) -> None:
    # Slow enough that a millisecond, in which Matroska's clock ticks, makes little difference.
    sound = np.repeat(noise(rate / RATE / 20), 200)
    assert_same_as_streamed(write_sound(tmp_path / name, sound, codec=codec, rate=rate, picture_s=10.0), SPANS)


def test_it_reads_a_real_mpeg_clip(data_dir: Path) -> None:
    assert_same_as_streamed(data_dir / "grid" / "original_bbaf2n.mpg", [(1.0, 2.5), (0.0, 3.0), (0.7, 0.9)])


def assert_same_as_streamed(path: Path, spans: list[tuple[float, float]]) -> None:
    whole = np.pad(read(path), (0, 2 * RATE))
    for (start_s, end_s), samples in zip(spans, samples_between(path, spans), strict=True):
        expected = whole[round(start_s * RATE) : round(end_s * RATE)]
        assert samples.dtype == np.float32
        assert len(samples) == round((end_s - start_s) * RATE)
        assert np.corrcoef(samples[800:-800], expected[800:-800])[0, 1] > 0.8, (start_s, end_s)


def test_sound_that_starts_late_lies_where_a_player_plays_it(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "late.mp4", tone(3.0), codec="aac", rate=RATE, starts_s=1.5, picture_s=5.0)
    (samples,) = samples_between(path, [(1.0, 3.0)])
    assert onset_s(samples) == pytest.approx(0.5, abs=0.07)


def test_packets_whose_clock_runs_away_from_their_samples_lie_where_the_clock_says(tmp_path: Path) -> None:
    """Streaming forgives up to 0.1 s of it; in the sync of lips that much is everything."""
    sound = np.concatenate([np.zeros(2 * RATE, dtype=np.float32), tone(1.0)])
    path = write_sound(tmp_path / "hole.mkv", sound, holes_s=[(0.5, 0.55)])
    (samples,) = samples_between(path, [(1.5, 2.5)])
    assert onset_s(samples) == pytest.approx(0.5, abs=0.005)
    assert onset_s(np.concatenate(list(stream_samples(path)))) < 1.97


def test_it_says_what_it_cannot_read(tmp_path: Path) -> None:
    with pytest.raises(NoAudioError, match="no sound"):
        list(samples_between(Clips(tmp_path).silent_mp4(), [(0, 1)]))
    with pytest.raises(AudioDecodeError, match="no such file"):
        list(samples_between(tmp_path / "none.mp4", [(0, 1)]))
