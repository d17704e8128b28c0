"""The parameters of lists and searches. One that makes no sense is refused with the reason, never ignored."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request

from apps.api.serializers.videos import with_captions_flag
from apps.classification.models import Topic
from apps.videos.languages import LANGUAGES
from apps.videos.models import ModerationState, VideoQuerySet

UNKNOWN_TOPIC = "unknown"
# Of the paginator and of DRF's content negotiation: they have their own checks.
PAGING_PARAMETERS = frozenset({"page", "page_size", "format"})
LONGEST_S = 365 * 24 * 3600
_ORDERS = {"created_at": "created_at", "duration": "duration_ms", "title": "title"}
ORDERS = [sign + name for name in _ORDERS for sign in ("", "-")]


class Parameters(serializers.Serializer[Any]):
    """What follows the `?`. Refuses names it does not know: a misspelt filter would otherwise find too much."""

    @classmethod
    def of(cls, request: Request) -> dict[str, Any]:
        """The values that were given. Raises ValidationError with the reason for each that cannot stand."""
        given = cls(data=request.query_params.dict())
        given.is_valid(raise_exception=True)
        return {name: value for name, value in given.validated_data.items() if value is not None}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        unknown = sorted(set(self.initial_data) - set(self.fields) - PAGING_PARAMETERS)
        if unknown:
            known = ", ".join(sorted({*self.fields, *PAGING_PARAMETERS}))
            raise serializers.ValidationError({name: [f"There is no such parameter. There are: {known}."] for name in unknown})
        _check_order(attrs, "min_duration_s", "max_duration_s")
        _check_order(attrs, "from_date", "to_date")
        return attrs


def _check_order(attrs: dict[str, Any], least: str, most: str) -> None:
    if attrs.get(least) is not None and attrs.get(most) is not None and attrs[least] > attrs[most]:
        raise serializers.ValidationError({least: [f"It is above {most}: nothing could be found."]})


class FilterParameters(Parameters):
    """What lists and searches narrow by."""

    topic = serializers.SlugField(
        required=False, help_text=f"A topic's label, or `{UNKNOWN_TOPIC}`: see `/api/v1/topics/`."
    )
    language = serializers.ChoiceField(choices=LANGUAGES, required=False, help_text="The language spoken.")
    has_captions = serializers.BooleanField(required=False, allow_null=True, default=None)
    min_duration_s = serializers.IntegerField(required=False, min_value=0, max_value=LONGEST_S)
    max_duration_s = serializers.IntegerField(required=False, min_value=0, max_value=LONGEST_S)
    from_date = serializers.DateField(required=False, help_text="Uploaded on that day or later: `2025-12-31`.")
    to_date = serializers.DateField(required=False, help_text="Uploaded on that day or earlier.")

    def validate_topic(self, value: str) -> str:
        if value != UNKNOWN_TOPIC and not Topic.objects.filter(label=value).exists():
            known = ", ".join([*Topic.objects.values_list("label", flat=True), UNKNOWN_TOPIC])
            raise serializers.ValidationError(f"There is no topic “{value}”. There are: {known}.")
        return value


class VideoListParameters(FilterParameters):
    """What the list of videos takes."""

    owner = serializers.CharField(required=False, max_length=150, help_text="A user name, or `me`.")
    tag = serializers.CharField(required=False, max_length=50)
    ordering = serializers.ChoiceField(choices=ORDERS, required=False, default="-created_at")


class SearchParameters(FilterParameters):
    """What the search takes."""

    q = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=500,
        help_text='Words, or "a phrase" in quotes. The last word may be unfinished. Empty: everything that the filters leave.',
    )
    sort = serializers.ChoiceField(choices=["relevance", "newest", "oldest", "longest", "shortest"], required=False)
    page = serializers.IntegerField(required=False, min_value=1, max_value=10_000)


class SuggestionParameters(Parameters):
    """What suggestions take."""

    q = serializers.CharField(allow_blank=True, max_length=100, help_text="What was typed so far.")


class ModerationQueueParameters(Parameters):
    """Which videos a moderator wants to see."""

    state = serializers.ChoiceField(choices=ModerationState.choices, required=False, default=ModerationState.PENDING)


class ReportListParameters(Parameters):
    """Which reports a moderator wants to see."""

    is_resolved = serializers.BooleanField(required=False, allow_null=True, default=False)


def narrowed(videos: VideoQuerySet, filters: dict[str, Any]) -> VideoQuerySet:
    """`videos` narrowed and ordered by what `VideoListParameters.of` returned; `owner` is the caller's affair."""
    if "topic" in filters:
        if filters["topic"] == UNKNOWN_TOPIC:
            videos = videos.filter(topic_prediction__isnull=False, topic_prediction__topic__isnull=True)
        else:
            videos = videos.filter(topic_prediction__topic__label=filters["topic"])
    if "language" in filters:
        videos = videos.filter(language=filters["language"])
    if "tag" in filters:
        videos = videos.filter(tags__name=filters["tag"].casefold())
    if "has_captions" in filters:
        videos = with_captions_flag(videos).filter(has_captions=filters["has_captions"])
    if "min_duration_s" in filters:
        videos = videos.filter(duration_ms__gte=filters["min_duration_s"] * 1000)
    if "max_duration_s" in filters:
        videos = videos.filter(duration_ms__lte=filters["max_duration_s"] * 1000)
    if "from_date" in filters:
        videos = videos.filter(created_at__gte=_midnight(filters["from_date"]))
    if "to_date" in filters:
        videos = videos.filter(created_at__lt=_midnight(filters["to_date"]) + dt.timedelta(days=1))
    return videos.order_by(*_order_columns(filters.get("ordering", "-created_at")))


def _order_columns(order: str) -> tuple[str, str]:
    sign = "-" if order.startswith("-") else ""
    # The id makes the order total: without it a video could be on two pages, or on none.
    return sign + _ORDERS[order.removeprefix("-")], sign + "id"


def _midnight(day: dt.date) -> dt.datetime:
    return timezone.make_aware(dt.datetime.combine(day, dt.time.min))  # noqa: DTZ001 - made aware here
