"""Written text -> the labels that a CTC network learns to say, and tokenizers for networks that have none yet."""

import json
import tempfile
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.transcription.asr.decoder import Alphabet, best_path
from apps.transcription.asr.normalization import ENGLISH_LETTERS, Normalizer
from apps.transcription.asr.recognizers.wav2vec2 import checkpoint_alphabet

SPECIAL = ("<pad>", "<s>", "</s>", "<unk>")  # in the order of facebook/wav2vec2-base-960h; <pad> is the blank
DELIMITER = "|"


class SpellingError(Exception):
    """A text cannot be written with the labels. The message says what stands in the way."""


def letters_of(texts: Iterable[str]) -> frozenset[str]:
    """The letters, small, and apostrophes that `texts` are written in."""
    characters = set(unicodedata.normalize("NFC", " ".join(texts)).lower())
    return frozenset(char for char in characters if char.isalpha() or char == "'")


def make_tokenizer(letters: frozenset[str] = ENGLISH_LETTERS) -> Any:
    """A `Wav2Vec2CTCTokenizer` with a label for each letter."""
    from transformers import Wav2Vec2CTCTokenizer

    tokens = (*SPECIAL, DELIMITER, *sorted(letters))
    with tempfile.TemporaryDirectory() as folder:
        vocabulary = Path(folder) / "vocab.json"
        vocabulary.write_text(json.dumps({token: index for index, token in enumerate(tokens)}), encoding="utf-8")
        return Wav2Vec2CTCTokenizer(str(vocabulary))


@dataclass(frozen=True)
class Speller:
    """Text in, label ids out."""

    alphabet: Alphabet

    @classmethod
    def of(cls, checkpoint: Path) -> "Speller":
        """For the labels of a checkpoint. Raises SpellingError where they are not letters."""
        speller = cls(checkpoint_alphabet(checkpoint))
        if any(len(label) > 1 for label in speller._spelling_labels()):
            raise SpellingError(
                "The checkpoint's tokenizer has labels of several letters, and only single ones can be trained: "
                "give --alphabet to train new ones."
            )
        return speller

    @property
    def normalizer(self) -> Normalizer:
        return Normalizer(self.alphabet.letters)

    def sentence(self, text: str) -> str:
        """`text` as the labels write it, its words parted by a space. Raises SpellingError."""
        if unspelled := self.normalizer.unspelled(text):
            raise SpellingError(f"{', '.join(unspelled)} cannot be spelled with {self._shown()}")
        words = self.normalizer.words(text)
        if not words:
            raise SpellingError("there is no word in it")
        return " ".join(words)

    def label_ids(self, sentence: str) -> list[int]:
        """The labels of a sentence that `sentence` returned."""
        ids = {label: index for index, label in enumerate(self.alphabet.labels) if label}
        delimiter = self.alphabet.delimiter_id
        spelled = [delimiter if char == " " else ids[char] for char in sentence]
        return [label_id for label_id in spelled if label_id is not None]

    def greedy(self, log_probs: NDArray[np.float32]) -> str:
        """The sentence of the most probable path of log-probs float32 `(n_frames, n_labels)`."""
        alphabet = self.alphabet
        read = [token.label_id for token in best_path(log_probs, alphabet) if token.label_id not in alphabet.silent_ids]
        spelled = "".join(" " if label_id == alphabet.delimiter_id else alphabet.labels[label_id] for label_id in read)
        return " ".join(spelled.split())

    def _spelling_labels(self) -> list[str]:
        unread = {*self.alphabet.silent_ids, self.alphabet.blank_id, self.alphabet.delimiter_id}
        return [label for index, label in enumerate(self.alphabet.labels) if index not in unread]

    def _shown(self) -> str:
        return "".join(sorted(self.alphabet.letters))


def n_frames_needed(label_ids: Sequence[int]) -> int:
    """How many frames CTC needs at least: one a label, and a blank between equal neighbours."""
    return len(label_ids) + sum(a == b for a, b in pairwise(label_ids))
