"""Small files of sound, made on the spot, and real speech read from the data."""

import functools
import json
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from apps.media.audio import stream_samples

RATE = 16_000  # Hz


def tone(seconds: float, *, hz: float = 440, rate: int = RATE) -> NDArray[np.float32]:
    return np.asarray(0.5 * np.sin(2 * np.pi * hz * np.arange(int(seconds * rate)) / rate), dtype=np.float32)


def noise(seconds: float, *, loudness: float = 0.1, seed: int = 0) -> NDArray[np.float32]:
    return (loudness * np.random.default_rng(seed).standard_normal(int(seconds * RATE))).astype(np.float32)


def music(seconds: float, *, seed: int = 0) -> NDArray[np.float32]:
    """Chords of plucked harmonics, a bass drum and a hi-hat, 120 beats a minute."""
    generator = np.random.default_rng(seed)
    sound = np.zeros(int(seconds * RATE))
    length = RATE // 2
    time_s = np.arange(length) / RATE
    for beat in range(int(2 * seconds)):
        root_hz = 110 * 2 ** (generator.choice([0, 3, 5, 7, 10]) / 12)
        chord = sum(
            np.sin(2 * np.pi * root_hz * step * n * time_s) / n for step in (1, 1.26, 1.5) for n in range(1, 6)
        ) * np.exp(-4 * time_s)
        drum = np.sin(2 * np.pi * 60 * np.exp(-8 * time_s) * time_s) * np.exp(-12 * time_s)
        hat = generator.standard_normal(length) * np.exp(-60 * time_s)
        part = sound[beat * length : (beat + 1) * length]
        part += (0.08 * chord + 0.5 * drum + 0.1 * hat)[: len(part)]
    return sound.astype(np.float32)


def read(path: Path, *, start_ms: int = 0) -> NDArray[np.float32]:
    """All samples of a file: `(n,)`."""
    return np.concatenate([np.zeros(0, dtype=np.float32), *stream_samples(path, start_ms=start_ms)])


def write_sound(
    path: Path,
    samples: NDArray[np.float32],
    *,
    codec: str = "pcm_s16le",
    rate: int = RATE,
    starts_s: float = 0.0,
    holes_s: Iterable[tuple[float, float]] = (),
    picture_s: float = 0.0,
) -> Path:
    """Writes mono samples `(n,)`, or stereo `(2, n)`, as the path's ending says.

    The sound starts `starts_s` after the file's picture of `picture_s`; the stretches `holes_s` of it are not written,
    and what follows them keeps its time.
    """
    channels = np.atleast_2d(samples)
    options = {"strict": "experimental"}
    with av.open(str(path), "w", options=options) as container:
        if picture_s:
            picture = container.add_stream("mpeg4", rate=10)
            picture.width, picture.height, picture.pix_fmt = 64, 48, "yuv420p"
        sound: Any = container.add_stream(codec, rate=rate, layout="mono" if len(channels) == 1 else "stereo")
        for index in range(int(10 * picture_s)):
            image = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 128, dtype=np.uint8), format="rgb24")
            image.pts, image.time_base = index, Fraction(1, 10)
            container.mux(picture.encode(image))
        if picture_s:
            container.mux(picture.encode(None))
        for start in range(0, channels.shape[1], 1024):
            if any(begin <= start / rate < end for begin, end in holes_s):
                continue
            block = np.ascontiguousarray(channels[:, start : start + 1024])
            frame = av.AudioFrame.from_ndarray(block, format="fltp", layout=sound.layout.name)
            frame.sample_rate, frame.time_base = rate, Fraction(1, rate)
            frame.pts = start + round(starts_s * rate)
            container.mux(sound.encode(frame))
        container.mux(sound.encode(None))
    return path


def write_long_sound(path: Path, minutes: int, block: NDArray[np.float32]) -> Path:
    """Writes `block` over and over until the file is as long as wanted, in constant memory."""
    data = (block * 32767).astype("<i2").tobytes()
    import wave

    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        for _ in range(round(minutes * 60 * RATE / len(block))):
            file.writeframesraw(data)
    return path


@functools.cache
def _sample_speech() -> NDArray[np.float32]:
    """What the sample video says, without its pauses."""
    frames = read(Path(__file__).parents[3] / "samples" / "talk.mp4")
    frames = frames[: len(frames) // 320 * 320].reshape(-1, 320)  # of 20 ms
    loud: NDArray[np.float32] = frames[np.sqrt(np.mean(np.square(frames), axis=1)) > 0.02]
    return loud.reshape(-1)


def speech(seconds: float, *, from_s: float = 0.0) -> NDArray[np.float32]:
    """Speech without a pause: 70 s of it at most."""
    cut = _sample_speech()[int(from_s * RATE) : int((from_s + seconds) * RATE)]
    assert len(cut) == int(seconds * RATE), "the sample video says less than that"
    return cut.copy()


def utterances(data_dir: Path, name: str, n: int, *, pause_s: float = 0.6) -> tuple[NDArray[np.float32], str]:
    """The first `n` utterances of a set, one after the other with pauses, and what is said in them."""
    lines = (data_dir / "speech" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()[:n]
    rows = [json.loads(line) for line in lines]
    pause = np.zeros(int(pause_s * RATE), dtype=np.float32)
    pieces = [piece for row in rows for piece in (read(data_dir / row["path"]), pause)]
    return np.concatenate([pause[:0], *pieces]), " ".join(row["text"] for row in rows)
