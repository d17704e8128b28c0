"""A file -> captions, a stretch of speech at a time."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from apps.transcription.asr.captions import Caption, CaptionOptions
from apps.transcription.asr.recognizers.base import Recognizer


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of the file that is recognised, or that holds no speech (then without captions).

    Stretches follow each other without gap or overlap of their captions. `position_ms` is the cursor: all sound before
    it is dealt with, and `transcribe_file(..., start_ms=position_ms)` goes on exactly there.
    """

    start_ms: int
    end_ms: int
    captions: tuple[Caption, ...]
    position_ms: int


@dataclass(frozen=True)
class TranscribeOptions:
    captions: CaptionOptions = field(default_factory=CaptionOptions)


def transcribe_file(
    path: Path, recognizer: Recognizer, options: TranscribeOptions, *, start_ms: int = 0
) -> Iterator[Segment]:
    raise NotImplementedError
