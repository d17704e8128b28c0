"""n-gram language models over words, as KenLM writes them (Heafield 2011): a folder of three files.

`<any>.bin`, `.binary` or `.arpa`; `unigrams.txt`, a word a line; `attrs.json`, the weights to be used with them.
A checkpoint that transformers' `Wav2Vec2ProcessorWithLM` saved carries such a folder as `language_model/`.
"""

import json
import math
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from apps.transcription.asr.downloads import folder_of
from apps.transcription.asr.normalization import LetterCase, case_of, in_case
from apps.transcription.asr.recognizers.base import RecognizerUnavailableError

CARRIED = "language_model"  # the folder inside a checkpoint
UNIGRAMS = "unigrams.txt"
ATTRIBUTES = "attrs.json"
MODEL_ENDINGS = (".bin", ".binary", ".arpa")
# What lies in the same folder where somebody unpacked network and language model together.
NETWORK_FILES = frozenset({"pytorch_model.bin", "model.bin", "training_args.bin", "optimizer.bin", "scheduler.bin"})
NO_LANGUAGE_MODEL = "none"
# Of a hub's repository, what a language model consists of; the network beside it is ASR_MODEL's business.
HUB_FILES = (f"{CARRIED}/*", UNIGRAMS, ATTRIBUTES, "*.arpa", "*.binary", "*gram*.bin", "*lm*.bin")


class LanguageModelUnavailableError(RecognizerUnavailableError):
    """The language model cannot be loaded. The message names the setting and says what to do."""


@dataclass(frozen=True)
class Weights:
    """What pyctcdecode calls a language model's attributes, with its defaults. Natural logarithms.

    A word adds `alpha * ln p(word | words before) + beta` to a beam's score, and `unknown_offset` where the model does
    not know it; `score_boundary` says whether an utterance is taken for a whole sentence.
    """

    alpha: float = 0.5
    beta: float = 1.5
    unknown_offset: float = -10.0
    score_boundary: bool = True


@dataclass(frozen=True)
class LanguageModel:
    """Where the model's file is, which words it knows (None: nobody wrote them down), and its weights."""

    name: str
    path: Path
    unigrams: tuple[str, ...] | None
    weights: Weights = field(default_factory=Weights)

    @property
    def title(self) -> str:
        """For everybody: not the whole path, which is the operator's business."""
        return Path(self.name).name if Path(self.name).expanduser().is_dir() else self.name

    @cached_property
    def case(self) -> LetterCase | None:
        """In which case its words are written; None where nobody wrote them down."""
        return case_of(self.unigrams) if self.unigrams else None

    def log10_probability(self, word: str) -> float:
        """log10 p(word) as the model has it without any context: -3 is a word in a thousand. Unknown words: -inf."""
        word = in_case(word, self.case or "mixed")
        if self._known is not None and word not in self._known:
            return -math.inf
        return self._score(word)

    @cached_property
    def _known(self) -> frozenset[str] | None:
        return frozenset(self.unigrams) if self.unigrams else None

    def _score(self, word: str) -> float:
        # The search adds ln p(word) to the score of the one path that spells `word` here, and nothing else: so KenLM's
        # figure can be had without KenLM's own Python package, which pip can only compile.
        labels, search = self._speller if self._known is not None else self._speller_of(frozenset(word))
        path = [column for char in word for column in (labels.index(char), 0)]
        log_probs = np.where(np.eye(len(labels))[path] > 0, 0.0, -30.0).astype(np.float32)
        _, _, _, acoustic, combined = search.decode_beams(log_probs, beam_width=1)[0]
        return float(combined - acoustic) / math.log(10)

    @cached_property
    def _speller(self) -> tuple[list[str], Any]:
        return self._speller_of(frozenset("".join(self._known or ())))

    def _speller_of(self, letters: frozenset[str]) -> tuple[list[str], Any]:
        from ctc_beam_decoder import BeamSearchDecoder

        labels = ["", *sorted(letters)]
        return labels, BeamSearchDecoder(
            labels, kenlm_model_path=self.path, alpha=1.0, beta=0.0, unk_score_offset=0.0, score_boundary=False
        )


def load_language_model(wanted: str, *, cache_dir: Path | None, checkpoint: Path | None) -> LanguageModel | None:
    """The language model that `wanted` names: a folder, a downloaded hub id, "none", or empty for what the folder
    `checkpoint` carries, if anything. Nothing here touches the network.

    Raises LanguageModelUnavailableError where a named one is absent or is none.
    """
    if wanted == NO_LANGUAGE_MODEL:
        return None
    if not wanted:
        if checkpoint is None or not (checkpoint / CARRIED).is_dir():
            return None
        return read_language_model(checkpoint / CARRIED, name="its language model")
    folder = _folder(wanted, cache_dir)
    return read_language_model(folder / CARRIED if (folder / CARRIED).is_dir() else folder, name=wanted)


def read_language_model(folder: Path, *, name: str) -> LanguageModel:
    """From a folder of the three files, of which only the model's own must be there.

    Raises LanguageModelUnavailableError.
    """
    model = _model_file(folder, name)
    try:
        words = (folder / UNIGRAMS).read_text(encoding="utf-8").split() if (folder / UNIGRAMS).exists() else []
        weights = _weights(json.loads((folder / ATTRIBUTES).read_text(encoding="utf-8"))) if (
            folder / ATTRIBUTES
        ).exists() else Weights()  # fmt: skip
        _try(model)
    except (OSError, ValueError, TypeError, AttributeError, RuntimeError) as error:
        raise LanguageModelUnavailableError(
            f"ASR_LANGUAGE_MODEL: {name} cannot be loaded as a KenLM language model ({error}). Make one with "
            "`python manage.py build_language_model`, or set ASR_LANGUAGE_MODEL=none to do without."
        ) from error
    return LanguageModel(name, model, tuple(dict.fromkeys(words)) or _words_of_arpa(model), weights)


def _folder(wanted: str, cache_dir: Path | None) -> Path:
    folder = folder_of(wanted, cache_dir)
    if folder is None:
        raise LanguageModelUnavailableError(
            f"ASR_LANGUAGE_MODEL={wanted} is neither a folder nor a language model that was downloaded to {cache_dir}: "
            "run `python manage.py fetch_models`, make one with `python manage.py build_language_model`, or set "
            "ASR_LANGUAGE_MODEL=none to do without."
        )
    return folder


def _model_file(folder: Path, name: str) -> Path:
    found = sorted(
        path
        for path in folder.iterdir()
        if path.suffix in MODEL_ENDINGS and path.name not in NETWORK_FILES and not path.name.startswith(".")
    )
    if len(found) != 1:
        held = ", ".join(path.name for path in found) or "none"
        raise LanguageModelUnavailableError(
            f"ASR_LANGUAGE_MODEL: {name} must hold one KenLM file (*{', *'.join(MODEL_ENDINGS)}) and holds {held}: "
            "name a folder that `python manage.py build_language_model` wrote, or set ASR_LANGUAGE_MODEL=none."
        )
    return found[0]


def _weights(attributes: dict[str, Any]) -> Weights:
    default = Weights()
    return Weights(
        alpha=float(attributes.get("alpha", default.alpha)),
        beta=float(attributes.get("beta", default.beta)),
        unknown_offset=float(attributes.get("unk_score_offset", default.unknown_offset)),
        score_boundary=bool(attributes.get("score_boundary", default.score_boundary)),
    )


def _try(model: Path) -> None:
    """Opens it once: what is no model is told at start, not in the middle of a talk."""
    from ctc_beam_decoder import BeamSearchDecoder

    BeamSearchDecoder(["", "a", " "], kenlm_model_path=model, unigrams=[])


def _words_of_arpa(model: Path) -> tuple[str, ...] | None:
    """The vocabulary of a model in text form; a binary one keeps only hashes of its words."""
    if model.suffix != ".arpa":
        return None
    words: list[str] = []
    with model.open(encoding="utf-8") as lines:
        for line in lines:
            if line.startswith(("\\2-grams:", "\\end\\")):
                break
            parts = line.rstrip("\n").split("\t")
            if len(parts) >= 2 and not parts[1].startswith("<"):
                words.append(parts[1])
    return tuple(words)
