"""The parameters of lists and searches. One that makes no sense is refused with the reason, never ignored."""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar

from django.conf import settings
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request

from apps.api.paging import MAX_PAGE_SIZE
from apps.api.serializers.videos import has_captions
from apps.classification.models import Topic
from apps.search.backends.terms import MAX_CHARACTERS, clean
from apps.search.queries import MAX_PAGE, SearchQuery, Sort
from apps.transcription import matching
from apps.videos.languages import LANGUAGES
from apps.videos.models import ModerationState, VideoQuerySet

UNKNOWN_TOPIC = "unknown"
# Of the paginator and of DRF's content negotiation: they have their own checks.
PAGING_PARAMETERS = frozenset({"page", "page_size", "format"})
LONGEST_S = 365 * 24 * 3600
FIRST_YEAR, LAST_YEAR = 1970, 2999
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
            raise serializers.ValidationError(
                {name: [f"There is no such parameter. There are: {known}."] for name in unknown}
            )
        _check_order(attrs, "min_duration_s", "max_duration_s")
        _check_order(attrs, "from_date", "to_date")
        return attrs


def _plausible(day: dt.date) -> dt.date:
    """Days near the ends of the calendar cannot be moved between time zones."""
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise serializers.ValidationError(f"Write a day of the years {FIRST_YEAR} to {LAST_YEAR}.")
    return day


def _check_order(attrs: dict[str, Any], least: str, most: str) -> None:
    if attrs.get(least) is not None and attrs.get(most) is not None and attrs[least] > attrs[most]:
        raise serializers.ValidationError({least: [f"It is above {most}: nothing could be found."]})


class FilterParameters(Parameters):
    """What lists and searches narrow by."""

    topic = serializers.SlugField(required=False, help_text="A topic's label: see `/api/v1/topics/`.")
    language = serializers.ChoiceField(choices=LANGUAGES, required=False, help_text="The language spoken.")
    has_captions = serializers.BooleanField(required=False, allow_null=True, default=None)
    min_duration_s = serializers.IntegerField(required=False, min_value=0, max_value=LONGEST_S)
    max_duration_s = serializers.IntegerField(required=False, min_value=0, max_value=LONGEST_S)
    from_date = serializers.DateField(required=False, help_text="Uploaded on that day or later: `2025-12-31`.")
    to_date = serializers.DateField(required=False, help_text="Uploaded on that day or earlier.")

    more_topics: ClassVar[tuple[str, ...]] = ()

    def validate_from_date(self, value: dt.date) -> dt.date:
        return _plausible(value)

    def validate_to_date(self, value: dt.date) -> dt.date:
        return _plausible(value)

    def validate_topic(self, value: str) -> str:
        if value not in self.more_topics and not Topic.objects.filter(label=value).exists():
            known = ", ".join([*Topic.objects.values_list("label", flat=True), *self.more_topics])
            raise serializers.ValidationError(f"There is no topic “{value}”. There are: {known}.")
        return value


class VideoListParameters(FilterParameters):
    """What the list of videos takes."""

    more_topics = (UNKNOWN_TOPIC,)

    topic = serializers.SlugField(
        required=False, help_text=f"A topic's label, or `{UNKNOWN_TOPIC}`: see `/api/v1/topics/`."
    )
    owner = serializers.CharField(required=False, max_length=150, help_text="A user name, or `me`.")
    tag = serializers.CharField(required=False, max_length=50)
    ordering = serializers.ChoiceField(choices=ORDERS, required=False, default="-created_at")


class SearchParameters(FilterParameters):
    """What the search takes."""

    q = serializers.CharField(
        required=False,
        allow_blank=True,
        default="",
        max_length=MAX_CHARACTERS,
        help_text='Words, or `"a phrase"` in quotes. The last may be unfinished. Empty: all that the filters leave.',
    )
    language = serializers.ChoiceField(choices=LANGUAGES, required=False, help_text="Spoken, or of a caption track.")
    sort = serializers.ChoiceField(choices=[sort.value for sort in Sort], required=False, default=Sort.RELEVANCE.value)
    page = serializers.IntegerField(required=False, min_value=1, max_value=MAX_PAGE, default=1)
    page_size = serializers.IntegerField(required=False, min_value=1, max_value=MAX_PAGE_SIZE)

    @classmethod
    def query_of(cls, request: Request) -> SearchQuery:
        """The query in the parameters. Raises ValidationError with the reason for each that cannot stand."""
        given = cls.of(request)
        return SearchQuery(
            text=clean(given["q"]),
            topic=given.get("topic", ""),
            language=given.get("language", ""),
            min_duration_ms=_ms(given.get("min_duration_s")),
            max_duration_ms=_ms(given.get("max_duration_s")),
            from_date=given.get("from_date"),
            to_date=given.get("to_date"),
            has_captions=given.get("has_captions"),
            sort=Sort(given["sort"]),
            page=given["page"],
            page_size=given.get("page_size", settings.SEARCH_PAGE_SIZE),
            time_zone=timezone.get_current_timezone(),
        )


def _ms(seconds: int | None) -> int | None:
    return None if seconds is None else seconds * 1000


class SuggestionParameters(Parameters):
    """What suggestions take."""

    q = serializers.CharField(allow_blank=True, max_length=MAX_CHARACTERS, help_text="What was typed so far.")


class MatchParameters(Parameters):
    """What the search in one video takes."""

    q = serializers.CharField(
        max_length=matching.MAX_CHARACTERS,
        help_text="Words as they were said, one after another, also over two captions; case, accents and punctuation "
        "make no difference. Said nowhere as a whole, they are looked for one by one.",
    )


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
        videos = videos.filter(has_captions() if filters["has_captions"] else ~has_captions())
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
    return timezone.make_aware(dt.datetime.combine(day, dt.time.min))
