"""How far a video is."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.pipeline.models import StageRun
from apps.pipeline.stages import STAGES


class StageSerializer(serializers.Serializer[Any]):
    """One stage of the processing of a video."""

    stage = serializers.ChoiceField(choices=[(stage.name, stage.label) for stage in STAGES])
    label = serializers.CharField()  # type: ignore[assignment]
    state = serializers.ChoiceField(choices=StageRun.State.choices)
    state_label = serializers.CharField()
    fraction = serializers.FloatField(help_text="In [0, 1].")
    message = serializers.CharField(help_text="In plain words.")
    error = serializers.CharField(help_text="What an operator needs; empty for all but moderators.")
    can_run_again = serializers.BooleanField(help_text="The caller may ask for it to be run again now.")


class ProcessingSerializer(serializers.Serializer[Any]):
    """The stages of a video in their order."""

    is_processing = serializers.BooleanField(help_text="Ask again in a few seconds.")
    overall = serializers.ChoiceField(choices=["processing", "failed", "ready"])
    stages = StageSerializer(many=True)
