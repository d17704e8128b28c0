"""Bare words, as a CTC network spells them -> text for reading: where sentences end, and capitals.

Nothing is invented: words keep their times, their confidence and their order, and numbers stay as they were said. A
sentence ends where a punctuation model says so, or, without one, at a pause that is longer than those inside sentences.
Names are written as the video's title, tags and description write them.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

from apps.transcription.asr.captions import NO_BREAK_AFTER, ends_sentence
from apps.transcription.asr.words import Word

WordCase = Literal["small", "capital", "capitals"]


@dataclass(frozen=True, slots=True)
class Marked:
    """What stands behind a word ("" or a mark) and how it is written; `case` is None where the model does not say."""

    mark: str
    case: WordCase | None


class Punctuator(Protocol):
    """A model of where marks stand in a text of bare words."""

    def punctuate(self, words: Sequence[str]) -> list[Marked]:
        """One for each of `words`, which are small letters without marks; of any number."""


@dataclass(frozen=True)
class ReadingOptions:
    """When a pause ends a sentence. Found by reading: a full stop too many disturbs more than one that is missing."""

    sentence_pause_s: float = 0.8
    min_sentence_words: int = 3


@dataclass(frozen=True)
class Reader:
    """Writes the words of one language. `names` are written forms by `name_key`."""

    language: str | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    punctuator: Punctuator | None = None
    options: ReadingOptions = field(default_factory=ReadingOptions)

    def read(self, words: Sequence[Word], *, before: str = "", silence_s: float = 0.0) -> list[Word]:
        """The words of a stretch as they are to be read. After the last of them nobody speaks for `silence_s`.

        `before` is the text of the caption before, as this wrote it; empty at the beginning. So a stretch is read as
        soon as it is recognised, and reads the same whether or not the run was interrupted before it.
        """
        if self.punctuator is not None:
            marked = self._by_model(self.punctuator, words, before)
        else:
            marked = self._by_pauses(words, before, silence_s)
        read: list[Word] = []
        begins = not before or ends_sentence(before)
        for word, its in zip(words, marked, strict=True):
            text = self._written(word.text, its.case, begins=begins) + its.mark
            read.append(replace(word, text=text))
            begins = ends_sentence(text)
        return read

    def _by_model(self, punctuator: Punctuator, words: Sequence[Word], before: str) -> list[Marked]:
        context = [bare for bare in map(_bare, before.split()) if bare]
        return punctuator.punctuate([*context, *(word.text for word in words)])[len(context) :]

    def _by_pauses(self, words: Sequence[Word], before: str, silence_s: float) -> list[Marked]:
        n_words = 0 if not before or ends_sentence(before) else self.options.min_sentence_words
        marked = []
        for index, word in enumerate(words):
            n_words += 1
            pause_s = words[index + 1].start_s - word.end_s if index + 1 < len(words) else silence_s
            ends = (
                pause_s >= self.options.sentence_pause_s
                and n_words >= self.options.min_sentence_words
                and word.text.lower() not in NO_BREAK_AFTER
                and _has_case(word.text)  # other scripts have marks of their own
            )
            marked.append(Marked("." if ends else "", None))
            n_words = 0 if ends else n_words
        return marked

    def _written(self, text: str, case: WordCase | None, *, begins: bool) -> str:
        stem, ending = (text[:-2], text[-2:]) if text.endswith("'s") else (text, "")
        if name := self.names.get(name_key(text)) or (ending and self.names.get(name_key(stem))):
            text = name if name_key(name) == name_key(text) else name + ending
        elif case == "capitals":
            text = text.upper()
        elif case == "capital" or (self.language == "en" and text.partition("'")[0] == "i"):
            text = self._capital(text)
        return self._capital(text) if begins and text.islower() else text

    def _capital(self, text: str) -> str:
        first = "İ" if self.language in ("tr", "az") and text[:1] == "i" else text[:1].upper()
        return first + text[1:]


def name_key(text: str) -> str:
    """What a name and the bare word that is heard of it have in common: small letters without marks or accents."""
    parts = unicodedata.normalize("NFKD", text.casefold().replace("’", "'"))
    return "".join(char for char in parts if char.isalnum() or char == "'").strip("'")


def _bare(text: str) -> str:
    return "".join(char for char in text.lower() if char.isalnum() or char in "'’-").strip("'’-")


def _has_case(text: str) -> bool:
    return text[-1:].lower() != text[-1:].upper()
