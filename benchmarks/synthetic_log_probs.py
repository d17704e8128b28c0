"""Log-probs as a CTC network might give of a sentence: seeded, with known words, word times and noise."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LABELS = ("", " ", *"etaonihsrdlumwcfgypbvkxjqz'")  # the blank, the delimiter, letters
FRAME_S = 0.02
# What a network takes for what: letters that are said alike.
ALIKE = {
    "a": "eo", "b": "pd", "c": "ks", "d": "tb", "e": "ia", "f": "vp", "g": "kj", "h": "f", "i": "ey", "j": "g",
    "k": "cg", "l": "r", "m": "n", "n": "m", "o": "au", "p": "bt", "q": "k", "r": "l", "s": "zc", "t": "dp",
    "u": "oa", "v": "fb", "w": "u", "x": "s", "y": "i", "z": "s", "'": "", " ": "",
}  # fmt: skip


@dataclass(frozen=True)
class Noise:
    """`confusion` is how often another letter is the most probable one, `slip` how often a letter is swallowed."""

    name: str
    confusion: float
    slip: float
    spread: float  # standard deviation of the logits of all other labels


MILD = Noise("mild", confusion=0.04, slip=0.01, spread=1.0)
STRONG = Noise("strong", confusion=0.18, slip=0.04, spread=2.0)


@dataclass(frozen=True)
class Spoken:
    """A sentence, its log-probs float32 `(n_frames, n_labels)`, and the frames `[start, end)` of its words."""

    words: tuple[str, ...]
    log_probs: NDArray[np.float32]
    frames: tuple[tuple[int, int], ...]


def spoken(sentence: str, noise: Noise, random: np.random.Generator) -> Spoken:
    """`sentence` in letters of LABELS, said at some 15 letters a second."""
    rows: list[NDArray[np.float64]] = []
    frames: list[tuple[int, int]] = []

    def add(label: str, n_frames: int, rival: str | None = None) -> None:
        for _ in range(n_frames):
            row = random.normal(0.0, noise.spread, len(LABELS))
            row[LABELS.index(label)] += 9.0
            if rival is not None:
                row[LABELS.index(rival)] += 9.0 + random.normal(0.3, 0.7)
            rows.append(row)

    words = sentence.split()
    add("", int(random.integers(3, 12)))
    for word in words:
        start = len(rows)
        for letter in word:
            if random.random() < noise.slip:
                add("", 1, letter)
                continue
            alike = ALIKE[letter]
            is_confused = alike and random.random() < noise.confusion
            rival = alike[int(random.integers(len(alike)))] if is_confused else None
            add(letter, int(random.integers(1, 3)), rival)
            end = len(rows)
            add("", int(random.integers(1, 3)))
        frames.append((start, end))
        add(" ", int(random.integers(1, 3)))
        add("", int(random.integers(0, 3)))
    logits = np.stack(rows)  # (n_frames, n_labels)
    log_probs = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    return Spoken(tuple(words), log_probs.astype(np.float32), tuple(frames))
