"""A video as the API shows it, and what a caller may say of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Exists, OuterRef
from django.urls import reverse
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request

from apps.accounts.models import User
from apps.api.serializers.given import GivenSerializer
from apps.api.serializers.sync import SyncSerializer
from apps.classification.models import Topic, TopicPrediction
from apps.classification.topics import Probability, probabilities_of
from apps.pipeline.sync_status import sync_status
from apps.transcription.models import Cue
from apps.videos.details import MAX_DESCRIPTION, MAX_TAG, MAX_TITLE, VideoDetails, normalised_tags, tags_from_text
from apps.videos.files import original_name_in_folder
from apps.videos.languages import LANGUAGES
from apps.videos.models import Video, VideoQuerySet, Visibility


def has_captions() -> Exists:
    """The condition that some track of a video holds a cue."""
    return Exists(Cue.objects.filter(transcript__video=OuterRef("pk")))


def with_related(videos: VideoQuerySet) -> VideoQuerySet:
    """What `VideoSerializer` reads, in two queries however many the videos are."""
    shown: VideoQuerySet = videos.annotate(has_captions=has_captions())
    return shown.select_related("owner", "topic_prediction__topic").prefetch_related("tags")


class TopicOfVideoSerializer(serializers.Serializer[TopicPrediction]):
    """The topic that a video is filed under, and how sure the classifier was."""

    label = serializers.SlugField(source="topic.label")  # type: ignore[assignment]
    name = serializers.CharField(source="topic.name")
    probability = serializers.FloatField(help_text="In [0, 1].")
    is_confirmed = serializers.BooleanField(help_text="A moderator chose it.")


class ProbabilitySerializer(serializers.Serializer[Probability]):
    """How likely the classifier found a topic."""

    label = serializers.CharField()  # type: ignore[assignment]
    name = serializers.CharField(help_text="What the topic is called now; of one that was deleted, its label.")
    probability = serializers.FloatField(source="share", help_text="In [0, 1].")


class FileLinksSerializer(serializers.Serializer[Any]):
    """Addresses of a video's files, for the same callers as the video; null until they are made."""

    web = serializers.URLField(allow_null=True, help_text="What browsers play. Answers byte ranges.")
    poster = serializers.URLField(allow_null=True)
    preview = serializers.URLField(allow_null=True, help_text="A few seconds, without sound.")
    storyboard = serializers.URLField(allow_null=True, help_text="WebVTT of thumbnails for the seek bar.")
    original = serializers.URLField(
        allow_null=True, help_text="The file as it was uploaded: for the owner and moderators, unless it is what plays."
    )


class VideoLinksSerializer(serializers.Serializer[Any]):
    """Where to go from a video."""

    self = serializers.URLField()
    watch = serializers.URLField(help_text="The page to watch it on.")
    captions = serializers.URLField()
    stages = serializers.URLField()


class VideoSerializer(serializers.ModelSerializer[Video]):
    """A video. Take it from a queryset that `with_related` prepared."""

    tags: serializers.SlugRelatedField[Any] = serializers.SlugRelatedField(slug_field="name", many=True, read_only=True)
    owner = serializers.CharField(source="owner.username", read_only=True, help_text="User name.")
    has_sound = serializers.BooleanField(read_only=True)
    has_captions = serializers.BooleanField(read_only=True)
    topic = serializers.SerializerMethodField(help_text="Null: not classified yet, or unknown.")
    can_edit = serializers.SerializerMethodField(help_text="The caller may change and delete it.")
    moderation_reason = serializers.SerializerMethodField(help_text="For the owner and moderators; else empty.")
    original_name = serializers.SerializerMethodField(help_text="For the owner and moderators; else empty.")
    files = serializers.SerializerMethodField()
    links = serializers.SerializerMethodField()

    class Meta:
        model = Video
        fields: tuple[str, ...] = (
            "id",
            "title",
            "description",
            "tags",
            "language",
            "owner",
            "visibility",
            "moderation_state",
            "moderation_reason",
            "revision",
            "created_at",
            "updated_at",
            "duration_ms",
            "width",
            "height",
            "size_bytes",
            "original_name",
            "has_sound",
            "has_captions",
            "can_edit",
            "topic",
            "files",
            "links",
        )
        read_only_fields = fields

    @extend_schema_field(TopicOfVideoSerializer(allow_null=True))
    def get_topic(self, video: Video) -> dict[str, Any] | None:
        prediction: TopicPrediction | None = getattr(video, "topic_prediction", None)
        if prediction is None or prediction.topic is None:
            return None
        return dict(TopicOfVideoSerializer(prediction).data)

    def get_can_edit(self, video: Video) -> bool:
        user = self._request.user
        return isinstance(user, User) and (user.is_moderator or video.owner_id == user.pk)

    def get_moderation_reason(self, video: Video) -> str:
        return video.moderation_reason if self.get_can_edit(video) else ""

    def get_original_name(self, video: Video) -> str:
        return video.original_name if self.get_can_edit(video) else ""

    @extend_schema_field(FileLinksSerializer)
    def get_files(self, video: Video) -> dict[str, str | None]:
        original = original_name_in_folder(video)
        # See also `apps.videos.views.file`: an original may carry more than is shown, such as the place of recording.
        may_have_original = original == video.web_name or self.get_can_edit(video)
        names = {
            "web": video.web_name,
            "poster": video.poster_name,
            "preview": video.preview_name,
            "storyboard": video.storyboard_name,
            "original": original if may_have_original else "",
        }
        return {kind: self._url("api:file", video.pk, name) if name else None for kind, name in names.items()}

    @extend_schema_field(VideoLinksSerializer)
    def get_links(self, video: Video) -> dict[str, str]:
        return {
            "self": self._url("api:video", video.pk),
            "watch": self._url("pages:watch", video.pk),
            "captions": self._url("api:captions", video.pk),
            "stages": self._url("api:stages", video.pk),
        }

    @property
    def _request(self) -> Request:
        request: Request = self.context["request"]
        return request

    def _url(self, name: str, *args: object) -> str:
        return self._request.build_absolute_uri(reverse(name, args=args))


class VideoDetailSerializer(VideoSerializer):
    """A video by itself: with what costs a query for each, which a list leaves out."""

    topic_probabilities = serializers.SerializerMethodField(
        help_text="Likeliest first, also where none was likely enough. Empty: no classifier has read the video."
    )

    sync = serializers.SerializerMethodField(help_text="Lip sync. For the owner and moderators; else null.")

    class Meta(VideoSerializer.Meta):
        fields = (*VideoSerializer.Meta.fields, "topic_probabilities", "sync")
        read_only_fields = fields

    @extend_schema_field(ProbabilitySerializer(many=True))
    def get_topic_probabilities(self, video: Video) -> list[dict[str, Any]]:
        rows = probabilities_of(getattr(video, "topic_prediction", None), Topic.objects.all())
        return [dict(ProbabilitySerializer(row).data) for row in rows]

    @extend_schema_field(SyncSerializer(allow_null=True))
    def get_sync(self, video: Video) -> dict[str, Any] | None:
        return dict(SyncSerializer(sync_status(video)).data) if self.get_can_edit(video) else None


class TagsField(serializers.ListField):
    """A list of words; in a form also one field with commas between them. Kept in lower case, each once."""

    child = serializers.CharField(max_length=MAX_TAG, allow_blank=True)

    def to_internal_value(self, data: Any) -> list[str]:
        words: list[str] = super().to_internal_value(data)
        return list(normalised_tags(tag for word in words for tag in tags_from_text(word)))


class UploadSerializer(GivenSerializer):
    """A new video: its file, and what its owner says of it."""

    file = serializers.FileField(
        allow_empty_file=True,  # refused below, with what to do
        help_text="The video. Streamed to disk: any size up to the portal's limit.",
    )
    title = serializers.CharField(
        max_length=MAX_TITLE, required=False, allow_blank=True, default="", help_text="Empty: made of the file's name."
    )
    description = serializers.CharField(max_length=MAX_DESCRIPTION, required=False, allow_blank=True, default="")
    tags = TagsField(required=False, default=list)
    language = serializers.ChoiceField(choices=LANGUAGES, default="en", help_text="The language spoken in it.")
    visibility = serializers.ChoiceField(choices=Visibility.choices, default=Visibility.PUBLIC)

    def details(self) -> VideoDetails:
        """What was said, once `is_valid()`."""
        said = self.validated_data
        return VideoDetails(
            title=said["title"],
            description=said["description"],
            tags=tuple(said["tags"]),
            language=said["language"],
            visibility=said["visibility"],
        )


class EditSerializer(GivenSerializer):
    """Changes to a video. Fields left out stay as they are."""

    revision = serializers.IntegerField(
        min_value=1,
        max_value=2**31 - 1,
        help_text="Of the video as the caller last read it; if it is not the current one, 409.",
    )
    title = serializers.CharField(max_length=MAX_TITLE, required=False)
    description = serializers.CharField(max_length=MAX_DESCRIPTION, required=False, allow_blank=True)
    tags = TagsField(required=False)
    language = serializers.ChoiceField(choices=LANGUAGES, required=False)
    visibility = serializers.ChoiceField(choices=Visibility.choices, required=False)

    def details(self, video: Video) -> VideoDetails:
        """`video`'s details with the changes made, once `is_valid()`."""
        said = self.validated_data
        tags: Sequence[str] = said["tags"] if "tags" in said else [tag.name for tag in video.tags.all()]
        return VideoDetails(
            title=said.get("title", video.title),
            description=said.get("description", video.description),
            tags=tuple(tags),
            language=said.get("language", video.language),
            visibility=said.get("visibility", video.visibility),
        )


class EditConflictSerializer(serializers.Serializer[Any]):
    """Somebody else changed the video first; `current` is how it stands now."""

    code = serializers.CharField(default="edit_conflict")
    detail = serializers.CharField()
    current = VideoSerializer()


class ExistingVideoSerializer(serializers.Serializer[Any]):
    """The video that the caller has already uploaded."""

    id = serializers.UUIDField()
    title = serializers.CharField()
    url = serializers.CharField()


class UploadRefusedSerializer(serializers.Serializer[Any]):
    """Why a file was not taken. Nothing of it was kept."""

    code = serializers.CharField()
    detail = serializers.CharField()
    existing = ExistingVideoSerializer(required=False, help_text="With the code `duplicate`.")
