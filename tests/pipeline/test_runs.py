"""From one stage to the next."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.pipeline import announcements, runs
from apps.pipeline.intake import edit_video
from apps.pipeline.models import StageRun
from apps.videos.editing import EditConflictError
from apps.videos.models import ModerationEntry, ModerationState, Notice, Video
from apps.videos.uploads import VideoDetails
from tests.factories import make_video

State = StageRun.State
pytestmark = pytest.mark.django_db


@pytest.fixture
def video(owner: User) -> Video:
    video = make_video(owner)
    runs.start(video)
    return video


@pytest.fixture
def announced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The stages for which a message was sent."""
    sent: list[str] = []
    monkeypatch.setattr(announcements, "announce", lambda video_id, stage: sent.append(stage))
    return sent


def end(video: Video, stage: str, state: State, message: str = "") -> None:
    run = StageRun.objects.claim(video.id, stage, worker="w", now=timezone.now())
    assert run is not None
    assert runs.end(run, state, message=message)


def states(video: Video) -> dict[str, str]:
    return dict(StageRun.objects.filter(video=video).values_list("stage", "state"))


def test_it_queues_the_first_stage_on_commit(
    owner: User, announced: list[str], django_capture_on_commit_callbacks: object
) -> None:
    video = make_video(owner)
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        runs.start(video)
        assert announced == []
    assert announced == ["probe"]
    assert states(video) == {
        "probe": "queued",
        "render": "waiting",
        "transcribe": "waiting",
        "check_sync": "waiting",
        "classify": "waiting",
        "embed": "waiting",
    }


def test_it_queues_playback_and_captions_once_the_file_is_checked(video: Video) -> None:
    end(video, "probe", State.DONE)
    assert states(video) == {
        "probe": "done",
        "render": "queued",
        "transcribe": "queued",
        "check_sync": "queued",
        "classify": "waiting",
        "embed": "waiting",
    }


@pytest.mark.parametrize("outcome", [State.DONE, State.SKIPPED, State.FAILED])
def test_it_finds_a_topic_whichever_way_recognition_ended(video: Video, outcome: State) -> None:
    end(video, "probe", State.DONE)
    end(video, "transcribe", outcome)
    assert states(video)["classify"] == "queued"


def test_it_starts_nothing_on_a_file_that_failed_the_check_and_tells_the_owner(video: Video) -> None:
    end(video, "probe", State.FAILED, "The file ends too early.")
    assert states(video) == {
        "probe": "failed",
        "render": "waiting",
        "transcribe": "waiting",
        "check_sync": "waiting",
        "classify": "waiting",
        "embed": "waiting",
    }
    notice = Notice.objects.get(user=video.owner)
    assert notice.kind == Notice.Kind.FAILED
    assert "The file ends too early." in notice.text


def test_it_tells_the_owner_once_when_all_is_done(video: Video) -> None:
    for stage in ("probe", "render", "transcribe", "check_sync"):
        end(video, stage, State.DONE)
    assert not Notice.objects.exists()
    end(video, "classify", State.DONE)
    end(video, "embed", State.DONE)
    assert [notice.kind for notice in Notice.objects.filter(user=video.owner)] == [Notice.Kind.READY]


def test_it_lets_one_of_two_claims_through(video: Video) -> None:
    first = StageRun.objects.claim(video.id, "probe", worker="a", now=timezone.now())
    second = StageRun.objects.claim(video.id, "probe", worker="b", now=timezone.now())
    assert first is not None
    assert first.attempts == 1
    assert second is None


def test_it_ignores_the_end_of_a_run_that_was_given_to_somebody_else(video: Video) -> None:
    lost = StageRun.objects.claim(video.id, "probe", worker="a", now=timezone.now())
    assert lost is not None
    assert lost.requeue(due_at=timezone.now())
    holder = StageRun.objects.claim(video.id, "probe", worker="b", now=timezone.now())
    assert holder is not None
    assert not runs.end(lost, State.FAILED, message="too late")
    assert not lost.beat(progress=0.9, message="", now=timezone.now())
    assert runs.end(holder, State.DONE)
    assert states(video)["probe"] == "done"


def test_it_runs_a_stage_again_with_what_builds_on_it(video: Video) -> None:
    for stage in ("probe", "render", "transcribe", "check_sync", "classify", "embed"):
        end(video, stage, State.DONE)
    runs.run_again(video, "transcribe", by=video.owner)
    assert states(video) == {
        "probe": "done",
        "render": "done",
        "transcribe": "queued",
        "check_sync": "done",
        "classify": "waiting",
        "embed": "waiting",
    }
    end(video, "transcribe", State.DONE)
    assert states(video)["classify"] == "queued"


def test_it_refuses_to_run_again_what_has_not_ended_or_cannot_start(video: Video, moderator: User) -> None:
    with pytest.raises(runs.RunAgainError, match="Wait until it has ended"):
        runs.run_again(video, "probe", by=moderator)
    with pytest.raises(runs.RunAgainError, match="no stage"):
        runs.run_again(video, "levitate", by=moderator)
    end(video, "probe", State.FAILED)
    StageRun.objects.filter(video=video, stage="render").update(state=State.FAILED)
    with pytest.raises(runs.RunAgainError, match="needs “Checking the file”"):
        runs.run_again(video, "render", by=moderator)


def test_it_logs_a_moderators_rerun(video: Video, moderator: User) -> None:
    end(video, "probe", State.FAILED)
    runs.run_again(video, "probe", by=moderator)
    entry = ModerationEntry.objects.get()
    assert (entry.act, entry.moderator, entry.video) == (ModerationEntry.Act.RERUN, moderator, video)


def test_the_stages_after_a_check_that_failed_follow_when_it_is_run_again(video: Video) -> None:
    end(video, "probe", State.FAILED)
    runs.run_again(video, "probe", by=video.owner)
    end(video, "probe", State.DONE)
    assert states(video) == {
        "probe": "done",
        "render": "queued",
        "transcribe": "queued",
        "check_sync": "queued",
        "classify": "waiting",
        "embed": "waiting",
    }


def test_it_takes_away_a_run_that_works_on_what_is_made_anew(video: Video) -> None:
    for stage in ("probe", "render", "transcribe", "check_sync"):
        end(video, stage, State.DONE)
    stale = StageRun.objects.claim(video.id, "classify", worker="w", now=timezone.now())
    assert stale is not None
    runs.run_again(video, "transcribe", by=video.owner)
    assert states(video)["classify"] == "waiting"
    assert not stale.beat(progress=0.5, message="", now=timezone.now()), "its worker is told to stop"
    end(video, "transcribe", State.DONE)
    end(video, "classify", State.DONE)
    end(video, "embed", State.DONE)


def test_two_failed_stages_make_one_notice_and_success_at_last_replaces_it(video: Video) -> None:
    end(video, "probe", State.DONE)
    end(video, "render", State.FAILED, "No picture.")
    end(video, "transcribe", State.FAILED, "No sound.")
    end(video, "check_sync", State.SKIPPED)
    assert not Notice.objects.exists(), "the topic is still to come"
    end(video, "classify", State.DONE)
    end(video, "embed", State.DONE)
    notice = Notice.objects.get()
    assert "No picture." in notice.text
    assert "No sound." in notice.text
    for stage in ("render", "transcribe", "classify", "embed"):
        if stage in ("render", "transcribe"):
            runs.run_again(video, stage, by=video.owner)
        end(video, stage, State.DONE)
    assert [notice.kind for notice in Notice.objects.all()] == [Notice.Kind.READY]


@pytest.mark.parametrize(
    ("state", "words"), [(ModerationState.PENDING, "waits for a moderator"), (ModerationState.PUBLISHED, "to watch")]
)
def test_the_notice_says_whether_a_moderator_is_still_to_look(video: Video, state: str, words: str) -> None:
    Video.objects.update(moderation_state=state)
    for stage in ("probe", "render", "transcribe", "check_sync", "classify", "embed"):
        end(video, stage, State.DONE)
    assert words in Notice.objects.get().text


def test_a_message_is_sent_again_ever_more_rarely(video: Video, settings: object) -> None:
    settings.STAGE_REQUEUE_AFTER_S = 120  # type: ignore[attr-defined]
    queued_at = timezone.now()
    StageRun.objects.filter(stage="probe").update(queued_at=queued_at, announced_at=None)
    sent_after_s = []
    for seconds in range(0, 3_600, 10):
        now = queued_at + timedelta(seconds=seconds)
        if StageRun.objects.to_announce(now).update(announced_at=now):
            sent_after_s.append(seconds)
    assert sent_after_s == [0, 130, 260, 520, 1_040, 2_080]


def details(video: Video, language: str) -> VideoDetails:
    return VideoDetails(video.title, language=language, visibility=video.visibility)


def test_another_language_makes_the_captions_anew_and_takes_away_the_run_in_the_old_one(video: Video) -> None:
    end(video, "probe", State.DONE)
    heard_as_english = StageRun.objects.claim(video.id, "transcribe", worker="w", now=timezone.now())
    assert heard_as_english is not None
    edit_video(video, revision=1, editor=video.owner, details=details(video, "de"))
    assert states(video)["transcribe"] == "queued"
    assert not runs.end(heard_as_english, State.DONE)
    end(video, "transcribe", State.SKIPPED)
    end(video, "classify", State.DONE)
    end(video, "embed", State.DONE)
    edit_video(video, revision=2, editor=video.owner, details=details(video, "en"))
    assert (states(video)["transcribe"], states(video)["classify"]) == ("queued", "waiting")


def test_an_edit_that_is_refused_or_keeps_the_language_starts_nothing(video: Video) -> None:
    for stage in ("probe", "render", "transcribe", "check_sync", "classify", "embed"):
        end(video, stage, State.DONE)
    before = states(video)
    edit_video(video, revision=1, editor=video.owner, details=details(video, "en"))
    with pytest.raises(EditConflictError):
        edit_video(video, revision=1, editor=video.owner, details=details(video, "de"))
    assert states(video) == before
