"""What people bring, and the stages that it sets off: a video, other words about it, captions of their own."""

from __future__ import annotations

from django.db import transaction

from apps.accounts.models import User
from apps.pipeline import runs
from apps.pipeline.stages import READS_WORDS
from apps.transcription import uploading
from apps.transcription.models import Transcript
from apps.videos import editing
from apps.videos.models import Video
from apps.videos.uploads import IncomingFile, VideoDetails, receive


def take_in(file: IncomingFile, *, owner: User, details: VideoDetails) -> Video:
    """Makes `file` a video of `owner` and queues its stages on commit. Call it outside a transaction: the look at the
    file takes seconds, in which others must be able to write.

    Raises UploadRefusedError, with nothing kept, where the file or the details are not acceptable.
    """
    return receive(file, owner=owner, details=details, then=runs.start)


def edit_video(video: Video, *, revision: int, editor: User, details: VideoDetails) -> Video:
    """`videos.editing.edit_video`; then the captions anew where another language is spoken than was said before, and
    topic and meaning anew where title or description say something else.

    Raises what that raises: EditConflictError, DetailsInvalidError, Video.DoesNotExist.
    """
    with transaction.atomic():
        # Not of `video`, on which a form may have put the new ones.
        before = Video.objects.select_for_update(no_key=True).get(pk=video.pk)
        edited = editing.edit_video(video, revision=revision, editor=editor, details=details)
        if edited.language != before.language:
            runs.start_over(video.pk, "transcribe")
        elif (edited.title, edited.description) != (before.title, before.description):
            runs.start_over(video.pk, *READS_WORDS)
    return edited


@transaction.atomic
def store_captions(video: Video, *, language: str, data: bytes, name: str, by: User) -> Transcript:
    """`transcription.uploading.store_uploaded_captions`, and topic and meaning anew from what they say.

    Raises CaptionsRefusedError.
    """
    transcript = uploading.store_uploaded_captions(video, language=language, data=data, name=name, by=by)
    runs.start_over(video.pk, *READS_WORDS)
    return transcript


@transaction.atomic
def remove_captions(video: Video, language: str, *, by: User) -> bool:
    """`transcription.uploading.remove_captions`, and topic and meaning anew from what lay beneath."""
    removed = uploading.remove_captions(video, language, by=by)
    if removed:
        runs.start_over(video.pk, *READS_WORDS)
    return removed


@transaction.atomic
def delete_transcript(transcript: Transcript, *, by: User) -> None:
    """`transcription.uploading.delete_transcript`, and topic and meaning anew without it."""
    uploading.delete_transcript(transcript, by=by)
    runs.start_over(transcript.video_id, *READS_WORDS)
