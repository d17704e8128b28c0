"""Captions that move in time, because the sound that they belong to moved."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from apps.transcription.models import Cue, Transcript
from apps.videos.models import Video
from apps.videos.signals import video_changed

_CUES_AT_ONCE = 500
_TIMES = ("start_ms", "end_ms", "words")

# Of a cue, its times and words as they were, and as they became. Both are kept where the way back is not plain.
CutCue = dict[str, Any]


@transaction.atomic
def move_captions(video: Video, shift_ms: int) -> dict[str, CutCue]:
    """Moves every cue and word of every transcript of `video` by `shift_ms`, whoever made or edited it.

    What would begin before 0 begins at 0: such cues are returned by their ids, for `move_captions_back`. What a killed
    recogniser left is moved with its cursor, so that it goes on where the moved sound goes on. Costs an UPDATE for 500
    cues.
    """
    cut: dict[str, CutCue] = {}
    for cues in _batches(video):
        for cue in cues:
            was = _times_of(cue)
            _set_times(cue, _moved(was, shift_ms))
            if min([was["start_ms"], *(word["start_ms"] for word in was["words"])]) + shift_ms < 0:
                cut[str(cue.pk)] = {"was": was, "became": _times_of(cue)}
        Cue.objects.bulk_update(cues, _TIMES)
    _tell(video, shift_ms)
    return cut


@transaction.atomic
def move_captions_back(video: Video, shift_ms: int, cut: dict[str, CutCue]) -> None:
    """Undoes `move_captions(video, shift_ms)`, exactly; what was edited or uploaded since moves with the rest."""
    for cues in _batches(video):
        for cue in cues:
            kept = cut.get(str(cue.pk))
            is_untouched = kept is not None and kept["became"] == _times_of(cue)
            _set_times(cue, kept["was"] if kept and is_untouched else _moved(_times_of(cue), -shift_ms))
        Cue.objects.bulk_update(cues, _TIMES)
    _tell(video, -shift_ms)


def _batches(video: Video) -> Iterator[list[Cue]]:
    ids = list(
        Cue.objects.filter(transcript__video=video).order_by("transcript", "position").values_list("pk", flat=True)
    )
    for start in range(0, len(ids), _CUES_AT_ONCE):
        yield list(Cue.objects.filter(pk__in=ids[start : start + _CUES_AT_ONCE]))


def _times_of(cue: Cue) -> CutCue:
    return {"start_ms": cue.start_ms, "end_ms": cue.end_ms, "words": cue.words}


def _set_times(cue: Cue, times: CutCue) -> None:
    cue.start_ms, cue.end_ms, cue.words = times["start_ms"], times["end_ms"], times["words"]


def _moved(times: CutCue, shift_ms: int) -> CutCue:
    start_ms = max(0, times["start_ms"] + shift_ms)
    return {
        "start_ms": start_ms,
        "end_ms": max(start_ms + 1, times["end_ms"] + shift_ms),  # of a cue that lay before 0, a moment stays
        "words": [
            {**word, "start_ms": max(0, word["start_ms"] + shift_ms), "end_ms": max(0, word["end_ms"] + shift_ms)}
            for word in times["words"]
        ],
    }


def _tell(video: Video, shift_ms: int) -> None:
    """The transcripts changed, which caches and the search index must know, and unfinished ones end elsewhere now."""
    transcripts = Transcript.objects.filter(video=video)
    unfinished = transcripts.being_filled()
    # With so little in it, it is begun anew; and whoever still fills it learns that it is gone.
    unfinished.filter(cursor_ms__lte=max(0, -shift_ms)).delete()
    unfinished.update(cursor_ms=F("cursor_ms") + shift_ms)
    if transcripts.update(updated_at=timezone.now()):
        video_changed.send(sender=__name__, video_id=video.pk)
