"""How many words are read right from lips: of all words, of each kind, and by how many more than another reader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.avsync.syncnet.accuracy import Rights, Share, gain, share
from apps.avsync.syncnet.words import SpokenWord
from apps.results.matrices import draw_matrix

ALL = "all"


@dataclass(frozen=True)
class Task:
    """`names` of all classes, in the order of their labels, and which of them are of which kind."""

    names: Sequence[str]
    kinds: Mapping[str, Sequence[str]]

    def classes(self, kind: str) -> NDArray[np.int64]:
        """Labels of the words of a kind that there are."""
        wanted = self.names if kind == ALL else self.kinds[kind]
        return np.array([label for label, name in enumerate(self.names) if name in wanted], np.int64)


def table(part: str, task: Task, words: Sequence[SpokenWord], logits: Mapping[str, NDArray[np.float32]]) -> list[Any]:
    """A row for each reader and kind, in per cent with 95 % intervals over clips.

    `right` is of the softmax over all words. `within_kind` asks for the likeliest among the words of the right kind:
    what is known where the grammar is.
    """
    rows = []
    for reader, of_reader in logits.items():
        for kind in (ALL, *task.kinds):
            of_kind = task.classes(kind)
            found = share(_rights(words, of_reader, of_kind))
            within = share(_rights(words, _only(of_reader, of_kind), of_kind))
            n_words = int(np.isin([word.label for word in words], of_kind).sum())
            facts = {"part": part, "reader": reader, "kind": kind, "classes": len(of_kind), "words": n_words}
            rows.append(facts | {"clips": found.n_clips} | _per_cent("right", found) | _per_cent("within_kind", within))
    return rows


def gains(
    part: str, task: Task, words: Sequence[SpokenWord], logits: Mapping[str, NDArray[np.float32]], *, over: str
) -> list[dict[str, Any]]:
    """By how many per cent of all words `over` reads more right than each other reader: paired bootstrap over clips."""
    every = task.classes(ALL)
    own = _rights(words, logits[over], every)
    return [
        {"part": part, "reader": over, "compared_with": reader}
        | _per_cent("gain", gain(own, _rights(words, of_reader, every)))
        for reader, of_reader in logits.items()
        if reader != over
    ]


def draw_confusion(
    title: str, task: Task, words: Sequence[SpokenWord], logits: NDArray[np.float32], path: Path
) -> None:
    """A row for each word that was spoken, a column for each that was read; shares of the row."""
    counts = np.zeros((len(task.names),) * 2)
    np.add.at(counts, ([word.label for word in words], logits.argmax(1)), 1)
    ends = np.cumsum([len(task.classes(kind)) for kind in task.kinds])
    draw_matrix(title, task.names, counts / np.maximum(1, counts.sum(1, keepdims=True)), path, groups=ends.tolist())


def _only(logits: NDArray[np.float32], classes: NDArray[np.int64]) -> NDArray[np.float32]:
    kept = np.full_like(logits, -np.inf)
    kept[:, classes] = logits[:, classes]
    return kept


def _rights(words: Sequence[SpokenWord], logits: NDArray[np.float32], classes: NDArray[np.int64]) -> Rights:
    """Of each clip that has words of these classes, whether each of them was read right."""
    of_clips: dict[Path, list[bool]] = {}
    for word, read in zip(words, logits.argmax(1), strict=True):
        if word.label in classes:
            of_clips.setdefault(word.example.clip.path, []).append(bool(word.label == read))
    return [np.array(each) for each in of_clips.values()]


def _per_cent(name: str, found: Share) -> dict[str, float]:
    values = {name: found.mean, f"{name}_low": found.low, f"{name}_high": found.high}
    return {key: round(100 * value, 2) for key, value in values.items()}
