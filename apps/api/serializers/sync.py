"""Lip sync, as owner and moderators of a video see it."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.api.serializers.given import GivenSerializer
from apps.avsync.models import SyncReport
from apps.pipeline.models import SyncRepair


class SyncWindowSerializer(serializers.Serializer[Any]):
    """What one looked-at stretch of the video says by itself."""

    start_ms = serializers.IntegerField()
    offset_ms = serializers.FloatField()
    probability = serializers.FloatField(help_text="In [0, 1].")


class SyncReportSerializer(serializers.ModelSerializer[SyncReport]):
    """What the check of lip sync found."""

    offset_ms = serializers.FloatField(
        allow_null=True, help_text="Positive: the sound comes late. Null: nobody can tell, for `reason`."
    )
    drift_ms_per_min = serializers.FloatField(
        allow_null=True, help_text="How much later the sound gets each minute. Null: the offset is constant."
    )
    probability = serializers.FloatField(help_text="In [0, 1], that the offset is right to within 40 ms.")
    coverage = serializers.FloatField(help_text="In [0, 1]: of what was looked at, what shows a speaking face.")
    distances: serializers.ListField = serializers.ListField(
        child=serializers.FloatField(), help_text="Of lips and sound, for offsets of -600, -560 … +600 ms."
    )
    windows = SyncWindowSerializer(many=True)
    checked_at = serializers.DateTimeField(source="created_at")

    class Meta:
        model = SyncReport
        fields = (
            "verdict",
            "reason",
            "offset_ms",
            "drift_ms_per_min",
            "probability",
            "coverage",
            "distances",
            "windows",
            "network",
            "checked_at",
        )
        read_only_fields = fields


class SyncRepairSerializer(serializers.ModelSerializer[SyncRepair]):
    """The repair that stands: asked for, or done."""

    shift_ms = serializers.IntegerField(help_text="By how much the sound moves; negative: it comes earlier then.")
    made_by = serializers.CharField(source="made_by.username", allow_null=True, default=None, help_text="User name.")

    class Meta:
        model = SyncRepair
        fields = ("state", "offset_ms", "shift_ms", "made_by", "made_at", "done_at")
        read_only_fields = fields


class SyncSerializer(serializers.Serializer[Any]):
    """Lip sync of a video: what was found, and what can be done about it now."""

    sentence = serializers.CharField(help_text="What was found, or what is under way, in plain words.")
    report = SyncReportSerializer(allow_null=True)
    repair = SyncRepairSerializer(allow_null=True)
    is_checking = serializers.BooleanField()
    is_moving = serializers.BooleanField(help_text="The sound is being moved, or moved back.")
    failure = serializers.CharField(help_text="Why the sound could not be moved, if so.")
    repair_refusal = serializers.CharField(help_text="Why a repair would be refused now. Empty: it can be asked for.")
    undo_refusal = serializers.CharField(help_text="Why an undo would be refused now. Empty: it can be asked for.")


class AskForRepairSerializer(GivenSerializer):
    """What the caller read before."""

    offset_ms = serializers.IntegerField(
        required=False,
        help_text="The rounded `offset_ms` of the report that the caller read: if another was found since, 409.",
    )
