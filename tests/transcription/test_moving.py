"""Captions that move with their sound, and back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.transcription.models import Cue, Transcript
from apps.transcription.moving import move_captions, move_captions_back
from apps.videos.models import Video
from apps.videos.signals import video_changed
from tests.factories import make_video
from tests.transcription.rows import make_transcript

pytestmark = pytest.mark.django_db

Times = list[tuple[int, int, list[tuple[int, int]]]]


@pytest.fixture
def video(owner: User) -> Video:
    return make_video(owner)


def times(transcript: Transcript) -> Times:
    return [
        (cue.start_ms, cue.end_ms, [(word["start_ms"], word["end_ms"]) for word in cue.words])
        for cue in transcript.cues.order_by("position")
    ]


def test_cues_and_words_of_every_transcript_move(video: Video) -> None:
    automatic = make_transcript(video, "auto", "one", "two", words=True)
    uploaded = make_transcript(video, "uploaded", "eins", "zwei", language="de")
    edited = make_transcript(video, "edited", "one", "two", words=True)
    of_another = make_transcript(make_video(video.owner), "auto", "one", words=True)
    assert move_captions(video, 150) == {}
    assert times(automatic) == times(edited) == [(150, 1_150, [(150, 1_050)]), (1_150, 2_150, [(1_150, 2_050)])]
    assert times(uploaded) == [(150, 1_150, []), (1_150, 2_150, [])]
    assert times(of_another) == [(0, 1_000, [(0, 900)])]


def test_what_would_begin_before_the_video_begins_with_it(video: Video) -> None:
    transcript = make_transcript(video, "auto", "one", "two", words=True)
    Cue.objects.create(transcript=transcript, position=2, start_ms=10, end_ms=90, text="hm")
    move_captions(video, -200)
    assert times(transcript) == [(0, 800, [(0, 700)]), (800, 1_800, [(800, 1_700)]), (0, 1, [])]


@pytest.mark.parametrize("shift_ms", [-600, -200, 75])
def test_the_way_back_leads_to_where_they_were(video: Video, shift_ms: int) -> None:
    transcript = make_transcript(video, "auto", "one", "two", words=True)
    Cue.objects.create(transcript=transcript, position=2, start_ms=10, end_ms=90, text="hm")
    before = times(transcript)
    cut = move_captions(video, shift_ms)
    assert times(transcript) != before
    move_captions_back(video, shift_ms, cut)
    assert times(transcript) == before


def test_what_was_edited_or_uploaded_since_moves_with_the_rest_on_the_way_back(video: Video) -> None:
    transcript = make_transcript(video, "edited", "one", "two")
    cut = move_captions(video, -200)
    first = transcript.cues.get(position=0)
    first.start_ms, first.end_ms = 300, 900
    first.save()
    uploaded = make_transcript(video, "uploaded", "eins", language="de")
    move_captions_back(video, -200, cut)
    assert times(transcript) == [(500, 1_100, []), (1_000, 2_000, [])]
    assert times(uploaded) == [(200, 1_200, [])]


def test_what_a_killed_recogniser_left_goes_on_where_the_moved_sound_does(video: Video) -> None:
    unfinished = make_transcript(video, "auto", "one", "two", is_complete=False, words=True)
    move_captions(video, -200)
    unfinished.refresh_from_db()
    assert unfinished.cursor_ms == 1_800


def test_what_had_hardly_begun_is_begun_anew(video: Video) -> None:
    """Its cursor could not tell the run that fills it that the sound is another one by now."""
    make_transcript(video, "auto", is_complete=False)
    move_captions(video, -200)
    assert not Transcript.objects.exists()


def test_caches_and_the_search_index_are_told(video: Video) -> None:
    transcript = make_transcript(video, "auto", "one")
    Transcript.objects.update(updated_at=timezone.now() - timedelta(days=1))
    told: list[object] = []

    def hear(video_id: object, **_: object) -> None:
        told.append(video_id)

    video_changed.connect(hear)
    try:
        move_captions(video, 100)
    finally:
        video_changed.disconnect(hear)
    assert told == [video.pk]
    transcript.refresh_from_db()
    assert timezone.now() - transcript.updated_at < timedelta(hours=1)
