"""Lip sync repaired by moving the sound, and the original brought back."""

from __future__ import annotations

import hashlib
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.utils import timezone
from pytest_django import Settings

from apps.accounts.models import User
from apps.avsync.models import SyncReport
from apps.pipeline import moving_sound, runs
from apps.pipeline.intake import take_in
from apps.pipeline.models import StageRun, SyncRepair
from apps.pipeline.repair import RepairRefusedError, ask_for_repair, ask_for_undo
from apps.pipeline.runs import RunAgainError
from apps.pipeline.stages import STAGE_BY_NAME
from apps.pipeline.sync_status import sync_status
from apps.transcription.models import Transcript
from apps.videos.files import folder, original_path, path_of
from apps.videos.models import ModerationEntry, Video
from apps.videos.stage import StageFailedError, StageSkippedError
from apps.videos.uploads import VideoDetails, incoming_from_path
from tests.factories import make_video
from tests.transcription.rows import make_transcript
from tests.videos.beeps import beeping, beeps_late_ms
from tests.videos.clips import Clips

State = StageRun.State
pytestmark = pytest.mark.django_db
# What the picture's own frames, and AAC's, leave of a beep's place where a rendition was encoded.
A_FRAME = 25.0
A_MILLISECOND = 1.0


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Clips:
    return Clips(tmp_path_factory.mktemp("clips"))


@pytest.fixture(autouse=True)
def media_root(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


def ignore(fraction: float, message: str = "") -> None:
    """Progress that nobody watches."""


def work(video: Video, stage: str, progress: Callable[..., None] = ignore) -> StageRun:
    """Runs a queued stage, as a worker does, but here."""
    run = StageRun.objects.claim(video.pk, stage, worker="here", now=timezone.now())
    assert run is not None, f"{stage} is not queued"
    try:
        STAGE_BY_NAME[stage].load_verb()(run.video, progress)
    except StageFailedError as failure:
        runs.end(run, State.FAILED, message=str(failure))
    except StageSkippedError as skipped:
        runs.end(run, State.SKIPPED, message=str(skipped))
    else:
        runs.end(run, State.DONE)
    run.refresh_from_db()
    video.refresh_from_db()
    return run


def report(video: Video, verdict: str = "sound_late", offset_ms: float | None = 200.0, **fields: object) -> SyncReport:
    found = {"verdict": verdict, "offset_ms": offset_ms, "probability": 0.98, "coverage": 0.7, "network": "test"}
    return SyncReport.objects.update_or_create(video=video, defaults={**found, **fields})[0]


Uploaded = Callable[..., Video]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, int], tuple[Path, dict[str, object]]]:
    """Folders and rows of videos that were prepared once, by format and by how late their sound is."""
    return {}


@pytest.fixture
def uploaded(
    owner: User,
    clips: Clips,
    prepared: dict[tuple[str, int], tuple[Path, dict[str, object]]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Uploaded:
    def prepare(extension: str, late_ms: int) -> tuple[Path, dict[str, object]]:
        file = incoming_from_path(beeping(clips, extension, late_ms=late_ms))
        video = take_in(file, owner=owner, details=VideoDetails(title="A clip"))
        work(video, "probe")
        work(video, "render")
        kept = tmp_path_factory.mktemp("prepared") / "folder"
        shutil.copytree(folder(video.pk), kept)
        row = Video.objects.values().get(pk=video.pk)
        video.delete()
        return kept, row | {"id": None}

    def upload(extension: str = "mp4", late_ms: int = 200) -> Video:
        """Checked, prepared for playback and captioned; its sound comes `late_ms` late, and was found so."""
        if (extension, late_ms) not in prepared:
            prepared[extension, late_ms] = prepare(extension, late_ms)
        kept, row = prepared[extension, late_ms]
        video = Video.objects.create(**{**row, "id": uuid.uuid4(), "owner_id": owner.pk})
        shutil.copytree(kept, folder(video.pk))
        runs.start(video)
        StageRun.objects.filter(video=video).update(state=State.DONE, ended_at=timezone.now())
        make_transcript(video, "auto", "one", "two", words=True)
        make_transcript(video, "uploaded", "eins", "zwei", language="de")
        report(video, "sound_late" if late_ms > 0 else "sound_early", float(late_ms))
        return video

    return upload


def repaired(video: Video) -> Video:
    ask_for_repair(video, by=video.owner)
    return moved(video)


def undone(video: Video) -> Video:
    ask_for_undo(video, by=video.owner)
    return moved(video)


def moved(video: Video) -> Video:
    """The sound is moved, or brought back; what follows has ended."""
    assert work(video, "move_sound").state == State.DONE
    StageRun.objects.filter(video=video, state=State.QUEUED).update(state=State.DONE, ended_at=timezone.now())
    return video


def starts_ms(video: Video) -> list[int]:
    cues = (cue for transcript in Transcript.objects.filter(video=video) for cue in transcript.cues.all())
    return sorted(cue.start_ms for cue in cues)


def all_of(video: Video) -> tuple[object, object, dict[str, str]]:
    """What an undo must bring back: the row, every cue, and every file."""
    row = Video.objects.values().get(pk=video.pk) | {"updated_at": None}
    cues = [
        list(transcript.cues.values("pk", "position", "start_ms", "end_ms", "text", "words"))
        for transcript in Transcript.objects.filter(video=video).order_by("pk")
    ]
    files = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder(video.pk).iterdir()}
    return row, cues, files


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
    work(video, "move_sound")
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


# --- what is refused ---


@pytest.mark.parametrize(
    ("verdict", "offset_ms", "told"),
    [
        ("in_sync", 12.0, "nothing to repair"),
        ("drifting", 120.0, "drift apart"),
        ("unknown", None, "Nobody can tell"),
    ],
)
def test_only_a_sure_constant_offset_is_repaired(owner: User, verdict: str, offset_ms: float | None, told: str) -> None:
    video = make_video(owner)
    report(video, verdict, offset_ms)
    with pytest.raises(RepairRefusedError, match=told):
        ask_for_repair(video, by=owner)
    assert not SyncRepair.objects.exists()


def test_nothing_is_repaired_before_it_was_checked_or_while_it_is(owner: User) -> None:
    video = make_video(owner)
    with pytest.raises(RepairRefusedError, match="not checked"):
        ask_for_repair(video, by=owner)
    report(video)
    StageRun.objects.create(video=video, stage="check_sync", state=State.RUNNING)
    with pytest.raises(RepairRefusedError, match="is being checked"):
        ask_for_repair(video, by=owner)


def test_an_offset_that_changed_since_the_page_was_opened_is_not_repaired(owner: User) -> None:
    video = make_video(owner)
    report(video, offset_ms=160.4)
    with pytest.raises(RepairRefusedError, match="checked again since"):
        ask_for_repair(video, by=owner, seen_offset_ms=200)
    assert ask_for_repair(video, by=owner, seen_offset_ms=160).shift_ms == -160


def test_a_second_click_changes_nothing(uploaded: Uploaded) -> None:
    video = uploaded()
    ask_for_repair(video, by=video.owner)
    for ask in (ask_for_repair, ask_for_undo):
        with pytest.raises(RepairRefusedError, match="being moved"):
            ask(video, by=video.owner)
    work(video, "move_sound")
    with pytest.raises(RepairRefusedError, match="Undo that first"):
        ask_for_repair(video, by=video.owner)
    with pytest.raises(RunAgainError, match="asks for it anew"):
        runs.run_again(video, "move_sound", by=video.owner)
    undone(video)
    with pytest.raises(RepairRefusedError, match="nothing to undo"):
        ask_for_undo(video, by=video.owner)


def test_what_a_moderator_does_with_anothers_video_is_logged(owner: User, moderator: User) -> None:
    for by in (owner, moderator):
        video = make_video(owner)
        report(video)
        ask_for_repair(video, by=by)
        StageRun.objects.filter(video=video).update(state=State.FAILED)
        ask_for_undo(video, by=by)
    logged = ModerationEntry.objects.order_by("created_at").values_list("moderator", "reason")
    assert list(logged) == [(moderator.pk, "Sound moved by -200 ms"), (moderator.pk, "Moved sound given up")]


# --- what goes wrong ---


class KilledError(BaseException):
    """Ends a run as a kill would: nothing catches it."""


def die(*_: object, **__: object) -> None:
    raise KilledError


@pytest.mark.parametrize("at", ["in the file", "_switch"])
def test_a_run_that_is_killed_leaves_the_video_as_it_was_and_the_next_one_repairs_it(
    uploaded: Uploaded, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    """While it copies, or when it has written some of the rows."""
    video = uploaded()
    row, cues, files = all_of(video)
    ask_for_repair(video, by=video.owner)
    with monkeypatch.context() as patched:
        if at != "in the file":
            patched.setattr(moving_sound, at, die)
        with pytest.raises(KilledError):
            work(video, "move_sound", die if at == "in the file" else ignore)
    left_row, left_cues, left_files = all_of(video)
    assert (left_row, left_cues) == (row, cues)
    assert files.items() <= left_files.items()
    run = StageRun.objects.get(video=video, stage="move_sound")
    assert run.requeue(due_at=timezone.now())  # as the sweep does
    assert work(video, "move_sound").state == State.DONE
    assert beeps_late_ms(path_of(video, video.web_name)) == pytest.approx([0, 0], abs=A_FRAME)
    undone(video)
    assert all_of(video) == (row, cues, files)


def test_a_full_disk_changes_nothing_and_is_told(uploaded: Uploaded, monkeypatch: pytest.MonkeyPatch) -> None:
    video = uploaded()
    before = all_of(video)
    ask_for_repair(video, by=video.owner)
    with monkeypatch.context() as patched:
        patched.setattr(moving_sound.shutil, "disk_usage", lambda _: SimpleNamespace(free=1_000))
        run = work(video, "move_sound")
    assert run.state == State.FAILED
    assert "no room left" in run.message
    assert "no room left" in sync_status(video).failure
    assert all_of(video) == before
    runs.run_again(video, "move_sound", by=video.owner)
    assert work(video, "move_sound").state == State.DONE


def test_a_repair_that_failed_can_be_given_up_or_asked_for_anew(uploaded: Uploaded) -> None:
    video = uploaded()
    original_path(video).unlink()
    ask_for_repair(video, by=video.owner)
    assert "no longer there" in work(video, "move_sound").message
    StageRun.objects.filter(video=video, stage="check_sync").update(state=State.DONE)
    ask_for_repair(video, by=video.owner)
    assert work(video, "move_sound").state == State.FAILED
    ask_for_undo(video, by=video.owner)
    StageRun.objects.filter(video=video, stage="check_sync").update(state=State.DONE)
    status = sync_status(video)
    assert (status.repair, status.failure, status.can_repair) == (None, "", True)


def test_a_container_that_cannot_keep_the_times_is_refused_in_plain_words(
    uploaded: Uploaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    video = uploaded()
    before = all_of(video)

    def inexact(*_: object, **__: object) -> None:
        raise moving_sound.soundshift.InexactError("packet 0 is at 0.0 s, not at 0.2 s")

    monkeypatch.setattr(moving_sound.soundshift, "move_sound", inexact)
    ask_for_repair(video, by=video.owner)
    assert "cannot be moved without encoding" in work(video, "move_sound").message
    assert all_of(video) == before


# --- who waits for whom ---


def test_the_sound_is_not_moved_while_captions_are_written(uploaded: Uploaded) -> None:
    video = uploaded()
    runs.run_again(video, "transcribe", by=video.owner)
    ask_for_repair(video, by=video.owner)
    run = StageRun.objects.get(video=video, stage="move_sound")
    assert run.state == State.WAITING
    heard = StageRun.objects.claim(video.pk, "transcribe", worker="here", now=timezone.now())
    assert heard is not None
    runs.end(heard, State.DONE)
    run.refresh_from_db()
    assert run.state == State.QUEUED


def test_captions_that_are_asked_for_meanwhile_come_first(uploaded: Uploaded) -> None:
    """The run that moves the sound is taken away, and even where it has not noticed it writes nothing."""
    video = uploaded()
    before = all_of(video)
    ask_for_repair(video, by=video.owner)

    def hear_again(fraction: float, message: str = "") -> None:
        if not StageRun.objects.filter(video=video, stage="transcribe", state=State.RUNNING).exists():
            runs.run_again(video, "transcribe", by=video.owner)
            StageRun.objects.claim(video.pk, "transcribe", worker="there", now=timezone.now())

    with pytest.raises(moving_sound.ChangedMeanwhileError):
        work(video, "move_sound", hear_again)
    left = all_of(video)
    assert left[:2] == before[:2]
    assert StageRun.objects.get(video=video, stage="move_sound").state == State.WAITING


def test_a_rendition_that_was_begun_before_is_not_named_after(uploaded: Uploaded) -> None:
    video = uploaded("mov")
    stale = Video.objects.get(pk=video.pk)
    repaired(video)
    STAGE_BY_NAME["render"].load_verb()(stale, ignore)
    video.refresh_from_db()
    assert video.web_name == "web-repaired.mp4"
