import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from apps.media.audio import AudioDecodeError, NoAudioError, duration_ms, stream_samples
from tests.transcription.asr.sounds import RATE, noise, read, tone, write_long_sound, write_sound


def onset_s(samples: NDArray[np.float32]) -> float:
    return float(np.flatnonzero(np.abs(samples) > 0.1)[0]) / RATE


def test_it_streams_blocks_of_a_second_at_most(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "a.wav", tone(2.5))
    assert [len(block) for block in stream_samples(path)] == [16_000, 16_000, 8_000]
    assert all(block.dtype == np.float32 for block in stream_samples(path))


@pytest.mark.parametrize(
    ("name", "codec", "rate"),
    [
        ("a.wav", "pcm_s16le", 44_100),
        ("a.flac", "flac", 8_000),
        ("a.mp4", "aac", 48_000),
        ("a.mkv", "libopus", 48_000),
        ("a.mov", "pcm_s24le", 22_050),
        ("a.avi", "mp2", 44_100),
        ("a.ts", "aac", 44_100),
    ],
)
def test_it_reads_any_rate_and_codec_as_16_khz_mono(tmp_path: Path, name: str, codec: str, rate: int) -> None:
    stereo = np.stack([tone(2.0, hz=1000, rate=rate)] * 2)
    samples = read(write_sound(tmp_path / name, stereo, codec=codec, rate=rate))
    assert len(samples) == pytest.approx(2 * RATE, abs=0.06 * RATE)
    loudest_hz = np.argmax(np.abs(np.fft.rfft(samples[8_000:24_000])))
    assert loudest_hz == 1000
    assert np.abs(samples).max() <= 1.0


def test_it_does_not_fold_high_sounds_into_low_ones(tmp_path: Path) -> None:
    """11 kHz, sampled at 16 kHz without a filter, would sound as 5 kHz."""
    samples = read(write_sound(tmp_path / "a.wav", tone(1.0, hz=11_000, rate=48_000), rate=48_000))
    assert np.abs(samples[2_000:-2_000]).max() < 0.01


@pytest.mark.parametrize("name", ["late.mp4", "late.mkv", "late.ts"])
def test_it_keeps_sound_that_starts_later_than_the_picture_in_its_place(tmp_path: Path, name: str) -> None:
    path = write_sound(tmp_path / name, tone(1.0), codec="aac", starts_s=1.5, picture_s=3.0)
    assert onset_s(read(path)) == pytest.approx(1.5, abs=0.07)


def test_it_fills_holes_with_silence_so_that_what_follows_keeps_its_time(tmp_path: Path) -> None:
    sound = np.concatenate([np.zeros(3 * RATE, dtype=np.float32), tone(1.0)])
    path = write_sound(tmp_path / "hole.mkv", sound, codec="pcm_s16le", holes_s=[(1.0, 2.0)])
    samples = read(path)
    assert len(samples) == pytest.approx(4 * RATE, abs=0.01 * RATE)
    assert onset_s(samples) == pytest.approx(3.0, abs=0.01)


@pytest.mark.parametrize("start_ms", [0, 1, 999, 1_000, 1_537, 2_990])
@pytest.mark.parametrize("codec", ["pcm_s16le", "aac"])
def test_what_follows_does_not_depend_on_where_it_starts(tmp_path: Path, codec: str, start_ms: int) -> None:
    path = write_sound(tmp_path / "a.mkv", noise(3.0), codec=codec, rate=RATE)
    whole = read(path)
    assert np.array_equal(read(path, start_ms=start_ms), whole[start_ms * 16 :])


def test_it_has_nothing_to_give_behind_the_end(tmp_path: Path) -> None:
    assert len(read(write_sound(tmp_path / "a.wav", tone(1.0)), start_ms=5_000)) == 0


def test_it_tells_how_long_a_file_is(tmp_path: Path) -> None:
    assert duration_ms(write_sound(tmp_path / "a.wav", tone(2.5))) == 2_500


def test_it_tells_how_long_a_file_is_that_does_not_say_so_itself(tmp_path: Path) -> None:
    """As a browser's recorder writes WebM: live, without a length."""
    whole = write_sound(tmp_path / "whole.mkv", tone(3.0, rate=48_000), codec="libopus", rate=48_000)
    data = bytearray(whole.read_bytes())
    at = data.index(b"\x44\x89")  # the element Duration, which becomes one that readers pass over
    data[at : at + 2] = b"\x44\x8a"
    path = tmp_path / "live.mkv"
    path.write_bytes(data)
    assert duration_ms(path) == pytest.approx(3_000, abs=60)


def test_it_refuses_a_file_without_sound(tmp_path: Path) -> None:
    path = tmp_path / "silent.mp4"
    import av

    with av.open(str(path), "w") as container:
        picture = container.add_stream("mpeg4", rate=10)
        picture.width, picture.height, picture.pix_fmt = 64, 48, "yuv420p"
        container.mux(picture.encode(av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")))
        container.mux(picture.encode(None))
    with pytest.raises(NoAudioError, match="has no sound"):
        read(path)
    with pytest.raises(NoAudioError):
        duration_ms(path)


@pytest.mark.parametrize("content", [b"", b"this is a shopping list\n" * 100])
def test_it_refuses_what_is_no_recording(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "list.mp4"
    path.write_bytes(content)
    with pytest.raises(AudioDecodeError, match="is not a video or sound file"):
        read(path)


def test_it_refuses_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(AudioDecodeError, match="is a folder: name the files in it"):
        read(tmp_path)
    with pytest.raises(AudioDecodeError, match="no such file"):
        read(tmp_path / "none.mp4")


@pytest.mark.parametrize(
    "playlist", ["#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{}\n", "ffconcat version 1.0\nfile {}\n"]
)
def test_it_follows_no_playlist_to_other_files(tmp_path: Path, playlist: str) -> None:
    secret = write_sound(tmp_path / "secret.ts", tone(1.0), codec="aac")
    path = tmp_path / "innocent.mp4"
    path.write_text(playlist.format(secret.name))
    with pytest.raises(AudioDecodeError):
        read(path)


def test_it_passes_over_damaged_parts(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "a.ts", np.concatenate([noise(4.0), tone(1.0)]), codec="mp2", rate=RATE)
    data = bytearray(path.read_bytes())
    for at in range(len(data) // 4, len(data) // 2, 300):
        data[at] ^= 0xFF
    path.write_bytes(data)
    samples = read(path)
    assert len(samples) == pytest.approx(5 * RATE, abs=0.2 * RATE)
    assert np.argmax(np.abs(np.fft.rfft(samples[-12_000:-4_000]))) == 220  # bins of 2 Hz: the tone is where it was


def test_it_reads_a_truncated_file_up_to_where_it_ends(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "a.mkv", noise(4.0), codec="aac", rate=RATE)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert 1.5 * RATE < len(read(path)) < 2.5 * RATE


def test_its_memory_does_not_grow_with_the_length(tmp_path: Path) -> None:
    def peak_of(path: Path) -> int:
        tracemalloc.start()
        for _ in stream_samples(path):
            pass
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return peak

    short = peak_of(write_long_sound(tmp_path / "short.wav", 1, tone(1.0)))
    long = peak_of(write_long_sound(tmp_path / "long.wav", 10, tone(1.0)))
    assert long < 1.2 * short < 3_000_000
