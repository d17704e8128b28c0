"""One stage in one process: how it ends, and who may end it."""

import threading
import time
import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import InterfaceError, connection, transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.pipeline import execution, recovery, runs
from apps.pipeline.models import StageRun
from apps.pipeline.stages import STAGE_BY_NAME
from apps.pipeline.status import stage_views
from apps.videos.models import Notice, Video
from tests.factories import make_video

State = StageRun.State
# The pulse writes from a thread of its own, which sees committed rows only.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def quick(settings: object) -> None:
    settings.STAGE_HEARTBEAT_S = 0.05  # type: ignore[attr-defined]
    settings.STAGE_RETRY_DELAY_S = 0  # type: ignore[attr-defined]


@pytest.fixture
def video(owner: User) -> Video:
    video = make_video(owner)
    runs.start(video)
    return video


def run_probe(video: Video, verb: str, monkeypatch: pytest.MonkeyPatch) -> tuple[StageRun, list[float]]:
    """Runs `tests.pipeline.verbs.<verb>` as the stage `probe`; also the moments at which it would have been killed."""
    stage = replace(STAGE_BY_NAME["probe"], verb=f"tests.pipeline.verbs.{verb}")
    monkeypatch.setitem(STAGE_BY_NAME, "probe", stage)
    killed: list[float] = []
    execution.run_stage(video.id, "probe", worker="media@test", kill=lambda: killed.append(time.monotonic()))
    return StageRun.objects.get(video=video, stage="probe"), killed


def test_it_records_success_with_the_last_message(video: Video, monkeypatch: pytest.MonkeyPatch) -> None:
    run, _ = run_probe(video, "succeed", monkeypatch)
    assert (run.state, run.progress, run.message, run.attempts) == (State.DONE, 1.0, "all of it", 1)


def test_it_records_that_there_was_nothing_to_do(video: Video, monkeypatch: pytest.MonkeyPatch) -> None:
    run, _ = run_probe(video, "skip", monkeypatch)
    assert (run.state, run.message) == (State.SKIPPED, "This video has no sound.")


def test_it_does_not_repeat_what_cannot_succeed(video: Video, monkeypatch: pytest.MonkeyPatch) -> None:
    run, _ = run_probe(video, "refuse", monkeypatch)
    assert (run.state, run.message, run.attempts) == (State.FAILED, "The file ends too early.", 1)


def test_it_tries_a_crash_again_and_then_fails_in_plain_words_and_in_full(
    video: Video, moderator: User, monkeypatch: pytest.MonkeyPatch, settings: object
) -> None:
    for attempt in range(1, settings.STAGE_MAX_ATTEMPTS):  # type: ignore[attr-defined]
        run, _ = run_probe(video, "crash", monkeypatch)
        assert (run.state, run.attempts) == (State.QUEUED, attempt)
    run, _ = run_probe(video, "crash", monkeypatch)
    assert run.state == State.FAILED
    (for_owner,) = [view for view in stage_views(video, video.owner) if view.stage == "probe"]
    (for_moderator,) = [view for view in stage_views(video, moderator) if view.stage == "probe"]
    assert for_owner.can_run_again
    assert "disk on fire" not in for_owner.message + for_owner.error
    assert "disk on fire" in for_moderator.error


def test_it_does_nothing_with_a_message_that_came_twice(video: Video, monkeypatch: pytest.MonkeyPatch) -> None:
    run_probe(video, "succeed", monkeypatch)
    run, _ = run_probe(video, "crash", monkeypatch)
    assert (run.state, run.attempts) == (State.DONE, 1)
    execution.run_stage(uuid.uuid4(), "probe", worker="w", kill=lambda: None)


def test_it_stops_when_the_video_is_deleted(video: Video, monkeypatch: pytest.MonkeyPatch) -> None:
    def delete() -> None:
        Video.objects.filter(pk=video.pk).delete()
        connection.close()

    threading.Timer(0.3, delete).start()
    stage = replace(STAGE_BY_NAME["probe"], verb="tests.pipeline.verbs.report_for_ever")
    monkeypatch.setitem(STAGE_BY_NAME, "probe", stage)
    killed: list[float] = []
    execution.run_stage(video.id, "probe", worker="w", kill=lambda: killed.append(time.monotonic()))
    assert killed == [], "the verb noticed by itself"


def test_a_database_that_is_away_for_a_heartbeat_costs_nothing(video: Video, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[bool] = []
    beat = StageRun.beat

    def beat_at_last(run: StageRun, **told: Any) -> bool:
        written.append(len(written) >= 2)
        if not written[-1]:
            raise InterfaceError("connection already closed")
        return beat(run, **told)

    monkeypatch.setattr(StageRun, "beat", beat_at_last)
    run, killed = run_probe(video, "take_a_moment", monkeypatch)
    assert written[-1], "it went on trying"
    assert (run.state, killed) == (State.DONE, [])


def test_of_two_stages_that_end_at_once_the_second_knows_of_the_first(video: Video) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("SQLite lets one transaction write at a time; `make test-postgres` runs this")
    for stage in ("probe", "transcribe", "check_sync", "embed"):
        run = StageRun.objects.claim(video.id, stage, worker="w", now=timezone.now())
        assert run is not None
        runs.end(run, State.DONE)
    render = StageRun.objects.claim(video.id, "render", worker="a", now=timezone.now())
    classify = StageRun.objects.claim(video.id, "classify", worker="b", now=timezone.now())
    assert render is not None
    assert classify is not None

    def end_classify() -> None:
        runs.end(classify, State.DONE)
        connection.close()

    other = threading.Thread(target=end_classify)
    with transaction.atomic():
        runs.end(render, State.DONE)
        other.start()
        other.join(0.3)  # it has begun, and waits for this transaction
    other.join()
    assert [notice.kind for notice in Notice.objects.all()] == [Notice.Kind.READY]


def test_it_ends_a_stage_at_its_time_limit(video: Video, monkeypatch: pytest.MonkeyPatch, settings: object) -> None:
    settings.PROBE_STAGE_LIMIT_S = 0.2  # type: ignore[attr-defined]
    run, _ = run_probe(video, "report_for_ever", monkeypatch)
    assert run.state == State.FAILED
    assert "longer than" in run.message
    assert "PROBE_STAGE_LIMIT_S" in run.error


def test_the_sweep_requeues_a_silent_run_and_gives_up_after_the_last_attempt(video: Video, settings: object) -> None:
    for attempt in range(1, settings.STAGE_MAX_ATTEMPTS + 1):  # type: ignore[attr-defined]
        run = StageRun.objects.claim(video.id, "probe", worker="media@gone", now=timezone.now())
        assert run is not None
        assert run.attempts == attempt
        StageRun.objects.filter(pk=run.pk).update(heartbeat_at=timezone.now() - timedelta(hours=1))
        recovery.sweep()
    run = StageRun.objects.get(video=video, stage="probe")
    assert run.state == State.FAILED
    assert "media@gone" in run.error


def test_the_sweep_leaves_a_run_alone_whose_heart_beats(video: Video) -> None:
    StageRun.objects.claim(video.id, "probe", worker="w", now=timezone.now())
    recovery.sweep()
    assert StageRun.objects.get(video=video, stage="probe").state == State.RUNNING


def test_a_worker_that_stops_gives_back_its_runs_without_counting_an_attempt(video: Video) -> None:
    StageRun.objects.claim(video.id, "probe", worker="media@here", now=timezone.now())
    recovery.give_back("media@elsewhere")
    assert StageRun.objects.get(video=video, stage="probe").state == State.RUNNING
    recovery.give_back("media@here")
    run = StageRun.objects.get(video=video, stage="probe")
    assert (run.state, run.attempts) == (State.QUEUED, 0)
