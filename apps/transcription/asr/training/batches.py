"""Recordings -> batches of samples and labels, of like lengths, in an order that depends on the seed alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from apps.media.audio import AudioDecodeError, NoAudioError, stream_samples
from apps.transcription.asr.training.corpora import CorpusError
from apps.transcription.asr.voice_activity import WINDOW_S, WINDOW_SAMPLES, VoiceActivity

POOL_BATCHES = 50  # so many batches are drawn at random and then sorted by length: alike within, various across
VOICED_PROBABILITY = 0.2  # of Silero's network; low, since what is taken for silence cannot be learned
VOICED_MARGIN_WINDOWS = 2
MIN_VOICED_SHARE = 0.25
CACHE_BYTES = 2_000_000_000  # of decoded sound; 17 h of it
READ_AHEAD = 4  # batches that are made while the network learns from another


@dataclass(frozen=True, slots=True)
class Example:
    """A recording that can be learned: `label_ids` is its sentence."""

    path: Path
    sentence: str
    label_ids: tuple[int, ...]
    duration_s: float


@dataclass(frozen=True)
class Batch:
    """Of each recording its samples float32 `(n,)`, its labels, and which of equal parts of it are voiced, `(m,)`."""

    samples: list[NDArray[np.float32]]
    label_ids: list[tuple[int, ...]]
    sentences: list[str]
    voiced: list[NDArray[np.bool_]]


@dataclass(frozen=True)
class AugmentOptions:
    """Changes of sound while learning: each is drawn anew whenever a recording comes.

    `speed`: played faster or slower by up to this share (Ko et al., "Audio Augmentation for Speech Recognition",
    2015). `bands`: so many bands of up to `band_width` of the spectrum are silenced (SpecAugment's masks of frequency,
    Park et al. 2019, here on the wave, which is all that the network hears). `noise`: white noise of up to this
    strength, as a share of the sound's own root mean square. `margin_s`: of the silence before and after speech, only
    up to so much is kept, now more, now less (None: all).
    """

    margin_s: float | None = None
    speed: float = 0.0
    bands: int = 0
    band_width: float = 0.1
    noise: float = 0.0


class Sounds:
    """The samples of files, kept in memory up to CACHE_BYTES, and where somebody speaks in them."""

    def __init__(self, *, find_voices: bool = False) -> None:
        self._find_voices = find_voices
        self._voiced: dict[Path, NDArray[np.bool_]] = {}
        self._kept: dict[Path, NDArray[np.float16]] = {}
        self._n_bytes = 0

    def samples(self, path: Path) -> NDArray[np.float32]:
        """float32 `(n,)`, 16 kHz. Raises CorpusError."""
        if path in self._kept:
            return np.asarray(self._kept[path], dtype=np.float32)
        try:
            samples = np.concatenate([np.zeros(0, dtype=np.float32), *stream_samples(path)])
        except (AudioDecodeError, NoAudioError) as error:
            raise CorpusError(str(error)) from error
        # 11 bits of each sample: its noise is 60 dB below it, however soft it is.
        halved = samples.astype(np.float16)
        if self._n_bytes < CACHE_BYTES:
            self._kept[path] = halved
            self._n_bytes += halved.nbytes
        return np.asarray(halved, dtype=np.float32)

    def voiced(self, path: Path) -> NDArray[np.bool_]:
        """Which windows of 32 ms hold speech or lie beside some, `(n_windows,)`; all where voices are not looked for.

        Raises CorpusError.
        """
        if path not in self._voiced:
            if self._find_voices:
                heard = VoiceActivity().probabilities(self.samples(path)) >= VOICED_PROBABILITY
                beside = np.ones(2 * VOICED_MARGIN_WINDOWS + 1)
                self._voiced[path] = np.convolve(heard, beside, mode="same") > 0
            else:
                self._voiced[path] = np.ones(1, dtype=bool)
        return self._voiced[path]


def augmented(
    samples: NDArray[np.float32], options: AugmentOptions, random: np.random.Generator
) -> NDArray[np.float32]:
    """`samples` after one pass of `options` through its spectrum."""
    if options.bands or options.speed:
        spectrum = np.fft.rfft(samples)
        for _ in range(options.bands):
            width = int(random.uniform(0, options.band_width) * len(spectrum))
            start = int(random.integers(0, len(spectrum) - width))
            spectrum[start : start + width] = 0
        # The same spectrum over fewer or more samples is the same sound at another speed.
        n = round(len(samples) / random.uniform(1 - options.speed, 1 + options.speed))
        samples = (np.fft.irfft(spectrum, n) * (n / len(samples))).astype(np.float32)
    if options.noise:
        strength = random.uniform(0, options.noise) * float(np.sqrt(np.mean(samples**2)))
        samples = samples + (strength * random.standard_normal(len(samples))).astype(np.float32)
    return samples


def trimmed(
    samples: NDArray[np.float32], voiced: NDArray[np.bool_], margin_s: float, random: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Samples and their voiced windows without the silence around them, but for a random part of `margin_s`."""
    windows = np.flatnonzero(voiced)
    before, after = (random.uniform(0, margin_s / WINDOW_S, size=2)).astype(int)
    if len(windows) * WINDOW_SAMPLES < MIN_VOICED_SHARE * len(samples):
        return samples, voiced  # voice activity heard too little of it to be believed
    first, end = max(0, int(windows[0]) - before), int(windows[-1]) + 1 + after
    return samples[first * WINDOW_SAMPLES : end * WINDOW_SAMPLES], voiced[first:end]


def batch_order(durations_s: Sequence[float], size: int, *, seed: int, epoch: int) -> list[list[int]]:
    """The indices of each batch of an epoch, every index once."""
    random = np.random.default_rng((seed, epoch))
    shuffled = random.permutation(len(durations_s))
    batches = []
    for start in range(0, len(shuffled), POOL_BATCHES * size):
        pool = sorted(shuffled[start : start + POOL_BATCHES * size].tolist(), key=lambda index: durations_s[index])
        batches += [pool[first : first + size] for first in range(0, len(pool), size)]
    return [batches[index] for index in random.permutation(len(batches))]


def training_batches(
    examples: Sequence[Example], sounds: Sounds, *, size: int, seed: int, augment: AugmentOptions, start: int
) -> Iterator[Batch]:
    """Endless batches from the `start`-th on: the n-th is the same whether or not those before it were asked for."""
    durations_s = [example.duration_s for example in examples]
    n_batches = -(-len(examples) // size)
    step = start
    while True:
        epoch, first = divmod(step, n_batches)
        for indices in batch_order(durations_s, size, seed=seed, epoch=epoch)[first:]:
            random = np.random.default_rng((seed, epoch, step))
            chosen = [examples[index] for index in indices]
            heard = [(sounds.samples(each.path), sounds.voiced(each.path)) for each in chosen]
            if augment.margin_s is not None:
                heard = [trimmed(samples, voiced, augment.margin_s, random) for samples, voiced in heard]
            yield Batch(
                [augmented(samples, augment, random) for samples, _ in heard],
                [each.label_ids for each in chosen],
                [each.sentence for each in chosen],
                [voiced for _, voiced in heard],
            )
            step += 1


def plain_batches(examples: Sequence[Example], sounds: Sounds, *, size: int) -> Iterator[Batch]:
    """All examples once, unchanged, by length."""
    ordered = sorted(examples, key=lambda example: example.duration_s)
    for start in range(0, len(ordered), size):
        chosen = ordered[start : start + size]
        yield Batch(
            [sounds.samples(each.path) for each in chosen],
            [each.label_ids for each in chosen],
            [each.sentence for each in chosen],
            [sounds.voiced(each.path) for each in chosen],
        )
