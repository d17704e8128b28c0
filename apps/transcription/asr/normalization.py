"""Written text -> the words that a recogniser could spell, for language models and for counting errors."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

LetterCase = Literal["lower", "upper", "mixed"]

ENGLISH_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz'")
# What is written in several ways and said in one.
SAME = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "`": "'", "´": "'", "–": "-", "—": "-", "‐": "-", "‑": "-"})
QUOTED = re.compile(r"(?<!\w)'+|'+(?!\w)")  # a mark of quotation, not one inside a word
IN_BRACKETS = re.compile(r"\([^()]*\)|\[[^][]*\]")  # "(Applause)": written, not said


def case_of(texts: Iterable[str]) -> LetterCase:
    """The case in which all of `texts` are written; "lower" where they have none."""
    joined = "".join(texts)
    if joined == joined.lower():
        return "lower"
    return "upper" if joined == joined.upper() else "mixed"


def in_case(text: str, case: LetterCase) -> str:
    if case == "mixed":
        return text
    return text.lower() if case == "lower" else text.upper()


@dataclass(frozen=True)
class Normalizer:
    """Writes text in `letters` alone, as the labels of a CTC network do.

    Letters with marks that the network does not know lose their marks ("Gutiérrez" -> "gutierrez"); marks of
    punctuation part words or vanish. A word that holds what still cannot be spelled, as a number in digits does, cannot
    be heard as it is written: the text is cut there, so that the words around it do not become neighbours.
    """

    letters: frozenset[str] = ENGLISH_LETTERS

    @property
    def case(self) -> LetterCase:
        return case_of(sorted(self.letters))

    def runs(self, text: str) -> Iterator[list[str]]:
        """The stretches of words, without gaps, that can be spelled."""
        run: list[str] = []
        for written in self._plain(text).split():
            word = self._spelled(written)
            if word is None:
                if run:
                    yield run
                run = []
            elif word:
                run.append(word)
        if run:
            yield run

    def words(self, text: str) -> list[str]:
        """All words that can be spelled."""
        return [word for run in self.runs(text) for word in run]

    def unspelled(self, text: str) -> list[str]:
        """The words that cannot be spelled."""
        return [written for written in self._plain(text).split() if self._spelled(written) is None]

    def _plain(self, text: str) -> str:
        text = in_case(unicodedata.normalize("NFC", IN_BRACKETS.sub(" ", text)).translate(SAME), self.case)
        if "'" in text and "'" in self.letters:
            text = QUOTED.sub(" ", text)
        return "".join(char if char in self.letters or char.isalnum() else " " for char in self._without_marks(text))

    def _without_marks(self, text: str) -> str:
        if all(char in self.letters or char.isascii() for char in text):
            return text
        return "".join(
            char
            if char in self.letters or char.isascii()
            else "".join(part for part in unicodedata.normalize("NFKD", char) if not unicodedata.combining(part))
            for char in text
        )

    def _spelled(self, word: str) -> str | None:
        """The word; empty where nothing of it is left; None where it cannot be spelled."""
        if not any(char.isalnum() for char in word):
            return ""
        return word if self.letters.issuperset(word) else None
