"""The record of every stage of every video: what ran, how far it is, how it ended; and of every repair of lip sync."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import DurationField, ExpressionWrapper, F, Q, Value
from django.utils import timezone

from apps.accounts.models import User
from apps.videos.models import Video


class StageRunQuerySet(models.QuerySet["StageRun"]):
    """Transitions are conditional UPDATEs: of two workers that try the same one, the database lets one through."""

    def ended(self) -> StageRunQuerySet:
        return self.filter(state__in=StageRun.ENDED)

    def unended(self) -> StageRunQuerySet:
        return self.exclude(state__in=StageRun.ENDED)

    def stalled(self, now: datetime) -> StageRunQuerySet:
        """Running, but nobody has felt their pulse for `STAGE_STALLED_AFTER_S`."""
        silent_since = now - timedelta(seconds=settings.STAGE_STALLED_AFTER_S)
        return self.filter(state=StageRun.State.RUNNING, heartbeat_at__lt=silent_since)

    def to_announce(self, now: datetime) -> StageRunQuerySet:
        """Queued and due, with no message sent, or one sent so long ago that it may be lost.

        A run that waits behind hours of others is told of ever more rarely, each time after twice as long: else a busy
        broker would fill with messages of which all but one do nothing.
        """
        long_ago = now - timedelta(seconds=settings.STAGE_REQUEUE_AFTER_S)
        due = self.filter(state=StageRun.State.QUEUED, queued_at__lte=now)
        had_waited = ExpressionWrapper(F("announced_at") - F("queued_at"), output_field=DurationField())
        waits_since = ExpressionWrapper(Value(now) - F("announced_at"), output_field=DurationField())
        return due.alias(had_waited=had_waited, waits_since=waits_since).filter(
            Q(announced_at__isnull=True) | Q(announced_at__lt=long_ago, waits_since__gte=F("had_waited"))
        )

    def queue(self, now: datetime) -> int:
        """Makes these runs due, as if they had never run, and says how many they were. Somebody must announce them."""
        return self.update(
            state=StageRun.State.QUEUED,
            attempts=0,
            progress=0.0,
            message="",
            error="",
            claim=None,
            queued_at=now,
            announced_at=None,
            started_at=None,
            ended_at=None,
        )

    def claim(self, video_id: uuid.UUID, stage: str, *, worker: str, now: datetime) -> StageRun | None:
        """Takes a queued run for `worker`; None where it is not there to be taken.

        Whether it is due is not asked again: its message was sent when it was, and this machine's clock may lag.
        """
        claim = uuid.uuid4()
        self.filter(video_id=video_id, stage=stage, state=StageRun.State.QUEUED).update(
            state=StageRun.State.RUNNING,
            claim=claim,
            worker=worker,
            attempts=F("attempts") + 1,
            progress=0.0,
            message="",
            started_at=now,
            heartbeat_at=now,
            ended_at=None,
        )
        # None also where the video was deleted just now.
        return self.select_related("video").filter(claim=claim).first()


class StageRun(models.Model):
    """One stage of one video.

    waiting ─> queued ─> running ─> done | skipped | failed;  running ─(retry)─> queued;  ended ─("run again")─> queued.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"  # for the stages before it
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        SKIPPED = "skipped", "Not needed"
        FAILED = "failed", "Failed"

    SUCCEEDED = (State.DONE, State.SKIPPED)
    ENDED = (*SUCCEEDED, State.FAILED)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    video = models.ForeignKey(Video, on_delete=models.CASCADE, related_name="stage_runs")
    stage = models.CharField(max_length=20)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    progress = models.FloatField(default=0.0)  # in [0, 1]
    message = models.TextField(blank=True)  # for people
    error = models.TextField(blank=True)  # for operators
    claim = models.UUIDField(null=True, blank=True, editable=False, db_index=True)  # of the worker that runs it now
    worker = models.CharField(max_length=100, blank=True, editable=False)
    queued_at = models.DateTimeField(null=True, blank=True, editable=False)  # in the future: a retry that waits
    announced_at = models.DateTimeField(null=True, blank=True, editable=False)  # its message was sent
    started_at = models.DateTimeField(null=True, blank=True, editable=False)
    heartbeat_at = models.DateTimeField(null=True, blank=True, editable=False)
    ended_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = StageRunQuerySet.as_manager()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["video", "stage"], name="one_run_per_video_and_stage"),)
        indexes = (models.Index(fields=["state", "heartbeat_at"]),)

    def __str__(self) -> str:
        return f"{self.stage} of {self.video_id}: {self.get_state_display()}"

    @property
    def has_ended(self) -> bool:
        return self.state in self.ENDED

    @property
    def has_succeeded(self) -> bool:
        return self.state in self.SUCCEEDED

    def beat(self, *, progress: float, message: str, now: datetime) -> bool:
        """Tells that the worker is alive. False: the run was taken away (stalled, deleted, given back)."""
        return bool(self._mine().update(heartbeat_at=now, progress=progress, message=message))

    def end(self, state: StageRun.State, *, message: str, error: str = "", now: datetime) -> bool:
        """Records how the run ended. False: it was taken away, and what this worker did counts for nothing."""
        progress = {"progress": 1.0} if state in self.SUCCEEDED else {}
        return bool(
            self._mine().update(state=state, message=message, error=error, claim=None, ended_at=now, **progress)
        )

    def requeue(self, *, due_at: datetime, error: str = "", counts: bool = True) -> bool:
        """Back into the queue. `counts` is False where nothing went wrong, as when a worker is told to stop."""
        changes: dict[str, object] = {"error": error} if error else {}
        if not counts:
            changes["attempts"] = F("attempts") - 1
        return bool(
            self._mine().update(
                state=self.State.QUEUED, claim=None, message="", queued_at=due_at, announced_at=None, **changes
            )
        )

    def _mine(self) -> StageRunQuerySet:
        return StageRun.objects.filter(pk=self.pk, claim=self.claim, state=self.State.RUNNING)


class SyncRepairQuerySet(models.QuerySet["SyncRepair"]):
    def standing(self) -> SyncRepairQuerySet:
        """Asked for or done, and not undone: at most one a video."""
        return self.exclude(state=SyncRepair.State.UNDONE)

    def moved(self) -> SyncRepairQuerySet:
        """Those whose sound lies elsewhere now."""
        return self.filter(state__in=(SyncRepair.State.DONE, SyncRepair.State.UNDO_ASKED))


class SyncRepair(models.Model):
    """The sound of one video, moved against its picture because it came too late or too early.

    asked ─> done ─> undo asked ─> undone;  asked ─(given up after a failure)─> undone. The stage `move_sound` does it.
    """

    class State(models.TextChoices):
        ASKED = "asked", "Asked for"
        DONE = "done", "Done"
        UNDO_ASKED = "undo_asked", "Undo asked for"
        UNDONE = "undone", "Undone"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    video = models.ForeignKey(Video, on_delete=models.CASCADE, related_name="sync_repairs")
    offset_ms = models.IntegerField()  # as it was found; positive: the sound came late
    state = models.CharField(max_length=10, choices=State.choices, default=State.ASKED)
    made_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    made_at = models.DateTimeField(default=timezone.now)
    done_at = models.DateTimeField(null=True, blank=True)
    undone_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    undone_at = models.DateTimeField(null=True, blank=True)
    # What the way back needs: of the video's row, and of the cues that begin at 0 only because nothing begins earlier.
    former_web_name = models.CharField(max_length=60, blank=True, editable=False)
    former_duration_ms = models.PositiveBigIntegerField(default=0, editable=False)
    cut_cues = models.JSONField(default=dict, blank=True, editable=False)

    objects = SyncRepairQuerySet.as_manager()

    class Meta:
        ordering = ("-made_at",)
        constraints = (
            models.UniqueConstraint(
                fields=["video"], condition=~models.Q(state="undone"), name="one_standing_repair_per_video"
            ),
        )

    def __str__(self) -> str:
        return f"{self.video}: sound moved by {self.shift_ms:+} ms, {self.get_state_display().lower()}"

    @property
    def shift_ms(self) -> int:
        """By how much the sound moves: positive to a later place."""
        return -self.offset_ms
