from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest
from django.apps import apps
from pytest_django import Settings

from apps.accounts.models import User
from apps.avsync.check import check_sync
from apps.avsync.models import SyncReport
from apps.avsync.wording import in_words
from apps.pipeline import runs
from apps.pipeline.models import StageRun
from apps.videos.files import folder, original_path
from apps.videos.models import Video
from apps.videos.stage import StageFailedError, StageSkippedError
from tests.avsync.reports import VERDICT, make_report
from tests.avsync.scenes import Clip, drawn_checker, later, talk, write_clip
from tests.factories import make_video

pytestmark = pytest.mark.django_db
CHECKER = drawn_checker()
TALK = talk(6.0, seed=5)


@pytest.fixture(autouse=True)
def switched_on(settings: Settings, tmp_path: Path) -> None:
    settings.SYNC_CHECK = True
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def video_of(owner: User) -> Callable[[Clip], Video]:
    def make(clip: Clip) -> Video:
        video = make_video(owner, duration_ms=6_000)
        folder(video.pk).mkdir(parents=True)
        write_clip(original_path(video), clip)
        return video

    return make


def unwanted() -> NoReturn:
    pytest.fail("it loaded a network that it does not need")


def quiet(fraction: float, message: str = "") -> None:
    assert 0 <= fraction <= 1


def test_it_reports_how_late_the_sound_is(video_of: Callable[[Clip], Video]) -> None:
    video = video_of(replace(TALK, samples=later(TALK.samples, 200)))
    told: list[str] = []
    check_sync(video, lambda fraction, message="": told.append(message), checker_of=lambda: CHECKER)
    report = video.sync_report
    assert report.verdict == VERDICT.SOUND_LATE
    assert report.offset_ms == pytest.approx(200, abs=20)
    assert report.probability > 0.9
    assert (report.reason, report.drift_ms_per_min, report.network) == ("", None, "loud mouth")
    assert len(report.distances) == 31
    assert set(report.windows[0]) == {"start_ms", "offset_ms", "probability"}
    assert told[-1] == in_words(report)


def test_every_run_replaces_the_report(video_of: Callable[[Clip], Video]) -> None:
    video = video_of(TALK)
    before = make_report(video)
    for _ in range(2):
        check_sync(video, quiet, checker_of=lambda: CHECKER)
    report = SyncReport.objects.get(video=video)
    assert report.verdict == VERDICT.IN_SYNC
    assert report.created_at > before.created_at


def test_that_nobody_can_tell_is_a_result(video_of: Callable[[Clip], Video]) -> None:
    video = video_of(replace(TALK, samples=np.zeros_like(TALK.samples)))
    make_report(video)
    check_sync(video, quiet, checker_of=lambda: CHECKER)
    report = SyncReport.objects.get(video=video)
    assert (report.verdict, report.offset_ms, report.reason) == (VERDICT.UNKNOWN, None, "too_little_speech")
    assert not SyncReport.objects.out_of_sync().exists()


def test_a_video_without_sound_is_skipped_and_has_no_report(owner: User) -> None:
    video = make_video(owner, audio_codec="")
    make_report(video)
    with pytest.raises(StageSkippedError, match="no sound"):
        check_sync(video, quiet, checker_of=unwanted)
    assert not SyncReport.objects.exists()


def test_switched_off_it_reports_nothing(owner: User, settings: Settings) -> None:
    settings.SYNC_CHECK = False
    video = make_video(owner)
    make_report(video)
    with pytest.raises(StageSkippedError, match="switched off"):
        check_sync(video, quiet, checker_of=unwanted)
    assert not SyncReport.objects.exists()


def test_a_file_that_cannot_be_read_fails_with_what_to_do(video_of: Callable[[Clip], Video]) -> None:
    video = video_of(TALK)
    original_path(video).write_bytes(b"no video at all")
    with pytest.raises(StageFailedError, match="Convert it to MP4"):
        check_sync(video, quiet, checker_of=lambda: CHECKER)


def test_videos_of_before_get_the_stage(owner: User) -> None:
    checked, unchecked = make_video(owner), make_video(owner)
    for video in (checked, unchecked):
        runs.start(video)
    StageRun.objects.filter(video=checked).update(state=StageRun.State.DONE)
    StageRun.objects.filter(stage="check_sync").delete()
    import_module("apps.pipeline.migrations.0003_check_sync").add_runs(apps, None)
    states = dict(StageRun.objects.filter(stage="check_sync").values_list("video_id", "state"))
    assert states == {checked.pk: "queued", unchecked.pk: "waiting"}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, "The sound comes 200 ms late: sure to 98 %."),
        ({"offset_ms": -120.4, "verdict": VERDICT.SOUND_EARLY}, "The sound comes 120 ms early: sure to 98 %."),
        (
            {"offset_ms": 3.0, "verdict": VERDICT.IN_SYNC, "probability": 0.9999},
            "Sound and lips agree: sure to 99 %.",
        ),
        (
            {"verdict": VERDICT.DRIFTING, "drift_ms_per_min": -12.0, "offset_ms": -50.0},
            "The sound comes ever earlier, by 12 ms a minute; in the middle it is 50 ms early: sure to 98 %.",
        ),
        (
            {"verdict": VERDICT.UNKNOWN, "offset_ms": None, "reason": "no_face"},
            "Nobody can be seen speaking, so nobody can tell whether the sound fits.",
        ),
        (
            {"verdict": VERDICT.UNKNOWN, "offset_ms": None, "reason": "too_little_speech"},
            "There is too little speech to tell whether the sound fits the lips.",
        ),
        (
            {"verdict": VERDICT.UNKNOWN, "offset_ms": None, "reason": "not_sure"},
            "Whether the sound fits the lips cannot be told with certainty.",
        ),
    ],
)
def test_it_says_it_in_a_plain_sentence(owner: User, changes: dict[str, object], sentence: str) -> None:
    assert in_words(make_report(make_video(owner), **changes)) == sentence
