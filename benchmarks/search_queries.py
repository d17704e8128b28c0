"""What is asked, by kind: drawn from the corpus, so that all but words with a typo are there."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Mapping

KINDS = ("rare", "common", "words", "phrase", "prefix", "typo")
_WORD = re.compile(r"[a-z]{3,}")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def queries(texts: list[str], said: list[str], per_kind: int, seed: int = 11) -> dict[str, list[str]]:
    """`per_kind` of each, from `said`, which is in every index, with the frequencies of all texts:

    - rare: a word that the texts have three times at most
    - common: one or two of the fifty most frequent words
    - words: three words of a sentence, as they come
    - phrase: three words that follow one another, in quotes
    - prefix: the first two to four letters of a word, as they are typed
    - typo: a word of five letters and more that is said again and again, with a letter wrong, too many or missing, or
      two swapped
    """
    chance = random.Random(seed)
    counts = Counter(word for text in texts for word in _WORD.findall(text.lower()))
    split = [words for text in said if len(words := _WORD.findall(text.lower())) >= 6]
    here = Counter(word for words in split for word in words)
    rare = sorted(word for word in here if counts[word] <= 3 and len(word) >= 5)
    common = [word for word, _ in counts.most_common(50)]
    spelled = sorted(word for word, count in here.items() if count >= 3 and len(word) >= 5)
    asked: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for _ in range(per_kind):
        words = chance.choice(split)
        asked["rare"].append(chance.choice(rare))
        asked["common"].append(" ".join(chance.sample(common, chance.choice((1, 2)))))
        asked["words"].append(" ".join(sorted(chance.sample(words, 3), key=words.index)))
        asked["phrase"].append(f'"{" ".join(_phrase(chance, said))}"')
        asked["prefix"].append(chance.choice(words)[: chance.choice((2, 3, 4))])
        asked["typo"].append(_with_typo(chance, spelled, counts))
    return asked


def _phrase(chance: random.Random, texts: list[str]) -> list[str]:
    while True:
        words = chance.choice(texts).split()
        if len(words) >= 5:
            first = chance.randrange(len(words) - 3)
            found = words[first : first + 3]
            if all(word.isalpha() for word in found):
                return found


def _with_typo(chance: random.Random, words: list[str], known: Mapping[str, int]) -> str:
    while True:
        word = chance.choice(words)
        place = chance.randrange(1, len(word))
        kinds = (
            word[:place] + word[place + 1 :],
            word[:place] + chance.choice(_LETTERS) + word[place:],
            word[:place] + chance.choice(_LETTERS) + word[place + 1 :],
            word[: place - 1] + word[place] + word[place - 1] + word[place + 1 :],
        )
        wrong = chance.choice(kinds)
        if wrong not in known:
            return wrong
