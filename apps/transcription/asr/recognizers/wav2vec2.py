"""Any CTC checkpoint that transformers can load: wav2vec2, HuBERT, WavLM, data2vec, from a folder or a model hub's id.

wav2vec2: Baevski et al., "wav2vec 2.0: A Framework for Self-Supervised Learning of Speech Representations" (2020).
"""

import copy
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from apps.transcription.asr.beam_search import BeamSearches, DecoderOptions
from apps.transcription.asr.calibration import Calibration, calibration_file, read_calibrations
from apps.transcription.asr.captions import SENTENCE_MARKS
from apps.transcription.asr.decoder import Alphabet, greedy_words
from apps.transcription.asr.downloads import folder_of
from apps.transcription.asr.hotwords import HotwordOptions, choose_hotwords
from apps.transcription.asr.language_model import load_language_model
from apps.transcription.asr.networks.batching import batches
from apps.transcription.asr.networks.checkpoint import Checkpoint
from apps.transcription.asr.networks.chunking import chunks, joined
from apps.transcription.asr.networks.loading import NetworkOptions, load_network
from apps.transcription.asr.normalization import Normalizer, case_of
from apps.transcription.asr.recognizers.base import SAMPLE_RATE, RecognizerUnavailableError
from apps.transcription.asr.voice_activity import VoiceActivity, in_speech
from apps.transcription.asr.words import Word, in_order

GREEDY, WITH_LANGUAGE_MODEL = "greedy", "language model"  # how words are decoded, which their confidences depend on
MIN_SAMPLES = SAMPLE_RATE // 10  # less holds no word, and is shorter than what some networks can take
# A network that was trained on speech alone spells noise out, too: letters far from any speech are not believed.
VOICED_PROBABILITY = 0.2
VOICED_MARGIN_S = 0.5
CONTEXT_S = 1.0  # on both sides of a chunk; more than a word
WHOLE_S = 30.0  # what the network hears at once where nobody set a chunk's length
MAX_SOUND_S = 60.0


@dataclass(frozen=True)
class Wav2Vec2Options:
    """Which checkpoint, and how it is run.

    `model` is a folder, or the id on a model hub of a checkpoint that was downloaded to `cache_dir` before: nothing
    here touches the network. `language` is the ISO 639-1 code that the checkpoint understands. `language_model` is a
    folder or downloaded hub id likewise, "none", or empty for the one that the checkpoint carries, if it does.
    """

    model: str
    language: str | None = None
    cache_dir: Path | None = None
    device: str = "auto"  # auto: a GPU where there is one; cpu; cuda
    precision: str = "auto"  # see `networks.loading.NetworkOptions`
    cpu_threads: int = 0  # 0: as many as there are cores
    compiled: bool = False
    chunk_s: float = WHOLE_S  # longer sounds are given to the network in chunks (see `networks.chunking`)
    language_model: str = ""
    decoder: DecoderOptions = field(default_factory=DecoderOptions)
    hotwords: HotwordOptions = field(default_factory=HotwordOptions)

    @property
    def network(self) -> NetworkOptions:
        return NetworkOptions(self.device, self.precision, self.cpu_threads, self.compiled, self.cache_dir)


class Wav2Vec2Recognizer:
    """`Recognizer` by CTC, greedy or, with a language model or hotwords, by beam search. `TakesHotwords`.

    `TranscribesMany`: while the network hears one sound, others are searched for words on threads of their own.
    Loads the checkpoint at once: never make one before a fork. Raises RecognizerUnavailableError where the checkpoint
    is absent or is none of speech, or the language model cannot be used with it.
    """

    def __init__(self, options: Wav2Vec2Options) -> None:
        self._options = options
        folder = checkpoint_folder(options.model, options.cache_dir)
        try:
            self._checkpoint = Checkpoint.read(folder)
            self._alphabet = _alphabet(checkpoint_tokenizer(folder), n_labels=int(self._checkpoint.config.vocab_size))
            self._network = load_network(self._checkpoint, options.network)
            self._calibration_file = calibration_file(options.model, folder, options.cache_dir)
            self._calibrations = read_calibrations(self._calibration_file)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, ImportError, RuntimeError) as error:
            raise RecognizerUnavailableError(
                f"ASR_MODEL={options.model} cannot be loaded as a CTC speech model ({error}). Name the folder or hub "
                "id of one with its tokenizer, as facebook/wav2vec2-base-960h."
            ) from error
        self._language_model = load_language_model(
            options.language_model, cache_dir=options.cache_dir, checkpoint=folder
        )
        self._hotwords: tuple[str, ...] = ()
        self._search = BeamSearches(self._alphabet, self._language_model, options.decoder)
        self._callers = ThreadPoolExecutor(self._network.n_callers, thread_name_prefix="asr")

    @property
    def name(self) -> str:
        # A folder's whole path is the operator's business; names are shown to everybody.
        model = Path(self._options.model).name if Path(self._options.model).is_dir() else self._options.model
        return f"{model} with {self._language_model.title}" if self._language_model else model

    @property
    def languages(self) -> frozenset[str] | None:
        return frozenset({self._options.language}) if self._options.language else None

    @property
    def runtime(self) -> str:
        """What runs the network and how, for operators: `onnxruntime fp32`."""
        return self._network.runtime

    @property
    def batch_size(self) -> int:
        """See `TranscribesMany.batch_size`."""
        return self._network.n_waiting

    @property
    def max_sound_s(self) -> float:
        """See `TakesLongSounds.max_sound_s`."""
        return MAX_SOUND_S if self._can_be_chunked else 0.0

    @property
    def _can_be_chunked(self) -> bool:
        return self._checkpoint.takes_waveforms and self._checkpoint.stride > 0

    def transcribe(self, samples: NDArray[np.float32]) -> list[Word]:
        """See `Recognizer.transcribe`."""
        voiced = _voiced(samples)
        return self._words(samples, voiced, self.log_probs(samples)) if voiced.any() else []

    def transcribe_many(self, sounds: Sequence[NDArray[np.float32]]) -> list[list[Word]]:
        """See `TranscribesMany.transcribe_many`."""
        voiced = list(self._callers.map(_voiced, sounds))
        spoken = [index for index, windows in enumerate(voiced) if windows.any()]
        inputs = dict(zip(spoken, self._callers.map(self._inputs, [sounds[index] for index in spoken]), strict=True))

        def hear(batch: list[int]) -> list[list[Word]]:
            log_probs = self._said([inputs[index] for index in batch])
            return [self._words(sounds[i], voiced[i], said) for i, said in zip(batch, log_probs, strict=True)]

        grouped = batches(
            [len(inputs[index]) for index in spoken],
            batch_size=self._network.batch_size,
            may_pad=self._network.may_pad,
        )
        heard: list[list[Word]] = [[] for _ in sounds]
        together = [[spoken[position] for position in group] for group in grouped]
        for batch, words in zip(together, self._callers.map(hear, together), strict=True):
            for index, own in zip(batch, words, strict=True):
                heard[index] = own
        return heard

    def choose_hotwords(self, texts: Sequence[str]) -> tuple[str, ...]:
        """See `TakesHotwords.choose_hotwords`."""
        normalizer = Normalizer(self._alphabet.letters)
        return choose_hotwords(texts, normalizer, self._language_model, self._options.hotwords)

    def with_hotwords(self, hotwords: Sequence[str]) -> Self:
        """See `TakesHotwords.with_hotwords`."""
        other = copy.copy(self)
        other._hotwords = tuple(hotwords)[: self._options.hotwords.max_words]
        return other

    def with_language_model(self, language_model: str, decoder: DecoderOptions | None = None) -> Self:
        """The same network with another language model ("none": greedy) and without hotwords; the original stays.

        Raises RecognizerUnavailableError.
        """
        other = copy.copy(self)
        folder = checkpoint_folder(self._options.model, self._options.cache_dir)
        other._language_model = load_language_model(
            language_model, cache_dir=self._options.cache_dir, checkpoint=folder
        )
        other._search = BeamSearches(self._alphabet, other._language_model, decoder or self._options.decoder)
        other._hotwords = ()
        return other

    @property
    def calibration(self) -> Calibration | None:
        """See `IsCalibrated.calibration`."""
        return self._calibrations.get(WITH_LANGUAGE_MODEL if self._language_model else GREEDY)

    @property
    def calibration_file(self) -> Path:
        """See `IsCalibrated.calibration_file`."""
        return self._calibration_file

    @property
    def spells_bare_words(self) -> bool:
        """See `SpellsBareWords`: where the alphabet has small letters or capitals alone, and no full stop."""
        letters = self._alphabet.letters
        return case_of(sorted(letters)) != "mixed" and letters.isdisjoint(SENTENCE_MARKS)

    @property
    def has_language_model(self) -> bool:
        return self._language_model is not None

    def log_probs(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """What the network says of each frame: float32 `(n_frames, n_labels)`, each row a log-softmax."""
        return self._said([self._inputs(samples)])[0]

    def _inputs(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        return self._checkpoint.prepared(samples)

    def _said(self, inputs: Sequence[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        """The log-probs of each input; of those that are longer than a chunk, chunk by chunk."""
        longest = max(map(len, inputs))
        if not self._can_be_chunked or longest <= self._options.chunk_s * SAMPLE_RATE:
            return self._network.log_probs(inputs)
        said = []
        for values in inputs:
            cut = chunks(
                len(values), chunk_s=self._options.chunk_s, context_s=CONTEXT_S, stride=self._checkpoint.stride
            )
            parts = [self._network.log_probs([values[each.start : each.stop]])[0] for each in cut]
            said.append(joined(parts, cut))
        return said

    def _words(
        self, samples: NDArray[np.float32], voiced: NDArray[np.bool_], log_probs: NDArray[np.float32]
    ) -> list[Word]:
        frame_s = self._frame_s(len(samples), len(log_probs))
        if self._language_model is None and not self._hotwords:
            words = greedy_words(log_probs, self._alphabet, frame_s=frame_s)
        else:
            words = self._search.words(log_probs, frame_s=frame_s, hotwords=self._hotwords)
        return in_order(in_speech(words, voiced, VOICED_MARGIN_S), len(samples) / SAMPLE_RATE)

    def _frame_s(self, n_samples: int, n_frames: int) -> float:
        """How far frames lie apart: the product of the strides, where the configuration knows all of them."""
        stride: float = self._checkpoint.stride
        if n_frames and abs(stride * n_frames - n_samples) > max(2 * stride, 0.1 * n_samples):
            stride = n_samples / n_frames  # an adapter behind the network has strides of its own
        return stride / SAMPLE_RATE


def _voiced(samples: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which windows of 32 ms hold speech: `(n_windows,)`; none where the sound is too short for a word."""
    if len(samples) < MIN_SAMPLES:
        return np.zeros(0, dtype=np.bool_)
    return VoiceActivity().probabilities(samples) >= VOICED_PROBABILITY


def checkpoint_folder(model: str, cache_dir: Path | None) -> Path:
    """The folder of a checkpoint that is on this machine: `model` itself, or what was downloaded of the hub id.

    Raises RecognizerUnavailableError where there is none.
    """
    folder = folder_of(model, cache_dir)
    if folder is None:
        raise RecognizerUnavailableError(
            f"ASR_MODEL={model} is neither a folder nor a checkpoint that was downloaded to {cache_dir}: "
            "run `python manage.py fetch_models`, or set ASR_MODEL to a folder that holds a checkpoint."
        )
    return folder


def checkpoint_tokenizer(folder: Path) -> Any:
    """The tokenizer of a checkpoint's folder. Raises RecognizerUnavailableError."""
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RecognizerUnavailableError(f"{folder} holds no CTC checkpoint's tokenizer ({error}).") from error


def checkpoint_alphabet(folder: Path) -> Alphabet:
    """What the columns of a checkpoint's output stand for, without loading its network.

    Raises RecognizerUnavailableError.
    """
    try:
        n_labels = int(json.loads((folder / "config.json").read_text(encoding="utf-8"))["vocab_size"])
        return _alphabet(checkpoint_tokenizer(folder), n_labels=n_labels)
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise RecognizerUnavailableError(f"{folder} holds no CTC checkpoint ({error}).") from error


def _alphabet(tokenizer: Any, *, n_labels: int) -> Alphabet:
    special = frozenset(tokenizer.all_special_tokens)
    # Published tokenizers often number <s> and </s> behind the network's last output, which never says them.
    vocabulary = {
        token: token_id
        for token, token_id in tokenizer.get_vocab().items()
        if token_id < n_labels or token not in special
    }
    delimiter = getattr(tokenizer, "word_delimiter_token", None)
    return Alphabet.from_vocabulary(
        vocabulary, blank=tokenizer.pad_token, delimiter=delimiter, silent=special - {delimiter}, n_labels=n_labels
    )
