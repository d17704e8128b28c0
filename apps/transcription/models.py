"""What was said: transcripts and their cues. WebVTT, SRT, text and JSON are views of these rows."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils import timezone

from apps.transcription.asr.captions import Caption, CaptionWord
from apps.videos.languages import LANGUAGES
from apps.videos.models import Video

RECOGNISER_LENGTH = 200  # characters


class TranscriptQuerySet(models.QuerySet["Transcript"]):
    def in_order_of_trust(self) -> TranscriptQuerySet:
        """Edited before uploaded before automatic; complete before one still being filled; newest first."""
        trust = models.Case(
            models.When(source=Transcript.Source.EDITED, then=0),
            models.When(source=Transcript.Source.UPLOADED, then=1),
            default=2,
        )
        unfinished = models.Case(models.When(completed_at__isnull=True, then=1), default=0)
        return self.order_by("language", trust, unfinished, "-created_at")

    def automatic(self) -> TranscriptQuerySet:
        return self.filter(source=Transcript.Source.AUTO)

    def being_filled(self) -> TranscriptQuerySet:
        return self.filter(completed_at__isnull=True)

    def showable(self) -> TranscriptQuerySet:
        """With `has_cues`: what has a cue by now, or is complete without one because nothing was said."""
        has_cues = models.Exists(Cue.objects.filter(transcript=models.OuterRef("pk")))
        annotated = self.annotate(has_cues=has_cues)  # type: ignore[no-redef]  # declared below, for those who read it
        return annotated.filter(models.Q(has_cues=True) | models.Q(completed_at__isnull=False))


class Transcript(models.Model):
    """The cues of a video in one language from one source.

    An automatic transcript is filled segment by segment: `cursor_ms` says up to where the sound is recognised, and
    `completed_at` is null until its end. A rerun fills a second one, which takes the first one's place when complete.
    """

    class Source(models.TextChoices):
        AUTO = "auto", "Automatic"
        UPLOADED = "uploaded", "Uploaded"
        EDITED = "edited", "Edited"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    video = models.ForeignKey(Video, on_delete=models.CASCADE, related_name="transcripts")
    language = models.CharField(max_length=8, choices=LANGUAGES)
    source = models.CharField(max_length=10, choices=Source.choices)
    recogniser = models.CharField(max_length=RECOGNISER_LENGTH, blank=True)  # what made an automatic one
    # Words of title, tags and description that the recogniser was told to expect, and what tells whether those texts
    # have changed since (`apps.transcription.expected_words`); empty where the recogniser takes no such words.
    hotwords = models.JSONField(default=list, blank=True)
    described_digest = models.CharField(max_length=64, blank=True)
    mean_confidence = models.FloatField(null=True, blank=True)  # over words, in [0, 1]
    cursor_ms = models.PositiveBigIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    completed_at = models.DateTimeField(null=True, blank=True)
    # Moves with every change of the cues: what browsers keep of `/captions.en.vtt` is checked against it.
    updated_at = models.DateTimeField(auto_now=True)

    has_cues: bool  # as `showable()` found it

    objects = TranscriptQuerySet.as_manager()

    class Meta:
        indexes = (models.Index(fields=["video", "language"]),)
        constraints = (
            models.UniqueConstraint(
                fields=["video", "language", "source"],
                condition=models.Q(source__in=["uploaded", "edited"]),
                name="one_uploaded_and_one_edited_per_language",
            ),
        )

    def __str__(self) -> str:
        return f"{self.video}: {self.get_language_display()}, {self.get_source_display().lower()}"

    @property
    def is_complete(self) -> bool:
        return self.completed_at is not None


class Cue(models.Model):
    """A caption: at most two lines, shown from `start_ms` to `end_ms`.

    `words` is a list of `{"text", "start_ms", "end_ms", "confidence"}`; empty where nobody timed the words.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    transcript = models.ForeignKey(Transcript, on_delete=models.CASCADE, related_name="cues")
    position = models.PositiveIntegerField()  # from 0, in order of time
    start_ms = models.PositiveBigIntegerField()
    end_ms = models.PositiveBigIntegerField()
    text = models.TextField()
    words = models.JSONField(default=list, blank=True)
    confidence = models.FloatField(null=True, blank=True)  # mean over its words, in [0, 1]

    class Meta:
        ordering = ("position",)
        constraints = (
            models.UniqueConstraint(fields=["transcript", "position"], name="one_cue_per_position"),
            models.CheckConstraint(condition=models.Q(end_ms__gt=models.F("start_ms")), name="cue_ends_after_start"),
        )

    def __str__(self) -> str:
        return self.text

    def as_caption(self) -> Caption:
        """The row as the writers of `apps.transcription.formats` take it."""
        words = tuple(CaptionWord(**word) for word in self.words)
        return Caption(self.start_ms, self.end_ms, self.text, words, self.confidence)
