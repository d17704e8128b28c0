"""Captions that people bring: checked whole, then taken in, or refused with the line of every problem."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.transcription.formats import format_time
from apps.transcription.models import Cue, Transcript
from apps.transcription.parsing import ParsedCaptions, Problem, is_webvtt, parse_srt, parse_webvtt
from apps.videos.languages import LANGUAGE_NAMES
from apps.videos.models import ModerationEntry, Video
from apps.videos.moderation import note
from apps.videos.signals import video_changed

# Caption files are timed against another copy of the video, whose end is often cut a little differently.
END_TOLERANCE_MS = 2_000

_PROBLEMS_SHOWN = 20
_CUES_PER_INSERT = 500


class CaptionsRefusedError(Exception):
    """The file cannot be taken as captions. `problems`, in order of their lines, say why, for the uploader.

    There are at most twenty, and one that tells how many more. `status` is the HTTP status that fits: 413 for a file
    that is too large, else 422.
    """

    def __init__(self, problems: Sequence[Problem], *, status: int = 422) -> None:
        self.problems = list(problems[:_PROBLEMS_SHOWN])
        if len(problems) > _PROBLEMS_SHOWN:
            self.problems.append(Problem(0, f"… and {len(problems) - _PROBLEMS_SHOWN:,} more problems."))
        self.status = status
        super().__init__("\n".join(str(problem) for problem in self.problems))


def store_uploaded_captions(video: Video, *, language: str, data: bytes, name: str, by: User) -> Transcript:
    """Takes a WebVTT or SRT file as the uploaded captions of `video` in `language`, in place of earlier uploaded ones.

    Edited and automatic transcripts stay. `name` is the file's name, whose extension says its form where the file
    itself does not. `by` may edit the video: the caller checks. Raises CaptionsRefusedError, and then nothing has
    changed.
    """
    parsed = _read(data, name)
    problems = [*parsed.problems, *_problems_past_the_end(parsed, video.duration_ms)]
    if language not in LANGUAGE_NAMES:
        problems.insert(0, Problem(0, "Choose the language of the captions from the list."))
    if not parsed.captions and not problems:
        problems.append(Problem(0, "The file holds no captions. Upload one with at least one caption in it."))
    if len(parsed.captions) > settings.CAPTIONS_MAX_CUES:
        count = f"The file holds {len(parsed.captions):,} captions; {settings.CAPTIONS_MAX_CUES:,} are allowed."
        problems.append(Problem(0, f"{count} Join short ones."))
    if problems:
        raise CaptionsRefusedError(sorted(problems, key=lambda problem: problem.line))
    with transaction.atomic():
        # The lock makes two uploads at once follow each other, and notices a video that was deleted meanwhile.
        Video.objects.select_for_update().get(pk=video.pk)
        earlier = Transcript.objects.filter(video=video, language=language, source=Transcript.Source.UPLOADED)
        earlier.delete()
        transcript = Transcript.objects.create(
            video=video,
            language=language,
            source=Transcript.Source.UPLOADED,
            cursor_ms=parsed.captions[-1].end_ms,
            completed_at=timezone.now(),
        )
        cues = (
            Cue(
                transcript=transcript,
                position=position,
                start_ms=caption.start_ms,
                end_ms=caption.end_ms,
                text=caption.text,
            )
            for position, caption in enumerate(parsed.captions)
        )
        Cue.objects.bulk_create(cues, batch_size=_CUES_PER_INSERT)
        _note_for_others(video, transcript, by=by, deed="Uploaded")
        video_changed.send(sender=__name__, video_id=video.pk)
    return transcript


def remove_captions(video: Video, language: str, *, by: User) -> bool:
    """Removes the uploaded captions in `language`; False where there were none. What lay beneath is served again."""
    with transaction.atomic():
        uploaded = Transcript.objects.filter(video=video, language=language, source=Transcript.Source.UPLOADED)
        transcript = uploaded.first()
        if transcript is None:
            return False
        delete_transcript(transcript, by=by)
    return True


def delete_transcript(transcript: Transcript, *, by: User) -> None:
    """Deletes a transcript of any source with its cues. A stage that was filling it fails, and starts a new one."""
    with transaction.atomic():
        video = transcript.video
        _note_for_others(video, transcript, by=by, deed="Deleted")
        transcript.delete()
        video_changed.send(sender=__name__, video_id=video.pk)


def _note_for_others(video: Video, transcript: Transcript, *, by: User, deed: str) -> None:
    """What a moderator does to somebody else's captions goes into the log."""
    if by.pk != video.owner_id:
        captions = f"{transcript.get_language_display()} captions, {transcript.get_source_display().lower()}"
        note(video, by=by, act=ModerationEntry.Act.EDITED, reason=f"{deed}: {captions}")


def _read(data: bytes, name: str) -> ParsedCaptions:
    if len(data) > settings.CAPTIONS_MAX_BYTES:
        limit = f"{settings.CAPTIONS_MAX_BYTES / 1_000:,.0f} kB"
        message = f"The file is larger than {limit}, the most that captions may have. Is it a caption file?"
        raise CaptionsRefusedError([Problem(0, message)], status=413)
    if not data.strip():
        raise CaptionsRefusedError([Problem(0, "The file is empty. Upload a WebVTT (.vtt) or SRT (.srt) file.")])
    extension = PurePosixPath(name).suffix.lower()
    if extension == ".vtt" or is_webvtt(data):
        return parse_webvtt(data)
    if extension == ".srt":
        return parse_srt(data)
    raise CaptionsRefusedError([Problem(0, "Captions are taken as WebVTT (.vtt) or SRT (.srt) files. Upload one.")])


def _problems_past_the_end(parsed: ParsedCaptions, duration_ms: int) -> list[Problem]:
    last_ms = duration_ms + END_TOLERANCE_MS
    cure = f"the video ends at {format_time(duration_ms)}. Do these captions belong to this video?"
    return [
        Problem(line, f"The caption ends at {format_time(caption.end_ms)}, but {cure}")
        for caption, line in zip(parsed.captions, parsed.lines, strict=True)
        if caption.end_ms > last_ms
    ]
