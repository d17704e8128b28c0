"""The seam between sound and words."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from apps.media import audio
from apps.transcription.asr.calibration import Calibration
from apps.transcription.asr.words import Word

SAMPLE_RATE = audio.SAMPLE_RATE  # Hz, of all sound that a recogniser is given
MAX_SOUND_S = 29.0  # what every recogniser takes at once


class RecognizerUnavailableError(Exception):
    """The recogniser cannot be loaded. The message tells the operator what to do."""


class Recognizer(Protocol):
    """Turns one stretch of speech into words. One object serves many calls, from one thread at a time.

    The contract, which `tests/transcription/asr/recognizer_contract.py` checks for every implementation: words come in
    order and do not overlap, lie within the sound, are never blank and hold no white space; silence gives none; the
    same sound gives the same words.
    """

    @property
    def name(self) -> str:
        """Which model it is, as an operator would write it: `whisper tiny.en`, `facebook/wav2vec2-base-960h`."""

    @property
    def languages(self) -> frozenset[str] | None:
        """ISO 639-1 codes of the languages it understands; None where nobody said."""

    def transcribe(self, samples: NDArray[np.float32]) -> list[Word]:
        """The words in `samples`: float32 `(n_samples,)`, mono, 16 kHz, in [-1, 1]; at most 29 s of it.

        Times are in seconds from the first sample.
        """


@runtime_checkable
class TakesHotwords(Protocol):
    """What a `Recognizer` may offer beside the contract: words to expect, such as the names in a video's title."""

    def choose_hotwords(self, texts: Sequence[str]) -> tuple[str, ...]:
        """Which words of `texts`, the weightiest first, it would be helped by; in its own letters, bounded."""

    def with_hotwords(self, hotwords: Sequence[str]) -> Self:
        """A recogniser that expects them: the same model, not loaded anew. The original stays as it is."""


@runtime_checkable
class SpellsBareWords(Protocol):
    """What a `Recognizer` says that may give words without capitals and marks, which `asr.reading` then writes."""

    @property
    def spells_bare_words(self) -> bool: ...


@runtime_checkable
class TakesLongSounds(Protocol):
    """What a `Recognizer` may offer beside the contract: sounds longer than 29 s, where there is no pause to cut at."""

    @property
    def max_sound_s(self) -> float:
        """The longest that it takes."""


@runtime_checkable
class TranscribesMany(Protocol):
    """What a `Recognizer` may offer beside the contract: several sounds at once, where that is faster."""

    @property
    def batch_size(self) -> int:
        """How many sounds it likes to be given at once, 1 or more."""

    def transcribe_many(self, sounds: Sequence[NDArray[np.float32]]) -> list[list[Word]]:
        """The words of each sound, in the order given: the same as `transcribe` gives of each by itself."""


@runtime_checkable
class IsCalibrated(Protocol):
    """What a `Recognizer` may know of itself: how its figures relate to the truth."""

    @property
    def calibration(self) -> Calibration | None:
        """What to correct its words by, as it decodes now; None where nobody has measured it."""

    @property
    def calibration_file(self) -> Path:
        """Where that is kept, to be read when it is loaded; `manage.py calibrate_asr` writes it."""


def max_sound_s(recognizer: Recognizer) -> float:
    """The longest sound that `recognizer` takes."""
    return max(recognizer.max_sound_s, MAX_SOUND_S) if isinstance(recognizer, TakesLongSounds) else MAX_SOUND_S


def batch_size_of(recognizer: Recognizer) -> int:
    """How many sounds `transcribe_all` is best given at once."""
    return max(1, recognizer.batch_size) if isinstance(recognizer, TranscribesMany) else 1


def transcribe_all(
    recognizer: Recognizer, sounds: Sequence[NDArray[np.float32]], *, is_raw: bool = False
) -> list[list[Word]]:
    """The words of each sound: all at once where the recogniser can, else one by one.

    With the confidences and times that its calibration gives them; as it says them itself where `is_raw`.
    """
    if len(sounds) > 1 and isinstance(recognizer, TranscribesMany):
        heard = recognizer.transcribe_many(sounds)
    else:
        heard = [recognizer.transcribe(samples) for samples in sounds]
    calibration = recognizer.calibration if isinstance(recognizer, IsCalibrated) and not is_raw else None
    if calibration is None:
        return heard
    return [
        calibration.applied(words, len(samples) / SAMPLE_RATE) for words, samples in zip(heard, sounds, strict=True)
    ]
