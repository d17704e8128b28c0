"""Sound that a speech detector takes for speech, videos that hold it, and a recogniser that needs no weights."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from apps.transcription.asr.words import Word

SAMPLE_RATE = 16_000  # Hz
WORD_S = 0.5

# The first three formants of five vowels, in Hz.
_VOWELS = ((730, 1090, 2440), (270, 2290, 3010), (570, 840, 2410), (530, 1840, 2480), (300, 870, 2240))
_SYLLABLE = 2_400  # samples: 150 ms


def silence(seconds: float) -> NDArray[np.float32]:
    return np.zeros(int(seconds * SAMPLE_RATE), dtype=np.float32)


def babble(seconds: float, *, pitch_hz: float = 120, seed: int = 0) -> NDArray[np.float32]:
    """Vowels without meaning, six a second: harmonics of a gliding pitch through the formants of random vowels."""
    random = np.random.default_rng(seed)
    time_s = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    phase = 2 * np.pi * np.cumsum(pitch_hz * (1 + 0.08 * np.sin(2 * np.pi * 0.7 * time_s))) / SAMPLE_RATE
    source = sum(np.sin(harmonic * phase) / harmonic**0.8 for harmonic in range(1, 30))
    sound = np.zeros(len(time_s))
    for start in range(0, len(sound), _SYLLABLE):
        syllable = source[start : start + _SYLLABLE]
        frequencies = np.fft.rfftfreq(len(syllable), 1 / SAMPLE_RATE)
        gain = np.full(len(frequencies), 0.01)
        for index, formant_hz in enumerate(_VOWELS[random.integers(len(_VOWELS))]):
            gain += 0.5**index * np.exp(-(((frequencies - formant_hz) / (80 + 40 * index)) ** 2))
        envelope = np.sqrt(np.sin(np.pi * np.arange(len(syllable)) / len(syllable)))
        sound[start : start + len(syllable)] = np.fft.irfft(np.fft.rfft(syllable) * gain, len(syllable)) * envelope
    loudest = float(np.abs(sound).max())
    return np.asarray(sound / loudest / 2, dtype=np.float32)


def write_video(path: Path, *sounds: NDArray[np.float32]) -> int:
    """An MP4 with a grey picture and the sounds one after the other. Returns its length in ms."""
    samples = np.concatenate(sounds)
    duration_ms = len(samples) * 1000 // SAMPLE_RATE
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        picture = container.add_stream("mpeg4", rate=5)
        picture.width, picture.height, picture.pix_fmt = 64, 48, "yuv420p"
        sound = container.add_stream("aac", rate=SAMPLE_RATE, layout="mono")
        for index in range(max(1, duration_ms // 200)):
            image = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 128, dtype=np.uint8), format="rgb24")
            image.pts, image.time_base = index, Fraction(1, 5)
            container.mux(picture.encode(image))
        container.mux(picture.encode(None))
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE, 0, Fraction(1, SAMPLE_RATE)
        container.mux(sound.encode(frame))
        container.mux(sound.encode(None))
    return duration_ms


class SyllableRecognizer:
    """Hears a word every half second, named after what its samples are, so that the same sound gives the same words.

    With `fails_at`, its n-th call (from 1) raises what is given.
    """

    languages = frozenset({"en"})

    def __init__(self, name: str = "syllables", *, fails_at: int = 0, failure: BaseException | None = None) -> None:
        self.name = name
        self.calls = 0
        self._fails_at = fails_at
        self._failure = failure or RuntimeError("out of memory")

    def transcribe(self, samples: NDArray[np.float32]) -> list[Word]:
        self.calls += 1
        if self.calls == self._fails_at:
            raise self._failure
        size = int(WORD_S * SAMPLE_RATE)
        pieces: Sequence[NDArray[np.float32]] = [samples[at : at + size] for at in range(0, len(samples), size)]
        return [
            Word(_name(piece), index * WORD_S, index * WORD_S + len(piece) / SAMPLE_RATE, 0.8)
            for index, piece in enumerate(pieces)
            if len(piece) > size // 2
        ]


class BareSyllablesRecognizer(SyllableRecognizer):
    """The same as a CTC network spells them, to be written for reading."""

    spells_bare_words = True


class ManySyllablesRecognizer(SyllableRecognizer):
    """The same, several sounds at once: `sizes` remembers how many each time, one by one included."""

    def __init__(self, batch_size: int, *, fails_at: int = 0, failure: BaseException | None = None) -> None:
        super().__init__(fails_at=fails_at, failure=failure)
        self.batch_size = batch_size
        self.sizes: list[int] = []

    def transcribe(self, samples: NDArray[np.float32]) -> list[Word]:
        self.sizes.append(1)
        return super().transcribe(samples)

    def transcribe_many(self, sounds: Sequence[NDArray[np.float32]]) -> list[list[Word]]:
        self.sizes.append(len(sounds))
        return [super(ManySyllablesRecognizer, self).transcribe(samples) for samples in sounds]


def _name(samples: NDArray[np.float32]) -> str:
    consonants, vowels = "bdfghklmnprstvwz", "aeiou"
    number = int(float(np.abs(samples).sum()) * 10)
    return consonants[number % 16] + vowels[number // 16 % 5] + consonants[number // 80 % 16]
