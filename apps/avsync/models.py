"""Whether the sound of a video fits its lips."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils import timezone

from apps.videos.models import Video


class SyncReportQuerySet(models.QuerySet["SyncReport"]):
    def out_of_sync(self) -> SyncReportQuerySet:
        """Those whose sound is known not to fit the lips. Where nobody can tell, nobody is accused."""
        return self.filter(verdict__in=SyncReport.OUT_OF_SYNC)


class SyncReport(models.Model):
    """What the check of lip sync said of a video: one row a video, which every run of the check replaces.

    Times are positive where the sound is late, that is, comes after the lips. Broadcasters count the other way round
    (ITU-R BT.1359: positive where the sound is advanced).
    """

    class Verdict(models.TextChoices):
        IN_SYNC = "in_sync", "In sync"
        SOUND_LATE = "sound_late", "The sound is late"
        SOUND_EARLY = "sound_early", "The sound is early"
        DRIFTING = "drifting", "Sound and picture drift apart"
        UNKNOWN = "unknown", "Unknown"

    class Reason(models.TextChoices):
        """Why it cannot tell, in the words of `syncnet.offset.Reason`, whose import here would load numpy."""

        NO_FACE = "no_face", "No face"
        TOO_LITTLE_SPEECH = "too_little_speech", "Too little speech"
        NOT_SURE = "not_sure", "Not sure"

    OUT_OF_SYNC = (Verdict.SOUND_LATE, Verdict.SOUND_EARLY, Verdict.DRIFTING)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    video = models.OneToOneField(Video, on_delete=models.CASCADE, related_name="sync_report")
    verdict = models.CharField(max_length=11, choices=Verdict, db_index=True)
    # Null: the check cannot tell, for `reason`. Of a drifting video, what it is in the middle.
    offset_ms = models.FloatField(null=True)
    drift_ms_per_min = models.FloatField(null=True)  # how much later the sound gets each minute; null: it stays
    probability = models.FloatField()  # in [0, 1], that the offset is right to within a frame of 40 ms
    coverage = models.FloatField()  # in [0, 1], of what was looked at: how much shows a face while somebody speaks
    reason = models.CharField(max_length=17, choices=Reason, blank=True)
    # Of lips and sound, for -15 ... +15 frames of 40 ms; empty where there was nothing to compare.
    distances = models.JSONField(default=list)
    windows = models.JSONField(default=list)  # dictionaries with the fields of `syncnet.offset.WindowOffset`
    network = models.CharField(max_length=200)  # name of the checker and the beginning of its weights' sha256
    created_at = models.DateTimeField(default=timezone.now)

    objects = SyncReportQuerySet.as_manager()

    def __str__(self) -> str:
        shift = "" if self.offset_ms is None else f", {self.offset_ms:+.0f} ms"
        return f"{self.video}: {self.get_verdict_display()}{shift}"

    @property
    def is_out_of_sync(self) -> bool:
        """The rule of `SyncReportQuerySet.out_of_sync`."""
        return self.verdict in self.OUT_OF_SYNC
