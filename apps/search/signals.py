"""The only receivers of the portal: each notes in the outbox, in the same transaction, whose document is stale.

Connected in `apps.py`. Writes that send none of Django's signals send `videos.signals.video_changed`.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models.signals import m2m_changed, post_delete, post_save, pre_delete

from apps.classification.models import Topic, TopicPrediction
from apps.search import outbox
from apps.transcription.models import Transcript
from apps.videos.models import Tag, Video
from apps.videos.signals import video_changed

# The columns of a video that are in its document: saving others alone (files, say) leaves it as it is.
_INDEXED_FIELDS = {
    "title", "description", "language", "owner", "owner_id", "visibility", "moderation_state", "created_at",
    "duration_ms",
}  # fmt: skip


def connect() -> None:
    """Twice does no harm."""
    post_save.connect(_video_saved, sender=Video, dispatch_uid="search")
    post_delete.connect(_video_deleted, sender=Video, dispatch_uid="search")
    for part in (Transcript, TopicPrediction):
        post_save.connect(_part_changed, sender=part, dispatch_uid="search")
        post_delete.connect(_part_changed, sender=part, dispatch_uid="search")
    post_save.connect(_topic_changed, sender=Topic, dispatch_uid="search")
    post_save.connect(_tag_changed, sender=Tag, dispatch_uid="search")
    # After the deletion nobody could tell whose they were.
    pre_delete.connect(_topic_changed, sender=Topic, dispatch_uid="search")
    pre_delete.connect(_tag_changed, sender=Tag, dispatch_uid="search")
    m2m_changed.connect(_tags_of_video_changed, sender=Video.tags.through, dispatch_uid="search")
    video_changed.connect(_video_changed, dispatch_uid="search")


def _video_saved(*, instance: Video, update_fields: frozenset[str] | None = None, **_: Any) -> None:
    if update_fields is None or not _INDEXED_FIELDS.isdisjoint(update_fields):
        outbox.note(instance.pk)


def _video_deleted(*, instance: Video, **_: Any) -> None:
    outbox.note(instance.pk)


def _part_changed(*, instance: Transcript | TopicPrediction, **_: Any) -> None:
    outbox.note(instance.video_id)


def _topic_changed(*, instance: Topic, **_: Any) -> None:
    outbox.note_all(instance.predictions.values_list("video_id", flat=True))


def _tag_changed(*, instance: Tag, **_: Any) -> None:
    outbox.note_all(instance.videos.values_list("pk", flat=True))


def _tags_of_video_changed(
    *, instance: Video | Tag, action: str, reverse: bool, pk_set: set[UUID] | None, **_: Any
) -> None:
    """`video.tags.…` or, with `reverse`, `tag.videos.…`."""
    if action in {"post_add", "post_remove", "post_clear"} and not reverse:
        outbox.note(instance.pk)
    elif action in {"post_add", "post_remove"}:
        outbox.note_all(pk_set or ())
    elif action == "pre_clear" and isinstance(instance, Tag):
        outbox.note_all(instance.videos.values_list("pk", flat=True))


def _video_changed(*, video_id: UUID, **_: Any) -> None:
    outbox.note(video_id)
