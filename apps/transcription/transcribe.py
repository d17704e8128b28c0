"""The stage `transcribe`: the sound of a video becomes an automatic transcript, segment by segment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

from django.db import transaction
from django.utils import timezone

from apps.media.audio import AudioDecodeError, NoAudioError
from apps.transcription.asr.captions import Caption
from apps.transcription.asr.recognizers.base import Recognizer, TakesHotwords
from apps.transcription.asr.transcriber import Segment, transcribe_file
from apps.transcription.expected_words import described_digest, described_texts
from apps.transcription.models import RECOGNISER_LENGTH, Cue, Transcript
from apps.transcription.recognition import LanguageNotRecognizedError, reader_for, recognizer_for, transcribe_options
from apps.videos.files import existing_source
from apps.videos.models import Video
from apps.videos.signals import video_changed
from apps.videos.stage import Progress, StageFailedError, StageSkippedError

NO_SOUND = "This video has no sound, so there is nothing to caption."


class TranscriptTakenError(Exception):
    """Somebody else filled, completed or deleted the transcript meanwhile, so this run must not write to it."""


def transcribe_video(
    video: Video, progress: Progress, *, recognizer_of: Callable[[str], Recognizer] = recognizer_for
) -> None:
    """Recognises what is said in `video`, in its language, with the recogniser that `recognizer_of` has for it.

    An automatic transcript that the same recogniser left unfinished is gone on with at its cursor; otherwise a new one
    is filled. Each segment's cues are committed with the cursor, so that it can be killed at any instant. When all is
    recognised the new transcript takes the place of the earlier automatic ones, in one transaction; until then an
    earlier complete one stays and is served. One in another language goes at once: the video was said to be in that
    one by mistake, and what it says is nonsense. Edited and uploaded ones are never touched.

    Raises StageSkippedError for a video without sound and for a language that no recogniser understands;
    StageFailedError when the file is gone or its sound unreadable; TranscriptTakenError when another run writes to
    the same transcript (the stage may be tried again).
    """
    if not video.has_sound:
        raise StageSkippedError(NO_SOUND)
    _delete_what_was_heard_in_another_language(video)
    progress(0.0, "Preparing the speech recogniser.")
    try:
        recognizer = recognizer_of(video.language)
    except LanguageNotRecognizedError as error:
        raise StageSkippedError(str(error)) from error

    path = existing_source(video)
    transcript = _transcript_to_fill(video, recognizer)
    if isinstance(recognizer, TakesHotwords) and transcript.hotwords:
        recognizer = recognizer.with_hotwords(transcript.hotwords)
    reader = reader_for(recognizer, video.language, described_texts(video), transcript.hotwords)
    last = transcript.cues.order_by("position").last()
    position, said_before = (last.position + 1, last.text) if last else (0, "")
    _tell(progress, video, transcript.cursor_ms)
    try:
        for segment in transcribe_file(
            path,
            recognizer,
            transcribe_options(),
            reader=reader,
            start_ms=transcript.cursor_ms,
            said_before=said_before,
        ):
            _append(transcript, segment, position)
            position += len(segment.captions)
            _tell(progress, video, segment.position_ms)
    except NoAudioError as error:
        raise StageSkippedError(NO_SOUND) from error
    except AudioDecodeError as error:
        raise StageFailedError(
            "The sound of this video cannot be read. Convert the video to MP4 and upload it anew, or upload captions."
        ) from error
    _complete(transcript)
    progress(1.0, "" if position else "No speech was found.")


def _delete_what_was_heard_in_another_language(video: Video) -> None:
    with transaction.atomic():
        if Transcript.objects.filter(video=video).automatic().exclude(language=video.language).delete()[0]:
            video_changed.send(sender=__name__, video_id=video.pk)


def _transcript_to_fill(video: Video, recognizer: Recognizer) -> Transcript:
    """The one that `recognizer` left unfinished, with the hotwords that it began with, or a new one."""
    hotwords: tuple[str, ...] = ()
    digest = ""
    if isinstance(recognizer, TakesHotwords):
        hotwords, digest = recognizer.choose_hotwords(described_texts(video)), described_digest(video)
    with transaction.atomic():
        # The lock makes two runs of the stage find the same transcript, whose cursor then tells them apart.
        Video.objects.select_for_update().get(pk=video.pk)
        unfinished = Transcript.objects.filter(video=video).automatic().being_filled()
        wanted = {"language": video.language, "recogniser": recognizer.name[:RECOGNISER_LENGTH]}
        transcript = unfinished.filter(**wanted).order_by("-created_at").first()
        # What another recogniser began is of no use to anybody.
        abandoned = unfinished.exclude(pk=transcript.pk) if transcript else unfinished
        if abandoned.delete()[0]:
            video_changed.send(sender=__name__, video_id=video.pk)
        return transcript or Transcript.objects.create(
            video=video, source=Transcript.Source.AUTO, hotwords=list(hotwords), described_digest=digest, **wanted
        )


def _append(transcript: Transcript, segment: Segment, position: int) -> None:
    """Commits a segment's cues, from `position` on, with the cursor behind them."""
    with transaction.atomic():
        _move(transcript, cursor_ms=segment.position_ms)
        if segment.captions:
            Cue.objects.bulk_create(
                _cue(transcript, position + index, caption) for index, caption in enumerate(segment.captions)
            )
            video_changed.send(sender=__name__, video_id=transcript.video_id)
    transcript.cursor_ms = segment.position_ms


def _complete(transcript: Transcript) -> None:
    with transaction.atomic():
        now = timezone.now()
        _move(transcript, completed_at=now, mean_confidence=_mean_confidence(transcript))
        Transcript.objects.filter(video=transcript.video_id).automatic().exclude(pk=transcript.pk).delete()
        video_changed.send(sender=__name__, video_id=transcript.video_id)


def _move(transcript: Transcript, **changes: object) -> None:
    """Updates the row if nobody moved its cursor since this run read it; raises TranscriptTakenError otherwise."""
    mine = Transcript.objects.filter(pk=transcript.pk, cursor_ms=transcript.cursor_ms).being_filled()
    if not mine.update(updated_at=timezone.now(), **changes):
        raise TranscriptTakenError(
            f"The transcript {transcript.pk} was filled further, completed or deleted by another run or a moderator. "
            "Run the stage again if no other run of it is under way."
        )


def _cue(transcript: Transcript, position: int, caption: Caption) -> Cue:
    return Cue(
        transcript=transcript,
        position=position,
        start_ms=caption.start_ms,
        end_ms=caption.end_ms,
        text=caption.text,
        words=[asdict(word) for word in caption.words],
        confidence=caption.confidence,
    )


def _mean_confidence(transcript: Transcript) -> float | None:
    """Over all words. Reads them from the rows, since a killed run's words are in no memory."""
    total, count = 0.0, 0
    for words in transcript.cues.values_list("words", flat=True).iterator(chunk_size=500):
        total += sum(word["confidence"] for word in words)
        count += len(words)
    return total / count if count else None


def _tell(progress: Progress, video: Video, position_ms: int) -> None:
    whole_ms = max(video.duration_ms, 1)
    done_ms = min(position_ms, whole_ms)
    progress(done_ms / whole_ms, f"{_clock(done_ms)} of {_clock(whole_ms)} recognised")


def _clock(time_ms: int) -> str:
    """`80_000` as `1:20`, `3_680_000` as `1:01:20`."""
    minutes, seconds = divmod(time_ms // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
