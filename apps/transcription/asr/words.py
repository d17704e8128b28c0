"""What a recogniser hears: words with their times."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Word:
    """One word as it is to be read: with its punctuation, without spaces around it.

    Times are in seconds from the start of what was given to the recogniser; `confidence` is in [0, 1].
    """

    text: str
    start_s: float
    end_s: float
    confidence: float


def shifted(words: list[Word], by_s: float) -> list[Word]:
    """The words with their times moved `by_s` seconds later."""
    return [Word(word.text, word.start_s + by_s, word.end_s + by_s, word.confidence) for word in words]
