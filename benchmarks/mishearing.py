"""What a recogniser makes of words. Errors are drawn with a seed.

Of ten errors, six are another word, which mostly sounds alike, two are words lost, and two are words too many.
"""

from __future__ import annotations

import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import accumulate

_SUBSTITUTIONS, _DELETIONS = 0.6, 0.2  # of the errors; the rest are insertions
_SOUNDS_ALIKE = 0.7  # of the substitutions
_SOUNDS = str.maketrans("bfpvcgjkqsxzdtlmnr", "111122222222334556", "aeiouyhw")  # Soundex's classes of consonants
_LETTERS = re.compile(r"[a-z]+")


class Mishearing:
    """Errors over the vocabulary of some texts."""

    def __init__(self, texts: Iterable[str], seed: int = 7) -> None:
        self._seed = seed
        counts = Counter(word for text in texts for word in _LETTERS.findall(text.lower()))
        self._words, self._summed = list(counts), list(accumulate(counts.values()))
        self._alike: dict[str, list[str]] = defaultdict(list)
        for word in counts:
            self._alike[_sound(word)].append(word)

    def heard(self, text: str, rate: float, key: str) -> str:
        """`text` with `rate` errors a word; of another rate or `key`, other ones."""
        chance = random.Random(f"{self._seed} {key} {rate}")
        said: list[str] = []
        for word in text.split():
            kind = chance.random() / rate if rate else 1.0
            if kind >= 1:
                said.append(word)
            elif kind < _SUBSTITUTIONS:
                said.append(self._another(word, chance))
            elif kind >= _SUBSTITUTIONS + _DELETIONS:
                said += [word, self._any(chance)]
        return " ".join(said)

    def _another(self, word: str, chance: random.Random) -> str:
        bare = "".join(_LETTERS.findall(word.lower()))
        alike = [one for one in self._alike.get(_sound(bare), []) if one != bare]
        return chance.choice(alike) if alike and chance.random() < _SOUNDS_ALIKE else self._any(chance)

    def _any(self, chance: random.Random) -> str:
        word: str = chance.choices(self._words, cum_weights=self._summed)[0]
        return word


def _sound(word: str) -> str:
    """Its first letter, and the classes of the consonants after it, each of a run once (Russell's Soundex)."""
    classes = re.sub(r"(.)\1+", r"\1", word[1:].translate(_SOUNDS))
    return word[:1] + classes[:3]
