"""Whisper tiny.en, whose weights come in a pip package: English, with punctuation, nothing to download.

Whisper's known faults are met here: it invents text in silence and music, falls into loops, and places words past the
end of the sound or makes one of them last through a pause. Model: Radford et al., "Robust Speech Recognition via
Large-Scale Weak Supervision" (2022); the thresholds of `WhisperOptions` are those of its section 4.5 where it has them.
"""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from apps.transcription.asr.calibration import Calibration, read_calibrations
from apps.transcription.asr.forced_alignment import ForcedAlignment
from apps.transcription.asr.hotwords import HotwordOptions, names_in
from apps.transcription.asr.recognizers.base import SAMPLE_RATE, RecognizerUnavailableError
from apps.transcription.asr.recognizers.whisper_network import (
    BATCH_SIZE,
    NOT_WORDS,
    Heard,
    Search,
    WhisperNetwork,
    bundled_folder,
)
from apps.transcription.asr.voice_activity import WINDOW_S, WINDOW_SAMPLES, VoiceActivity, in_speech
from apps.transcription.asr.words import Word, in_order, shifted

CALIBRATION_FILE = Path(__file__).with_name("whisper_calibration.json")
AS_IT_COMES = "as it comes"  # how it decodes, in tables beside CTC's several ways
MIN_SAMPLES = SAMPLE_RATE // 10
# n-gram length -> how often it may be said in a row; what comes oftener is a loop ("no, no, no" is none).
MAX_REPEATS = {1: 5, 2: 4, 3: 4}
MAX_REPEATS_OF_LONGER = 3
LONGEST_LOOP_WORDS = 24
MAX_WORD_CHARS = 40
MAX_PROMPT_TOKENS = 150  # some 40 names; the rest of the network's 448 positions is for what is said
FALLBACK_TEMPERATURES = (0.2, 0.4, 0.6, 0.8, 1.0)  # section 4.5 of the paper
REPEATED_WORDS = 4  # so many, said again at once, are heard anew: Whisper writes some short sentences twice


@dataclass(frozen=True)
class WhisperOptions:
    """How Whisper is run and when it is not believed."""

    search: Search = field(default_factory=Search)
    search_in_loops: Search = field(default_factory=lambda: Search(no_repeat_ngram_size=3, repetition_penalty=1.1))
    # What is still doubtful is drawn anew at each of these (see `Search.temperature`) until it is not.
    fallback_temperatures: tuple[float, ...] = ()
    hotwords: HotwordOptions = field(default_factory=HotwordOptions)
    device: str = "auto"  # auto: a GPU where there is one; cpu; cuda
    cpu_threads: int = 0  # 0: as many as there are cores
    forced_alignment: bool = True  # word times by PocketSphinx; else by Whisper's attention, 0.1 s off
    no_speech_probability: float = 0.6  # above it, and below `min_mean_log_probability`: no speech
    min_mean_log_probability: float = -1.0
    min_voiced_share: float = 0.05  # of the sound; less is noise in which the detector was startled
    voiced_probability: float = 0.3  # a 32 ms window is voiced from here on
    voiced_margin_s: float = 0.25  # a word this far from every voiced window was not said
    max_missed_s: float = 0.8  # speech for which Whisper has no words is given to it once more from here on


@dataclass(frozen=True)
class _Sound:
    """Samples `(n_samples,)`, and of each window of 32 ms whether somebody speaks: `(n_windows,)`."""

    samples: NDArray[np.float32]
    voiced: NDArray[np.bool_]

    def between(self, start: int, end: int) -> "_Sound":
        """From the window `start` up to the window `end`."""
        return _Sound(self.samples[start * WINDOW_SAMPLES : end * WINDOW_SAMPLES], self.voiced[start:end])


class WhisperRecognizer:
    """`Recognizer` of English. `TakesHotwords`, `TranscribesMany`. Loads the model (0.2 s, 150 MB) at once.

    Raises RecognizerUnavailableError where the weights are absent, changed or cannot be loaded.
    """

    def __init__(self, options: WhisperOptions = WhisperOptions(), *, folder: Path | None = None) -> None:
        self._options = options
        self._calibrations = read_calibrations(CALIBRATION_FILE)
        self._network = WhisperNetwork(
            folder or bundled_folder(), device=options.device, cpu_threads=options.cpu_threads
        )
        self._alignment = _alignment() if options.forced_alignment else None
        self._prompt: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        return "whisper tiny.en"

    @property
    def languages(self) -> frozenset[str] | None:
        return frozenset({"en"})

    @property
    def calibration(self) -> Calibration | None:
        """See `IsCalibrated.calibration`."""
        return self._calibrations.get(AS_IT_COMES)

    @property
    def calibration_file(self) -> Path:
        """See `IsCalibrated.calibration_file`."""
        return CALIBRATION_FILE

    @property
    def batch_size(self) -> int:
        """See `TranscribesMany.batch_size`."""
        return BATCH_SIZE

    def transcribe(self, samples: NDArray[np.float32]) -> list[Word]:
        """See `Recognizer.transcribe`."""
        return self.transcribe_many([samples])[0]

    def transcribe_many(self, sounds: Sequence[NDArray[np.float32]]) -> list[list[Word]]:
        """See `TranscribesMany.transcribe_many`."""
        voiced = [VoiceActivity().probabilities(samples) >= self._options.voiced_probability for samples in sounds]
        whole = [_Sound(samples, windows) for samples, windows in zip(sounds, voiced, strict=True)]
        words = self._believed(whole)
        gaps = {
            index: gap
            for index, sound in enumerate(whole)
            if (gap := self._missed(words[index], sound.voiced)) is not None
        }
        again = self._believed([whole[index].between(*gap) for index, gap in gaps.items()])
        for (index, (start, _)), more in zip(gaps.items(), again, strict=True):
            words[index] = sorted([*words[index], *shifted(more, start * WINDOW_S)], key=lambda word: word.start_s)
        return [self._timed(without_loops(heard), samples) for heard, samples in zip(words, sounds, strict=True)]

    def choose_hotwords(self, texts: Sequence[str]) -> tuple[str, ...]:
        """See `TakesHotwords.choose_hotwords`: the names as the texts write them, since Whisper copies that."""
        shortest, longest = self._options.hotwords.min_letters, self._options.hotwords.max_letters
        names = [name for name in names_in(texts).values() if shortest <= len(name) <= longest]
        return tuple(names[: self._options.hotwords.max_words])

    def with_hotwords(self, hotwords: Sequence[str]) -> Self:
        """See `TakesHotwords.with_hotwords`; they are given to it as what was said before."""
        other = copy.copy(self)
        other._prompt = self._network.prompt(hotwords, MAX_PROMPT_TOKENS)
        return other

    def _timed(self, words: list[Word], samples: NDArray[np.float32]) -> list[Word]:
        aligned = self._alignment.timed(words, samples) if self._alignment and words else words
        return in_order(aligned, len(samples) / SAMPLE_RATE)

    def _believed(self, sounds: Sequence[_Sound]) -> list[list[Word]]:
        """What Whisper hears in each sound, without what it invents."""
        words: list[list[Word]] = [[] for _ in sounds]
        asked = [index for index, sound in enumerate(sounds) if self._may_hold_speech(sound)]
        samples = [sounds[index].samples for index in asked]
        heard = self._network.hear(samples, self._options.search, self._prompt)
        self._hear_anew(heard, samples, _is_repeated, self._options.search)
        self._hear_anew(heard, samples, _is_looped, self._options.search_in_loops)
        for temperature in self._options.fallback_temperatures:
            self._hear_anew(heard, samples, self._is_doubtful, Search(temperature=temperature))
        for index, each in zip(asked, heard, strict=True):
            if not self._is_silence(each):
                words[index] = in_speech(each.words, sounds[index].voiced, self._options.voiced_margin_s)
        return words

    def _hear_anew(
        self,
        heard: list[Heard],
        samples: Sequence[NDArray[np.float32]],
        is_doubtful: Callable[[Heard], bool],
        search: Search,
    ) -> None:
        """Puts what the network hears in a whole window in the place of what is doubtful."""
        doubtful = [index for index, each in enumerate(heard) if is_doubtful(each)]
        # Without the prompt, which may be what was repeated.
        anew = self._network.hear([samples[index] for index in doubtful], search, in_whole_windows=True)
        for index, each in zip(doubtful, anew, strict=True):
            heard[index] = each

    def _may_hold_speech(self, sound: _Sound) -> bool:
        return len(sound.samples) >= MIN_SAMPLES and bool(sound.voiced.mean() >= self._options.min_voiced_share)

    def _missed(self, words: Sequence[Word], voiced: NDArray[np.bool_]) -> tuple[int, int] | None:
        """The windows `(from, to)` of the longest stretch with speech but no words, if there is one worth another look.

        Whisper likes to end its text when a sentence is said a second time.
        """
        bounds_s = [0.0, *(time_s for word in words for time_s in (word.start_s, word.end_s)), len(voiced) * WINDOW_S]
        gaps = [(int(bounds_s[i] / WINDOW_S), int(bounds_s[i + 1] / WINDOW_S)) for i in range(0, len(bounds_s), 2)]
        n_voiced, start, end = max((int(voiced[start:end].sum()), start, end) for start, end in gaps)
        return (start, end) if n_voiced * WINDOW_S >= self._options.max_missed_s else None

    def _is_doubtful(self, heard: Heard) -> bool:
        is_unsure = heard.mean_log_probability < self._options.min_mean_log_probability
        return _is_looped(heard) or (is_unsure and not self._is_silence(heard))

    def _is_silence(self, heard: Heard) -> bool:
        options = self._options
        return bool(
            heard.no_speech_probability > options.no_speech_probability
            and heard.mean_log_probability < options.min_mean_log_probability
        )


def _alignment() -> ForcedAlignment:
    try:
        return ForcedAlignment()
    except ImportError as error:
        raise RecognizerUnavailableError(
            f"The embedded recogniser's word times need pocketsphinx ({error}): pip install -r requirements.txt, or "
            "set ASR_FORCED_ALIGNMENT=false."
        ) from error


def _is_repeated(heard: Heard) -> bool:
    keys = _keys(heard.words)
    return any(
        keys[start : start + n_words] == keys[start + n_words : start + 2 * n_words]
        for n_words in range(REPEATED_WORDS, len(keys) // 2 + 1)
        for start in range(len(keys) - 2 * n_words + 1)
    )


def _is_looped(heard: Heard) -> bool:
    return len(without_loops(heard.words)) < len(heard.words) or any(
        len(word.text) > MAX_WORD_CHARS for word in heard.words
    )


def without_loops(words: Sequence[Word]) -> list[Word]:
    """The words, where an n-gram that is repeated oftener than people repeat themselves is left standing once."""
    kept: list[Word] = []
    keys = _keys(words)
    position = 0
    while position < len(words):
        n_words, n_times = _loop_at(keys, position)
        kept.extend(words[position : position + n_words])
        position += n_words * n_times
    return kept


def _keys(words: Sequence[Word]) -> list[str]:
    """The words as they are said."""
    return [word.text.lower().strip("".join(NOT_WORDS)) for word in words]


def _loop_at(keys: Sequence[str], position: int) -> tuple[int, int]:
    """`(words, times)` of the loop that begins at `position`; `(1, 1)` where none does."""
    for n_words in range(1, min(LONGEST_LOOP_WORDS, (len(keys) - position) // 2) + 1):
        said = keys[position : position + n_words]
        n_times = 1
        while keys[position + n_times * n_words : position + (n_times + 1) * n_words] == said:
            n_times += 1
        if n_times > MAX_REPEATS.get(n_words, MAX_REPEATS_OF_LONGER):
            return n_words, n_times
    return 1, 1
