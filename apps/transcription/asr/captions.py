"""Words -> captions."""

from collections.abc import Sequence
from dataclasses import dataclass

from apps.transcription.asr.words import Word


@dataclass(frozen=True, slots=True)
class CaptionWord:
    """A word of a caption; times in ms from the start of the file, `confidence` in [0, 1]."""

    text: str
    start_ms: int
    end_ms: int
    confidence: float


@dataclass(frozen=True, slots=True)
class Caption:
    """What is shown from `start_ms` to `end_ms`: one or two lines, separated by a newline.

    `words` is empty where nobody timed them; `confidence` is the mean over the words, None where there are none.
    """

    start_ms: int
    end_ms: int
    text: str
    words: tuple[CaptionWord, ...] = ()
    confidence: float | None = None


@dataclass(frozen=True)
class CaptionOptions:
    max_lines: int = 2


def captions_from_words(words: Sequence[Word], options: CaptionOptions, *, limit_ms: int | None = None) -> list[Caption]:
    raise NotImplementedError
