"""A file -> captions, a stretch of speech at a time."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from apps.media.audio import stream_samples
from apps.transcription.asr.ahead import ahead
from apps.transcription.asr.captions import Caption, CaptionOptions, captions_from_words
from apps.transcription.asr.reading import Reader
from apps.transcription.asr.recognizers.base import (
    MAX_SOUND_S,
    Recognizer,
    batch_size_of,
    max_sound_s,
    transcribe_all,
)
from apps.transcription.asr.segments import SegmentOptions, Stretch, stretches
from apps.transcription.asr.words import shifted

BATCHES_AHEAD = 2  # of stretches that are cut while a batch is recognised: the recogniser never waits for sound


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
    max_batch_s: float = 1800.0  # of sound between two moments at which captions appear


def transcribe_file(
    path: Path,
    recognizer: Recognizer,
    options: TranscribeOptions,
    *,
    reader: Reader | None = None,
    start_ms: int = 0,
    said_before: str = "",
) -> Iterator[Segment]:
    """What is said in the file from `start_ms` on, as it is recognised; times count from the file's start.

    The first stretch of speech is recognised by itself, so that its captions come early; then as many at once as the
    recogniser likes. Yields them one by one, with `position_ms` at the end of the sound last. Cut off and called again
    with the last `position_ms`, it yields exactly what it would have yielded without. Decoding and the search for
    speech run ahead on a thread of their own. Holds a few batches of sound, however long the file.

    With a `reader`, words are written for reading, a stretch at a time; `said_before` is the text of the last caption
    before `start_ms`, by which it knows whether a sentence goes on.

    Raises AudioDecodeError and NoAudioError.
    """
    batch_size = batch_size_of(recognizer)
    segments = replace(options.segments, patience_s=max_sound_s(recognizer) - MAX_SOUND_S)
    cut = _with_silence(stretches(stream_samples(path, start_ms=start_ms), segments, start_ms=start_ms))
    with ahead(cut, BATCHES_AHEAD * batch_size) as waiting:
        for batch in _batches(waiting, batch_size, options.max_batch_s):
            sounds = [stretch.samples for stretch in batch if stretch.is_speech]
            words = iter(transcribe_all(recognizer, sounds))
            for stretch in batch:
                heard = shifted(next(words), stretch.start_ms / 1000) if stretch.is_speech else []
                if reader is not None and heard:
                    silence_s = stretch.quiet_until_ms / 1000 - heard[-1].end_s
                    heard = reader.read(heard, before=said_before, silence_s=silence_s)
                captions = tuple(captions_from_words(heard, options.captions, limit_ms=stretch.position_ms))
                said_before = captions[-1].text if captions else said_before
                yield Segment(stretch.start_ms, stretch.end_ms, captions, stretch.position_ms)


def _with_silence(cut: Iterator[Stretch]) -> Iterator[Stretch]:
    """The stretches, each as soon as the next one tells until when nobody speaks."""
    before: Stretch | None = None
    for stretch in cut:
        if before is not None:
            yield replace(before, quiet_until_ms=stretch.start_ms if stretch.is_speech else stretch.end_ms)
        before = stretch
    if before is not None:
        yield replace(before, quiet_until_ms=before.position_ms)


def _batches(cut: Iterator[Stretch], batch_size: int, max_batch_s: float) -> Iterator[list[Stretch]]:
    """The stretches in lists to be recognised at once: first a single stretch of speech, then `batch_size`.

    A list ends early where it would hold more than `max_batch_s` of sound. Silence before speech comes by itself.
    """
    batch: list[Stretch] = []
    n_speech, wanted = 0, 1
    for stretch in cut:
        batch.append(stretch)
        n_speech += stretch.is_speech
        is_long = stretch.position_ms - batch[0].start_ms >= 1000 * max_batch_s
        if not n_speech or n_speech >= wanted or is_long:
            yield batch
            wanted = batch_size if n_speech else wanted
            batch, n_speech = [], 0
    if batch:
        yield batch
