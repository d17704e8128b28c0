"""CTC: what a network says of each frame -> words.

Graves et al., "Connectionist Temporal Classification" (2006), section 3: a path names one label or the blank per
frame; it reads as the labels that are left when repeats are merged and then blanks removed, so that "letter" keeps
both its t's where a blank lies between them. Greedy ("best path") decoding reads the most probable path.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.transcription.asr.words import Word

WORD_BEGIN = "▁"  # SentencePiece's mark at the beginning of a word


@dataclass(frozen=True)
class Alphabet:
    """What the columns of a CTC network's output stand for: `labels[i]` is the text of column i.

    `silent_ids` are columns that are never read (padding, <s>, <unk>).
    """

    labels: tuple[str, ...]
    blank_id: int
    delimiter_id: int | None
    silent_ids: frozenset[int] = frozenset()
    lowercase: bool = False  # the labels are capitals alone: text is to be read in small letters

    @property
    def letters(self) -> frozenset[str]:
        """Every character that its labels spell words with."""
        unread = {*self.silent_ids, self.blank_id, self.delimiter_id}
        spelled = "".join(label for index, label in enumerate(self.labels) if index not in unread)
        return frozenset(spelled.replace(WORD_BEGIN, "")) - frozenset(" \t\n")

    @classmethod
    def from_vocabulary(
        cls, vocabulary: Mapping[str, int], *, blank: str, delimiter: str | None, silent: frozenset[str], n_labels: int
    ) -> "Alphabet":
        """From a tokenizer's `{token: id}`. Raises ValueError where it does not fit a network of `n_labels` columns."""
        if blank not in vocabulary:
            raise ValueError(f"the vocabulary has no blank token {blank!r}")
        if max(vocabulary.values()) >= n_labels:
            raise ValueError(
                f"the vocabulary numbers {max(vocabulary.values()) + 1} tokens, and the network has {n_labels} outputs"
            )
        labels = [""] * n_labels
        for token, token_id in vocabulary.items():
            labels[token_id] = token
        silent_ids = frozenset(vocabulary[token] for token in silent if token in vocabulary)
        letters = "".join(label for index, label in enumerate(labels) if index not in silent_ids)
        return cls(
            labels=tuple(labels),
            blank_id=vocabulary[blank],
            delimiter_id=vocabulary.get(delimiter) if delimiter is not None else None,
            silent_ids=silent_ids - {vocabulary[blank]},
            lowercase=letters.upper() == letters and letters.lower() != letters,
        )


@dataclass(frozen=True, slots=True)
class Token:
    """A label on the frames `[start, end)` of the best path; `log_prob` is the highest among them."""

    label_id: int
    start: int
    end: int
    log_prob: float


def best_path(log_probs: NDArray[np.float32], alphabet: Alphabet) -> list[Token]:
    """The labels of the most probable path, of log-probs float32 `(n_frames, n_labels)`: repeats merged, no blanks."""
    if not len(log_probs):
        return []
    path = np.argmax(log_probs, axis=1)  # (n_frames,)
    starts = np.flatnonzero(np.concatenate([[True], path[1:] != path[:-1]]))
    ends = np.append(starts[1:], len(path))
    return [
        Token(int(path[start]), int(start), int(end), float(log_probs[start:end, path[start]].max()))
        for start, end in zip(starts, ends, strict=True)
        if path[start] != alphabet.blank_id
    ]


def greedy_words(log_probs: NDArray[np.float32], alphabet: Alphabet, *, frame_s: float) -> list[Word]:
    """The words of the most probable path, of log-probs float32 `(n_frames, n_labels)` with a frame each `frame_s`.

    A word lasts from its first token's first frame to its last token's last; its confidence is the geometric mean of
    its tokens' probabilities.
    """
    words: list[Word] = []
    spelled: list[tuple[str, Token]] = []

    def finish() -> None:
        text = "".join(piece for piece, _ in spelled)
        if text:
            tokens = [token for _, token in spelled]
            confidence = math.exp(min(0.0, sum(token.log_prob for token in tokens) / len(tokens)))
            cased = text.lower() if alphabet.lowercase else text
            words.append(Word(cased, tokens[0].start * frame_s, tokens[-1].end * frame_s, confidence))
        spelled.clear()

    for token in best_path(log_probs, alphabet):
        label = alphabet.labels[token.label_id]
        if token.label_id == alphabet.delimiter_id or label.isspace():
            finish()
        elif token.label_id not in alphabet.silent_ids:
            if label.startswith(WORD_BEGIN):
                finish()
            piece = "".join(label.replace(WORD_BEGIN, "").split())
            if piece:
                spelled.append((piece, token))
    finish()
    return words
