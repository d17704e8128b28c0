"""What the classifier did, in figures: `apps.classification.summary`."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.classification.judgements import UNKNOWN


class StandingSerializer(serializers.Serializer[Any]):
    """How many videos stand under a topic now, whoever put them there."""

    label = serializers.CharField(help_text=f"`{UNKNOWN}`: under none.")  # type: ignore[assignment]
    name = serializers.CharField()
    count = serializers.IntegerField(source="n_videos")
    recent = serializers.IntegerField(source="n_recent", help_text="Of the newest period.")
    before = serializers.IntegerField(source="n_before", help_text="Of the period before that.")


class PeriodOutcomesSerializer(serializers.Serializer[Any]):
    """What the classifier by itself did with the videos that were uploaded within a period."""

    start_at = serializers.DateTimeField()
    end_at = serializers.DateTimeField()
    filed = serializers.IntegerField()
    asked = serializers.IntegerField()
    unknown = serializers.IntegerField()


class ProbabilityBinSerializer(serializers.Serializer[Any]):
    """Videos by the probability of their likeliest topic."""

    start = serializers.FloatField()
    end = serializers.FloatField(help_text="Not within the bin, but for the last.")
    recent = serializers.IntegerField(source="n_recent")
    before = serializers.IntegerField(source="n_before")


class ClassifierUseSerializer(serializers.Serializer[Any]):
    """A changed classifier explains much that looks like drift."""

    name = serializers.CharField()
    recent = serializers.IntegerField(source="n_recent")
    before = serializers.IntegerField(source="n_before")


class DriftSerializer(serializers.Serializer[Any]):
    """The newest period against the one before."""

    recent = serializers.IntegerField(source="comparison.n_recent", help_text="Videos.")
    before = serializers.IntegerField(source="comparison.n_before", help_text="Videos.")
    p_value = serializers.FloatField(
        source="comparison.p_value",
        allow_null=True,
        help_text="How often chance alone makes so large a difference (permutation test). Null: too few videos.",
    )
    stability_index = serializers.FloatField(
        source="comparison.psi", allow_null=True, help_text="Population stability index. Null: too few videos."
    )
    has_drifted = serializers.BooleanField(source="comparison.has_drifted")
    sentence = serializers.CharField(help_text="The same for people.")


class AccuracySerializer(serializers.Serializer[Any]):
    """How often moderators agreed with the classifier."""

    judged = serializers.IntegerField(source="n_judged")
    right = serializers.IntegerField(source="n_right")
    share = serializers.FloatField(allow_null=True, help_text="Null: none was judged.")
    interval = serializers.ListField(
        child=serializers.FloatField(), allow_null=True, help_text="Of 95 %, after Wilson: lower and upper end."
    )


class JudgementsSerializer(serializers.Serializer[Any]):
    """The last word of moderators on each video against what the classifier had said."""

    overall = AccuracySerializer()
    filed = AccuracySerializer()
    asked = AccuracySerializer()
    unknown = AccuracySerializer()
    recent = serializers.IntegerField(source="n_recent", help_text="Judged within the newest period.")
    labels = serializers.ListField(child=serializers.CharField())
    confusion = serializers.ListField(
        child=serializers.ListField(child=serializers.IntegerField()),
        help_text="A row for what moderators chose, a column for what the classifier said, in the order of `labels`.",
    )


class TopicSummarySerializer(serializers.Serializer[Any]):
    """Shares of topics, outcomes over time, drift and judgements."""

    days = serializers.IntegerField(help_text="The length of a period.")
    topics = StandingSerializer(many=True, source="standings")
    periods = PeriodOutcomesSerializer(many=True, help_text="The newest first.")
    topic_drift = DriftSerializer()
    probabilities = ProbabilityBinSerializer(many=True, source="bins")
    mean_recent = serializers.FloatField(allow_null=True, help_text="Mean probability; null: no video.")
    mean_before = serializers.FloatField(allow_null=True)
    probability_drift = DriftSerializer()
    classifiers = ClassifierUseSerializer(many=True)
    judgements = JudgementsSerializer()
