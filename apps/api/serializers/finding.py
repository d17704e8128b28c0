"""Topics and search results."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.api.serializers.videos import VideoSerializer
from apps.transcription.matching import MAX_MATCHES


class TopicSerializer(serializers.Serializer[Any]):
    """A topic, and how many videos the caller may find under it."""

    label = serializers.SlugField(help_text="What filters take.")  # type: ignore[assignment]
    name = serializers.CharField(help_text="For people.")
    count = serializers.IntegerField(source="video_count")
    is_followed = serializers.BooleanField(allow_null=True, help_text="By the caller; null: nobody is signed in.")


class ThumbnailSerializer(serializers.Serializer[Any]):
    """A part of an image that holds many pictures, in pixels."""

    url = serializers.URLField(help_text="The whole image, for the same callers as the video.")
    x = serializers.IntegerField()
    y = serializers.IntegerField()
    width = serializers.IntegerField()
    height = serializers.IntegerField()


class MomentSerializer(serializers.Serializer[Any]):
    """A passage in which the words were said."""

    start_ms = serializers.IntegerField()
    end_ms = serializers.IntegerField()
    language = serializers.CharField()
    html = serializers.CharField(help_text="The passage, escaped, with `<mark>` around what was found.")
    by_meaning = serializers.BooleanField(help_text="It says it in other words: nothing in it is marked.")
    url = serializers.URLField(help_text="The watch page, at that second.")
    thumbnail = ThumbnailSerializer(allow_null=True, help_text="What is seen then. Null: not made (yet).")


class HitSerializer(serializers.Serializer[Any]):
    """A video that was found, with its best moments."""

    video = VideoSerializer()
    score = serializers.FloatField(help_text="Larger is better; comparable within one answer only.")
    title_html = serializers.CharField(help_text="Escaped, with `<mark>` around what was found.")
    snippet_html = serializers.CharField(help_text="Of the description; escaped, with `<mark>`.")
    by_meaning = serializers.BooleanField(help_text="It has not the words, but something in it means them.")
    moments = MomentSerializer(many=True)


class FacetValueSerializer(serializers.Serializer[Any]):
    """A value that narrows the search, and how many videos it would leave."""

    value = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    count = serializers.IntegerField()


class FacetsSerializer(serializers.Serializer[Any]):
    """Counts over all pages, of what would be found had this facet no filter."""

    topic = FacetValueSerializer(many=True)
    language = FacetValueSerializer(many=True)


class SearchResultsSerializer(serializers.Serializer[Any]):
    """One page of what was found, best first."""

    count = serializers.IntegerField(help_text="Videos found, on all pages. Only what the caller may find is counted.")
    page = serializers.IntegerField()
    pages = serializers.IntegerField()
    results = HitSerializer(many=True)
    facets = FacetsSerializer()
    is_relaxed = serializers.BooleanField(
        help_text="No video has all the words; these have some, or those of `did_you_mean`."
    )
    did_you_mean = serializers.CharField(
        help_text="`q` with the nearest known words for those that are nowhere; empty: nothing to correct."
    )
    is_catching_up = serializers.BooleanField(help_text="The newest changes are not in the index yet.")
    by_meaning = serializers.IntegerField(help_text="Of `count`: videos without the words, found by meaning alone.")


class MatchSerializer(serializers.Serializer[Any]):
    """A place in a transcript at which the words were said, with the captions that it lies in."""

    start_ms = serializers.IntegerField(help_text="Of the caption in which it begins.")
    end_ms = serializers.IntegerField(help_text="Of the caption in which it ends.")
    html = serializers.CharField(help_text="These captions, escaped, with `<mark>` around what was found.")
    url = serializers.URLField(help_text="The watch page, at that second.")


class MatchesSerializer(serializers.Serializer[Any]):
    """Everything that was found in one transcript, in order of time."""

    count = serializers.IntegerField()
    has_more = serializers.BooleanField(help_text=f"Of very common words the first {MAX_MATCHES} are given.")
    is_complete = serializers.BooleanField(help_text="False while recognition still adds to the transcript.")
    matches = MatchSerializer(many=True)


class SuggestionsSerializer(serializers.Serializer[Any]):
    """Ways to go on from what was typed."""

    suggestions = serializers.ListField(child=serializers.CharField())
