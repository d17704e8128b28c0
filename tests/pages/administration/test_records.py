"""Reports, stage runs, transcripts, and the log of moderation."""

from django.test import Client

from apps.accounts.models import User
from apps.pipeline.models import StageRun
from apps.transcription.models import Cue, Transcript
from apps.videos import moderation
from apps.videos.models import Report, Video
from tests.pages.administration.conftest import Act, act, acts


def test_the_list_of_reports_opens_with_the_open_ones_and_resolves_them(desk: Client, video: Video) -> None:
    report = moderation.report(video, reporter=None, reason=Report.Reason.HATEFUL, details="at 0:10")
    assert "at 0:10" in desk.get("/admin/videos/report/").content.decode()

    act(desk, "resolve_selected", report)

    report.refresh_from_db()
    assert report.resolved_at is not None
    assert [entry[0] for entry in acts()] == [Act.REPORT_RESOLVED]
    assert "at 0:10" not in desk.get("/admin/videos/report/").content.decode()
    assert "at 0:10" in desk.get("/admin/videos/report/?state=resolved").content.decode()


def test_a_stage_run_shows_its_error_in_full_and_runs_again(desk: Client, video: Video) -> None:
    StageRun.objects.create(video=video, stage="probe", state=StageRun.State.DONE)
    error = "Traceback:\n" + "  a long line of it\n" * 50 + "OutOfMemoryError: bought too little"
    run = StageRun.objects.create(video=video, stage="render", state=StageRun.State.FAILED, error=error)

    in_list = desk.get("/admin/pipeline/stagerun/?state__exact=failed").content.decode()
    assert "OutOfMemoryError: bought too little" in in_list
    assert "a long line of it" not in in_list
    assert error in desk.get(f"/admin/pipeline/stagerun/{run.pk}/change/").content.decode()
    act(desk, "run_again_selected", run)

    run.refresh_from_db()
    assert run.state == StageRun.State.QUEUED
    assert acts() == [(Act.RERUN, "Preparing playback", "moderator")]


def test_cues_are_read_a_page_at_a_time_and_not_changed(desk: Client, video: Video) -> None:
    transcript = Transcript.objects.create(video=video, language="en", source=Transcript.Source.AUTO)
    Cue.objects.bulk_create(
        Cue(transcript=transcript, position=n, start_ms=n * 1000, end_ms=n * 1000 + 900, text=f"cue number {n}")
        for n in range(150)
    )
    cues = f"/admin/transcription/cue/?transcript__id__exact={transcript.pk}"

    assert cues in desk.get(f"/admin/transcription/transcript/{transcript.pk}/change/").content.decode()
    page = desk.get(cues).content.decode()
    assert "cue number 99<" in page
    assert "cue number 100<" not in page
    assert "cue number 149<" in desk.get(cues + "&p=2").content.decode()
    cue = transcript.cues.all()[0]
    assert desk.post(f"/admin/transcription/cue/{cue.pk}/change/", {"text": "forged"}).status_code == 403


def test_deleting_a_transcript_is_logged(desk: Client, video: Video) -> None:
    transcript = Transcript.objects.create(video=video, language="en", source=Transcript.Source.AUTO)

    desk.post(f"/admin/transcription/transcript/{transcript.pk}/delete/", {"post": "yes"})

    assert not Transcript.objects.exists()
    assert acts() == [(Act.EDITED, "Deleted: English captions, automatic", "moderator")]


def test_nobody_rewrites_the_log(client: Client, administrator: User, video: Video) -> None:
    entry = moderation.note(video, by=administrator, act=Act.EDITED)
    client.force_login(administrator)
    where = f"/admin/videos/moderationentry/{entry.pk}"

    assert client.get(f"{where}/change/").status_code == 200
    assert client.post(f"{where}/change/", {"reason": "forged"}).status_code == 403
    assert client.post(f"{where}/delete/", {"post": "yes"}).status_code == 403
    assert client.get("/admin/videos/moderationentry/add/").status_code == 403
