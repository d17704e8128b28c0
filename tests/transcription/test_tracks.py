import pytest
from django.db import IntegrityError
from pytest_django import DjangoAssertNumQueries

from apps.accounts.models import User
from apps.transcription.tracks import (
    caption_tracks,
    caption_tracks_of,
    served_cues,
    served_transcript,
    transcript_text,
)
from apps.videos.models import Video
from tests.factories import make_video
from tests.transcription.rows import make_transcript

pytestmark = pytest.mark.django_db


def test_it_serves_the_edited_else_the_uploaded_else_the_automatic(video: Video) -> None:
    automatic = make_transcript(video, "auto", "a")
    assert served_transcript(video, "en") == automatic

    uploaded = make_transcript(video, "uploaded", "b")
    assert served_transcript(video, "en") == uploaded

    edited = make_transcript(video, "edited", "c")
    assert served_transcript(video, "en") == edited
    assert caption_tracks(video) == [edited]


def test_it_serves_the_complete_automatic_one_while_a_rerun_fills_another(video: Video) -> None:
    complete = make_transcript(video, "auto", "old")
    make_transcript(video, "auto", "new", is_complete=False)

    assert caption_tracks(video) == [complete]


def test_it_serves_one_being_filled_from_its_first_cue_on(video: Video) -> None:
    make_transcript(video, "auto", is_complete=False, language="de")
    filling = make_transcript(video, "auto", "one", is_complete=False)

    assert caption_tracks(video) == [filling]
    assert served_transcript(video, "de") is None


def test_it_serves_a_complete_one_in_which_nothing_is_said(video: Video) -> None:
    nothing_said = make_transcript(video, "auto")

    assert caption_tracks(video) == [nothing_said]
    assert served_transcript(video) == nothing_said
    assert transcript_text(video) == ""


def test_it_puts_the_spoken_language_first_and_never_falls_back_on_another(owner: User) -> None:
    video = make_video(owner, language="fr")
    english = make_transcript(video, "uploaded", "hello")
    german = make_transcript(video, "uploaded", "hallo", language="de")
    french = make_transcript(video, "auto", "bonjour", language="fr")

    assert caption_tracks(video) == [french, german, english]
    assert served_transcript(video) == french
    assert served_transcript(video, "en") == english
    assert served_transcript(video, "es") is None


def test_it_takes_captions_in_another_language_for_the_text_where_nothing_was_heard(video: Video) -> None:
    make_transcript(video, "auto")
    german = make_transcript(video, "uploaded", "Untertitel\neines Stummfilms", language="de")

    assert served_transcript(video) == german
    assert transcript_text(video) == "Untertitel eines Stummfilms"


def test_it_joins_the_text_in_order_on_one_line(video: Video) -> None:
    make_transcript(video, "auto", "Good\nmorning,", "everybody.")

    assert transcript_text(video) == "Good morning, everybody."


def test_it_knows_nothing_of_a_video_without_transcripts(video: Video) -> None:
    assert caption_tracks(video) == []
    assert served_transcript(video) is None
    assert served_cues(video) == []
    assert transcript_text(video) == ""


def test_it_asks_the_database_once_for_tracks_and_twice_for_cues(
    owner: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    videos = [make_video(owner) for _ in range(3)]
    for video in videos:
        for language in ("en", "de", "fr"):
            make_transcript(video, "auto", "one", "two", language=language)

    with django_assert_num_queries(1):
        tracks = caption_tracks_of(videos)
    assert [[track.language for track in tracks[video.pk]] for video in videos] == [["en", "de", "fr"]] * 3

    with django_assert_num_queries(2):
        cues = [(track.language, [cue.text for cue in cues]) for track, cues in served_cues(videos[0])]
    assert cues == [("en", ["one", "two"]), ("de", ["one", "two"]), ("fr", ["one", "two"])]


def test_it_keeps_one_uploaded_transcript_per_language(video: Video) -> None:
    make_transcript(video, "uploaded", "a")

    with pytest.raises(IntegrityError):
        make_transcript(video, "uploaded", "b")
