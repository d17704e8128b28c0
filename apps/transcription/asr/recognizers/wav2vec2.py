"""Any CTC checkpoint that transformers can load: wav2vec2, HuBERT, WavLM, data2vec, from a folder or a model hub's id.

wav2vec2: Baevski et al., "wav2vec 2.0: A Framework for Self-Supervised Learning of Speech Representations" (2020).
"""

import copy
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from apps.transcription.asr.beam_search import BeamSearch, DecoderOptions
from apps.transcription.asr.calibration import Calibration, calibration_file, read_calibrations
from apps.transcription.asr.captions import SENTENCE_MARKS
from apps.transcription.asr.decoder import Alphabet, greedy_words
from apps.transcription.asr.downloads import folder_of
from apps.transcription.asr.hotwords import HotwordOptions, choose_hotwords
from apps.transcription.asr.language_model import load_language_model
from apps.transcription.asr.normalization import Normalizer, case_of
from apps.transcription.asr.recognizers.base import SAMPLE_RATE, RecognizerUnavailableError
from apps.transcription.asr.voice_activity import VoiceActivity, in_speech
from apps.transcription.asr.words import Word, in_order

GREEDY, WITH_LANGUAGE_MODEL = "greedy", "language model"  # how words are decoded, which their confidences depend on
MIN_SAMPLES = SAMPLE_RATE // 10  # less holds no word, and is shorter than what some networks can take
# A network that was trained on speech alone spells noise out, too: letters far from any speech are not believed.
VOICED_PROBABILITY = 0.2
VOICED_MARGIN_S = 0.5


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
    cpu_threads: int = 0  # 0: torch's own choice; else for all of torch in this process
    language_model: str = ""
    decoder: DecoderOptions = field(default_factory=DecoderOptions)
    hotwords: HotwordOptions = field(default_factory=HotwordOptions)


class Wav2Vec2Recognizer:
    """`Recognizer` by CTC, greedy or, with a language model or hotwords, by beam search. `TakesHotwords`.

    Loads the checkpoint at once: never make one before a fork. Raises RecognizerUnavailableError where the checkpoint
    is absent or is none of speech, or the language model cannot be used with it.
    """

    def __init__(self, options: Wav2Vec2Options) -> None:
        self._options = options
        folder = checkpoint_folder(options.model, options.cache_dir)
        self._device = _device(options.device)
        try:
            self._network, self._features, tokenizer = _load(folder)
            self._alphabet = _alphabet(tokenizer, n_labels=int(self._network.config.vocab_size))
            _check_features(self._features)
            self._calibration_file = calibration_file(options.model, folder, options.cache_dir)
            self._calibrations = read_calibrations(self._calibration_file)
        except (OSError, ValueError, KeyError, TypeError, ImportError, RuntimeError) as error:
            raise RecognizerUnavailableError(
                f"ASR_MODEL={options.model} cannot be loaded as a CTC speech model ({error}). Name the folder or hub "
                "id of one with its tokenizer, as facebook/wav2vec2-base-960h."
            ) from error
        self._language_model = load_language_model(
            options.language_model, cache_dir=options.cache_dir, checkpoint=folder
        )
        self._hotwords: tuple[str, ...] = ()
        self._search = BeamSearch(self._alphabet, self._language_model, options.decoder)
        if options.cpu_threads:
            import torch

            torch.set_num_threads(options.cpu_threads)
        self._network.to(self._device)

    @property
    def name(self) -> str:
        # A folder's whole path is the operator's business; names are shown to everybody.
        model = Path(self._options.model).name if Path(self._options.model).is_dir() else self._options.model
        return f"{model} with {self._language_model.title}" if self._language_model else model

    @property
    def languages(self) -> frozenset[str] | None:
        return frozenset({self._options.language}) if self._options.language else None

    def transcribe(self, samples: NDArray[np.float32]) -> list[Word]:
        """See `Recognizer.transcribe`."""
        if len(samples) < MIN_SAMPLES:
            return []
        voiced = VoiceActivity().probabilities(samples) >= VOICED_PROBABILITY
        if not voiced.any():
            return []
        log_probs = self.log_probs(samples)
        words = self._decoded(log_probs, self._frame_s(len(samples), len(log_probs)))
        words = in_speech(words, voiced, VOICED_MARGIN_S)
        return in_order(words, len(samples) / SAMPLE_RATE)

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
        other._search = BeamSearch(self._alphabet, other._language_model, decoder or self._options.decoder)
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

    def _decoded(self, log_probs: NDArray[np.float32], frame_s: float) -> list[Word]:
        if self._language_model is None and not self._hotwords:
            return greedy_words(log_probs, self._alphabet, frame_s=frame_s)
        return self._search.words(log_probs, frame_s=frame_s, hotwords=self._hotwords)

    def log_probs(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """What the network says of each frame: float32 `(n_frames, n_labels)`, each row a log-softmax."""
        import torch

        inputs = self._features(samples, sampling_rate=SAMPLE_RATE, return_tensors="pt")
        with torch.inference_mode():
            # One sound at a time, so there is no padding and no attention mask to give.
            key = self._features.model_input_names[0]
            logits = self._network(inputs[key].to(self._device)).logits[0]  # (n_frames, n_labels)
            log_probs: NDArray[np.float32] = torch.log_softmax(logits.float(), dim=-1).cpu().numpy()
        return log_probs

    def _frame_s(self, n_samples: int, n_frames: int) -> float:
        """How far frames lie apart: the product of the strides, where the configuration knows all of them."""
        stride = getattr(self._network.config, "inputs_to_logits_ratio", 0)
        if n_frames and abs(stride * n_frames - n_samples) > max(2 * stride, 0.1 * n_samples):
            stride = n_samples / n_frames  # an adapter behind the network has strides of its own
        return float(stride) / SAMPLE_RATE


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


def _device(wanted: str) -> str:
    import torch

    has_gpu = torch.cuda.is_available()
    if wanted == "cuda" and not has_gpu:
        raise RecognizerUnavailableError("ASR_DEVICE=cuda, but torch sees no GPU: set ASR_DEVICE=cpu or auto.")
    return "cuda" if has_gpu and wanted != "cpu" else "cpu"


def _load(folder: Path) -> tuple[Any, Any, Any]:
    """The network, what prepares its inputs, and its tokenizer.

    The last two are loaded by themselves, not as the processor: transformers' class for a processor with a language
    model is deprecated and wants two more libraries; `asr.language_model` reads what it saved.
    """
    from transformers import AutoFeatureExtractor, AutoModelForCTC, AutoTokenizer
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()  # workers write to logs
    features = AutoFeatureExtractor.from_pretrained(folder, local_files_only=True)
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    network = AutoModelForCTC.from_pretrained(folder, local_files_only=True)
    return network.eval(), features, tokenizer


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


def _check_features(features: Any) -> None:
    if features.sampling_rate != SAMPLE_RATE:
        raise ValueError(f"it wants sound of {features.sampling_rate} Hz, not {SAMPLE_RATE}")
