"""Caption tracks, and files of captions."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.api.serializers.given import GivenSerializer
from apps.transcription.models import Transcript
from apps.videos.languages import LANGUAGES

FORMS = ("vtt", "srt", "txt", "json")


class CaptionFormsSerializer(serializers.Serializer[Any]):
    """The same track in each form. The last has the time and confidence of every word."""

    vtt = serializers.URLField()
    srt = serializers.URLField()
    txt = serializers.URLField()
    json = serializers.URLField()


class CaptionTrackSerializer(serializers.ModelSerializer[Transcript]):
    """A caption track: the best transcript that there is in its language."""

    language_name = serializers.CharField(source="get_language_display", read_only=True)
    is_complete = serializers.BooleanField(read_only=True, help_text="False while recognition still runs.")
    cursor_ms = serializers.IntegerField(read_only=True, help_text="Up to where the sound is recognised.")
    forms = serializers.SerializerMethodField()

    class Meta:
        model = Transcript
        fields = (
            "language",
            "language_name",
            "source",
            "recogniser",
            "mean_confidence",
            "is_complete",
            "cursor_ms",
            "created_at",
            "forms",
        )
        read_only_fields = fields

    @extend_schema_field(CaptionFormsSerializer)
    def get_forms(self, track: Transcript) -> dict[str, str]:
        return {
            form: self.context["request"].build_absolute_uri(
                reverse("api:captions-file", args=[track.video_id, track.language, form])
            )
            for form in FORMS
        }


class CaptionsFileSerializer(GivenSerializer):
    """A WebVTT or SubRip file."""

    file = serializers.FileField(help_text="WebVTT or SubRip, UTF-8.")


class NewCaptionsSerializer(CaptionsFileSerializer):
    """A WebVTT or SubRip file and the language it is in."""

    language = serializers.ChoiceField(choices=LANGUAGES)


class CaptionsProblemSerializer(serializers.Serializer[Any]):
    """What is wrong, and in which line of the file (from 1)."""

    line = serializers.IntegerField()
    message = serializers.CharField()


class CaptionsRefusedSerializer(serializers.Serializer[Any]):
    """Why a file of captions was not taken. The captions that were there before stay."""

    code = serializers.CharField()
    detail = serializers.CharField()
    problems = CaptionsProblemSerializer(many=True, required=False)
