"""A file -> captions, a stretch of speech at a time."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from apps.transcription.asr.audio import stream_samples
from apps.transcription.asr.captions import Caption, CaptionOptions, captions_from_words
from apps.transcription.asr.recognizers.base import Recognizer
from apps.transcription.asr.segments import SegmentOptions, Stretch, stretches
from apps.transcription.asr.words import shifted


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
    """How the sound is cut, and how captions are made of its words."""

    segments: SegmentOptions = field(default_factory=SegmentOptions)
    captions: CaptionOptions = field(default_factory=CaptionOptions)


def transcribe_file(
    path: Path, recognizer: Recognizer, options: TranscribeOptions, *, start_ms: int = 0
) -> Iterator[Segment]:
    """What is said in the file from `start_ms` on, as it is recognised; times count from the file's start.

    Yields at least every 30 s of sound, so that progress can be shown, with `position_ms` at the end of the sound last.
    Cut off and called again with the last `position_ms`, it yields exactly what it would have yielded without. Holds
    some 30 s of sound at most, however long the file.

    Raises AudioDecodeError and NoAudioError.
    """
    for stretch in stretches(stream_samples(path, start_ms=start_ms), options.segments, start_ms=start_ms):
        captions = _captions(stretch, recognizer, options.captions) if stretch.is_speech else ()
        yield Segment(stretch.start_ms, stretch.end_ms, captions, stretch.position_ms)


def _captions(stretch: Stretch, recognizer: Recognizer, options: CaptionOptions) -> tuple[Caption, ...]:
    words = shifted(recognizer.transcribe(stretch.samples), stretch.start_ms / 1000)
    return tuple(captions_from_words(words, options, limit_ms=stretch.position_ms))
