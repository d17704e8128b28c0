"""Lip sync repaired by moving the sound, and the original brought back."""

from __future__ import annotations

import hashlib

import pytest

from apps.avsync.models import SyncReport
from apps.pipeline import runs
from apps.pipeline.models import StageRun
from apps.pipeline.repair import ask_for_repair
from apps.pipeline.sync_status import sync_status
from apps.transcription.models import Transcript
from apps.videos.files import original_path, path_of
from apps.videos.models import Video
from tests.pipeline.repair.acts import (
    A_FRAME,
    A_MILLISECOND,
    Uploaded,
    all_of,
    repaired,
    report,
    starts_ms,
    undone,
    work,
)
from tests.transcription.rows import make_transcript
from tests.videos.beeps import beeps_late_ms

State = StageRun.State
pytestmark = pytest.mark.django_db


# --- what a repair does ---


@pytest.mark.parametrize(
    ("extension", "late_ms", "repaired_name", "web_name"),
    [
        ("mp4", 200, "repaired.mp4", "repaired.mp4"),
        ("webm", -120, "repaired.webm", "repaired.webm"),
        ("mov", 200, "repaired.mov", "web-repaired.mp4"),
        ("mpg", 160, "repaired.mkv", "web-repaired.mp4"),
        ("avi", -120, "repaired.mkv", "web-repaired.mp4"),
    ],
)
def test_the_sound_of_the_file_and_of_what_is_played_fits_then(
    uploaded: Uploaded, extension: str, late_ms: int, repaired_name: str, web_name: str
) -> None:
    video = uploaded(extension, late_ms)
    played_before = beeps_late_ms(path_of(video, video.web_name))
    original_before = beeps_late_ms(original_path(video))
    digest = hashlib.sha256(original_path(video).read_bytes()).hexdigest()
    repaired(video)
    assert (video.repaired_name, video.web_name) == (repaired_name, web_name)
    source, played = beeps_late_ms(path_of(video, repaired_name)), beeps_late_ms(path_of(video, web_name))
    assert [at + late_ms for at in source] == pytest.approx(original_before, abs=A_MILLISECOND)
    assert [at + late_ms for at in played] == pytest.approx(played_before, abs=A_MILLISECOND)
    assert played == pytest.approx([0, 0], abs=A_FRAME)
    assert hashlib.sha256(original_path(video).read_bytes()).hexdigest() == digest == video.sha256


def test_captions_move_with_the_sound_and_pictures_stay(uploaded: Uploaded) -> None:
    video = uploaded(late_ms=200)
    pictures = ["poster.jpg", "storyboard.vtt", "storyboard-0.jpg", "preview.mp4"]
    before = [path_of(video, name).read_bytes() for name in pictures]
    assert starts_ms(video) == [0, 0, 1_000, 1_000]
    repaired(video)
    assert starts_ms(video) == [0, 0, 800, 800]
    assert (video.poster_name, video.storyboard_name, video.preview_name) == (
        "poster.jpg",
        "storyboard.vtt",
        "preview.mp4",
    )
    assert [path_of(video, name).read_bytes() for name in pictures] == before


def test_what_was_found_before_is_forgotten_and_looked_for_anew(uploaded: Uploaded) -> None:
    video = uploaded()
    ask_for_repair(video, by=video.owner)
    assert StageRun.objects.get(video=video, stage="check_sync").state == State.WAITING
    told: list[str] = []
    work(video, "move_sound", lambda fraction, message="": told.append(message))
    assert told[-1] == "The sound was moved: it comes 200 ms earlier."
    assert not SyncReport.objects.exists()
    states = dict(StageRun.objects.filter(video=video).values_list("stage", "state"))
    assert (states["check_sync"], states["classify"], states["embed"]) == ("queued", "queued", "queued")
    assert (states["render"], states["transcribe"]) == ("done", "done")


def test_the_page_is_told_when_the_check_does_not_find_them_in_sync_afterwards(uploaded: Uploaded) -> None:
    video = repaired(uploaded())
    report(video, "in_sync", 4.0)
    assert not sync_status(video).repair_did_not_help
    report(video, "sound_early", -80.0)
    status = sync_status(video)
    assert status.repair_did_not_help
    assert status.can_undo


def test_a_rendition_made_anew_is_one_of_the_repaired_file(uploaded: Uploaded) -> None:
    video = repaired(uploaded("mpg", 160))
    before = beeps_late_ms(path_of(video, "web-repaired.mp4"))
    path_of(video, "web-repaired.mp4").unlink()
    runs.run_again(video, "render", by=video.owner)
    work(video, "render")
    assert video.web_name == "web-repaired.mp4"
    assert beeps_late_ms(path_of(video, video.web_name)) == pytest.approx(before, abs=A_FRAME)
    work(video, "move_sound")  # it follows, and finds nothing to do
    undone(video)
    assert video.web_name == "web.mp4"
    assert beeps_late_ms(path_of(video, "web.mp4")) == pytest.approx([160, 160], abs=A_FRAME)


def test_where_nothing_was_prepared_for_playback_that_is_done_from_the_repaired_file(uploaded: Uploaded) -> None:
    video = uploaded("mov")
    path_of(video, "web.mp4").unlink()
    Video.objects.filter(pk=video.pk).update(web_name="original.mov")  # which an older version thought would play
    ask_for_repair(video, by=video.owner)
    assert work(video, "move_sound").state == State.WAITING  # for playback, after which it finds nothing to do
    assert (video.repaired_name, video.web_name) == ("repaired.mov", "")
    work(video, "render")
    assert beeps_late_ms(path_of(video, video.web_name)) == pytest.approx([0, 0], abs=A_FRAME)


# --- undo ---


@pytest.mark.parametrize(("extension", "late_ms"), [("mp4", 200), ("mpg", 160)])
def test_an_undo_brings_everything_back_exactly(uploaded: Uploaded, extension: str, late_ms: int) -> None:
    video = uploaded(extension, late_ms)
    before = all_of(video)
    repaired(video)
    assert all_of(video) != before
    undone(video)
    assert all_of(video) == before
    assert sync_status(video).repair is None


def test_captions_heard_anew_after_the_repair_move_back_with_the_sound(uploaded: Uploaded) -> None:
    video = repaired(uploaded(late_ms=200))
    Transcript.objects.filter(video=video).delete()
    make_transcript(video, "auto", "one", "two", words=True)
    undone(video)
    assert starts_ms(video) == [200, 1_200]
