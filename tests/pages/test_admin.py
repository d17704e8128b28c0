"""The admin: the moderation queue, the page of a video, and who may do what."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import Settings

from apps.accounts import tokens
from apps.accounts.models import ApiToken, User
from apps.classification.models import Topic, TopicPrediction
from apps.pipeline.models import StageRun
from apps.search.models import OutboxEntry
from apps.transcription.models import Cue, Transcript
from apps.videos import files, moderation
from apps.videos.models import ModerationEntry, ModerationState, Notice, Report, Video
from tests.factories import make_video

VIDEOS = "/admin/videos/video/"
Act = ModerationEntry.Act


@pytest.fixture
def media(settings: Settings, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


@pytest.fixture
def administrator(db: None) -> User:
    return User.objects.create_superuser("administrator", password="a long pass phrase")


@pytest.fixture
def desk(client: Client, moderator: User) -> Client:
    """A browser in which somebody is signed in who is staff, and nothing more."""
    client.force_login(moderator)
    return client


@pytest.fixture
def video(owner: User, media: Path) -> Video:
    """Waits for a decision, with a file on disk."""
    waiting = make_video(owner, title="A talk about whales", moderation_state=ModerationState.PENDING)
    folder = files.folder(waiting.pk)
    folder.mkdir(parents=True)
    (folder / "original.mp4").write_bytes(b"not really a video")
    return waiting


def act(client: Client, action: str, *rows: Video | Report | StageRun, queue: str = "all", **more: str) -> str:
    """Posts an action of a list, and returns the page that came of it."""
    names = {"videos.video": "videos/video", "videos.report": "videos/report", "pipeline.stagerun": "pipeline/stagerun"}
    where = f"/admin/{names[rows[0]._meta.label_lower]}/?queue={queue}"
    if not isinstance(rows[0], Video):
        where = where.partition("?")[0]
    form = {"action": action, "_selected_action": [str(row.pk) for row in rows], **more}
    return client.post(where, form, follow=True).content.decode()


def titles(client: Client, query: str = "") -> list[str]:
    page = client.get(VIDEOS + query)
    assert page.status_code == 200
    return [video.title for video in page.context["cl"].result_list]


def acts() -> list[tuple[str, str, str | None]]:
    """What the log says, oldest first: act, reason, moderator."""
    entries = ModerationEntry.objects.order_by("created_at").select_related("moderator")
    return [(entry.act, entry.reason, entry.moderator and entry.moderator.username) for entry in entries]


# --- the queue ---


def test_the_list_opens_as_the_queue(desk: Client, owner: User, video: Video) -> None:
    make_video(owner, title="Published")
    make_video(owner, title="Not checked yet", moderation_state=ModerationState.PENDING, checked_at=None)
    make_video(owner, title="Rejected", moderation_state=ModerationState.REJECTED)

    assert titles(desk) == ["A talk about whales"]
    assert titles(desk, "?queue=published") == ["Published"]
    assert titles(desk, "?queue=unchecked") == ["Not checked yet"]
    assert titles(desk, "?queue=rejected") == ["Rejected"]
    assert len(titles(desk, "?queue=all")) == 4


def test_a_search_looks_beyond_the_queue(desk: Client, owner: User, video: Video) -> None:
    make_video(owner, title="Published whales")

    assert sorted(titles(desk, "?q=whales")) == ["A talk about whales", "Published whales"]


def test_it_finds_what_viewers_reported_and_what_failed(desk: Client, owner: User, video: Video) -> None:
    reported = make_video(owner, title="Reported")
    moderation.report(reported, reporter=None, reason=Report.Reason.HARMFUL)
    StageRun.objects.create(video=video, stage="render", state=StageRun.State.FAILED, error="boom")

    assert titles(desk, "?queue=reported") == ["Reported"]
    assert titles(desk, "?queue=failed") == ["A talk about whales"]
    start = desk.get("/admin/").content.decode()
    assert "1 video waiting for a decision" in start
    assert "1 video reported by viewers" in start
    assert "1 video with a failed stage" in start


def test_the_list_tells_topic_duration_reports_and_processing(desk: Client, video: Video) -> None:
    topic, _ = Topic.objects.update_or_create(label="sport", defaults={"name": "Sport"})
    TopicPrediction.objects.create(video=video, topic=topic, probability=0.914, classifier="test")
    moderation.report(video, reporter=None, reason=Report.Reason.HARMFUL)
    StageRun.objects.create(video=video, stage="render", state=StageRun.State.RUNNING, progress=0.45)

    page = desk.get(VIDEOS).content.decode()

    assert "Sport (91 %)" in page
    assert "1:00" in page
    assert '<td class="field-open_reports">1</td>' in page
    assert "Running: preparing playback 45 %" in page


def test_the_list_costs_no_query_per_video(desk: Client, owner: User) -> None:
    def add(number: int) -> None:
        video = make_video(owner, title=f"Talk {number}", moderation_state=ModerationState.PENDING)
        StageRun.objects.create(video=video, stage="render", state=StageRun.State.DONE)
        TopicPrediction.objects.create(video=video, probability=0.3, classifier="test")

    add(0)
    with CaptureQueriesContext(connection) as few:
        desk.get(VIDEOS)
    for number in range(1, 10):
        add(number)
    with CaptureQueriesContext(connection) as many:
        desk.get(VIDEOS)

    assert len(many) == len(few)


# --- the page of a video ---


def test_its_page_shows_all_that_a_decision_needs(desk: Client, video: Video, moderator: User) -> None:
    transcript = Transcript.objects.create(video=video, language="en", source=Transcript.Source.AUTO)
    Cue.objects.create(transcript=transcript, position=0, start_ms=0, end_ms=900, text="Whales & <dolphins>")
    topic, _ = Topic.objects.update_or_create(label="tech", defaults={"name": "Tech"})
    TopicPrediction.objects.create(
        video=video, topic=topic, probability=0.8, probabilities={"tech": 0.8, "sport": 0.2}, classifier="test head"
    )
    traceback = "Traceback (most recent call last):\n  File …\nRuntimeError: the encoder <died>"
    StageRun.objects.create(video=video, stage="render", state=StageRun.State.FAILED, error=traceback)
    moderation.report(video, reporter=None, reason=Report.Reason.CAPTIONS, details="Wrong words at 0:30")
    moderation.note(video, by=moderator, act=Act.EDITED, reason="a note in the log")

    page = desk.get(f"{VIDEOS}{video.pk}/change/").content.decode()

    assert f"/videos/{video.pk}/files/original.mp4" in page
    assert f"/videos/{video.pk}/captions.en.vtt" in page
    assert "Whales &amp; &lt;dolphins&gt;" in page
    assert "80 %" in page
    assert "20 %" in page
    assert "Traceback (most recent call last):" in page
    assert "the encoder &lt;died&gt;" in page
    assert "Wrong words at 0:30" in page
    assert "a note in the log" in page


def test_it_approves_by_one_button(desk: Client, video: Video) -> None:
    desk.post(f"{VIDEOS}{video.pk}/approve/")

    video.refresh_from_db()
    assert video.is_published
    assert acts() == [(Act.APPROVED, "", "moderator")]
    assert Notice.objects.get().kind == Notice.Kind.PUBLISHED


def test_it_does_not_approve_what_nobody_checked(desk: Client, video: Video) -> None:
    Video.objects.update(checked_at=None)

    page = desk.post(f"{VIDEOS}{video.pk}/approve/", follow=True).content.decode()

    assert "has not been found whole" in page
    assert acts() == []


def test_it_rejects_with_a_reason_only(desk: Client, video: Video) -> None:
    refused = desk.post(f"{VIDEOS}{video.pk}/reject/", {"reason": "  "}, follow=True).content.decode()
    assert "Say why the video is rejected" in refused
    assert acts() == []

    desk.post(f"{VIDEOS}{video.pk}/reject/", {"reason": "Not yours to show"})

    video.refresh_from_db()
    assert video.moderation_state == ModerationState.REJECTED
    assert acts() == [(Act.REJECTED, "Not yours to show", "moderator")]


@pytest.mark.parametrize("deed", ["approve", "reject", "run-again", "topic"])
def test_a_link_decides_nothing(desk: Client, video: Video, deed: str) -> None:
    assert desk.get(f"{VIDEOS}{video.pk}/{deed}/").status_code == 405


def test_an_edit_leaves_an_entry_and_a_new_revision(desk: Client, video: Video, owner: User) -> None:
    form = {
        "title": "Whales",
        "description": "",
        "tag_names": "sea, Whales",
        "language": "en",
        "visibility": "unlisted",
        "seen_revision": "1",
    }

    assert desk.post(f"{VIDEOS}{video.pk}/change/", form).status_code == 302

    video.refresh_from_db()
    assert (video.title, video.visibility, video.revision) == ("Whales", "unlisted", 2)
    assert sorted(tag.name for tag in video.tags.all()) == ["sea", "whales"]
    assert [entry[0] for entry in acts()] == [Act.EDITED]

    second_tab = desk.post(f"{VIDEOS}{video.pk}/change/", form | {"title": "Dolphins"})
    assert "Somebody changed this video since you opened this page." in second_tab.content.decode()
    video.refresh_from_db()
    assert video.title == "Whales"


def test_an_edit_cannot_reach_what_the_system_knows(desk: Client, video: Video) -> None:
    form = {"title": "Whales", "language": "en", "visibility": "public", "seen_revision": "1", "tag_names": ""}
    forged = {"moderation_state": "published", "checked_at": "", "duration_ms": "1", "sha256": "0", "owner": ""}

    desk.post(f"{VIDEOS}{video.pk}/change/", form | forged)

    after = Video.objects.get()
    assert after.title == "Whales"
    assert (after.moderation_state, after.duration_ms, after.sha256, after.owner, after.checked_at) == (
        video.moderation_state, video.duration_ms, video.sha256, video.owner, video.checked_at,
    )  # fmt: skip


def test_nothing_changed_leaves_no_entry(desk: Client, video: Video) -> None:
    form = {"title": video.title, "language": "en", "visibility": "public", "seen_revision": "1", "tag_names": ""}

    desk.post(f"{VIDEOS}{video.pk}/change/", form)

    assert acts() == []


def test_a_corrected_topic_is_confirmed_and_logged(desk: Client, video: Video) -> None:
    topic, _ = Topic.objects.update_or_create(label="tech", defaults={"name": "Tech"})

    desk.post(f"{VIDEOS}{video.pk}/topic/", {"topic": "tech"})

    prediction = TopicPrediction.objects.get(video=video)
    assert prediction.topic == topic
    assert prediction.is_confirmed
    assert [(entry[0], entry[2]) for entry in acts()] == [(Act.EDITED, "moderator")]


def test_a_report_is_resolved_on_the_page_of_its_video(desk: Client, video: Video, moderator: User) -> None:
    report = moderation.report(video, reporter=None, reason=Report.Reason.OTHER)

    desk.post(f"{VIDEOS}{video.pk}/reports/{report.pk}/resolve/")

    report.refresh_from_db()
    assert report.resolved_by == moderator
    assert [entry[0] for entry in acts()] == [Act.REPORT_RESOLVED]


# --- many at once ---


def test_many_are_approved_and_what_cannot_be_is_named(desk: Client, owner: User, video: Video) -> None:
    other = make_video(owner, title="Unchecked", moderation_state=ModerationState.PENDING, checked_at=None)

    page = act(desk, "approve_selected", video, other)

    assert "“Unchecked” cannot be published" in page
    assert "Done for 1 video." in page
    video.refresh_from_db()
    assert video.is_published


def test_many_are_rejected_with_a_reason(desk: Client, owner: User, video: Video) -> None:
    other = make_video(owner, title="Another", moderation_state=ModerationState.PENDING)

    asked = act(desk, "reject_selected", video, other, queue="waiting")
    assert "Reason, which the owner reads" in asked
    assert str(other.pk) in asked
    assert "This field is required." not in asked
    without = act(desk, "reject_selected", video, other, queue="waiting", decided="yes", reason=" ")
    assert "This field is required." in without
    assert acts() == []

    act(desk, "reject_selected", video, other, queue="waiting", decided="yes", reason="Spam")

    assert not Video.objects.exclude(moderation_state=ModerationState.REJECTED).exists()
    assert acts() == [(Act.REJECTED, "Spam", "moderator")] * 2
    assert [notice.kind for notice in Notice.objects.filter(user=owner)] == [Notice.Kind.REJECTED] * 2
    assert "Spam" in Notice.objects.filter(video=other).get().text


def test_a_stage_of_many_is_run_again(desk: Client, video: Video) -> None:
    StageRun.objects.create(video=video, stage="probe", state=StageRun.State.DONE)
    run = StageRun.objects.create(video=video, stage="render", state=StageRun.State.FAILED, error="boom")

    assert "Preparing playback" in act(desk, "run_again_selected", video)
    act(desk, "run_again_selected", video, decided="yes", stage="render")

    run.refresh_from_db()
    assert run.state == StageRun.State.QUEUED
    assert acts() == [(Act.RERUN, "Preparing playback", "moderator")]


def test_deleting_one_removes_its_files(
    desk: Client, video: Video, django_capture_on_commit_callbacks: Callable[..., object]
) -> None:
    StageRun.objects.create(video=video, stage="render", state=StageRun.State.DONE)
    moderation.report(video, reporter=None, reason=Report.Reason.OTHER)
    assert "A talk about whales" in desk.get(f"{VIDEOS}{video.pk}/delete/").content.decode()

    with django_capture_on_commit_callbacks(execute=True):
        desk.post(f"{VIDEOS}{video.pk}/delete/", {"post": "yes"})

    assert not Video.objects.exists()
    assert not files.folder(video.pk).exists()
    entry = ModerationEntry.objects.get()
    assert (entry.act, entry.video, entry.video_title) == (Act.DELETED, None, "A talk about whales")


def test_deleting_many_removes_their_files(
    desk: Client, owner: User, video: Video, django_capture_on_commit_callbacks: Callable[..., object]
) -> None:
    other = make_video(owner, title="Another")
    assert "All of the following objects" in act(desk, "delete_selected", video, other)

    with django_capture_on_commit_callbacks(execute=True):
        act(desk, "delete_selected", video, other, post="yes")

    assert not Video.objects.exists()
    assert not files.folder(video.pk).exists()
    assert [entry[0] for entry in acts()] == [Act.DELETED] * 2


# --- reports, stages, transcripts, the log ---


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


# --- who may do what ---

MODERATED = {"video", "report", "moderationentry", "stagerun", "transcript", "cue"}
ADMINISTERED = {"user", "topic", "invitation", "outboxentry"}


def changelist(name: str) -> str:
    model = next(model for model in admin.site._registry if model._meta.model_name == name)
    return reverse(f"admin:{model._meta.app_label}_{name}_changelist")


def test_the_table_of_rights_names_every_page_of_the_admin() -> None:
    assert {model._meta.model_name for model in admin.site._registry} == MODERATED | ADMINISTERED


@pytest.mark.parametrize("name", sorted(MODERATED))
def test_staff_moderate_without_further_rights(desk: Client, administrator: User, name: str) -> None:
    assert desk.get(changelist(name)).status_code == 200
    desk.force_login(administrator)
    assert desk.get(changelist(name)).status_code == 200


@pytest.mark.parametrize("name", sorted(ADMINISTERED))
def test_staff_do_not_administer(desk: Client, administrator: User, name: str) -> None:
    assert desk.get(changelist(name)).status_code == 403
    desk.force_login(administrator)
    assert desk.get(changelist(name)).status_code == 200


@pytest.mark.parametrize("name", sorted(MODERATED | ADMINISTERED))
def test_others_see_nothing(client: Client, stranger: User, name: str) -> None:
    assert client.get(changelist(name)).status_code == 302
    client.force_login(stranger)
    assert client.get(changelist(name)).status_code == 302


def test_a_moderator_cannot_touch_people(desk: Client, owner: User, moderator: User) -> None:
    assert desk.get(f"/admin/accounts/user/{owner.pk}/change/").status_code == 403
    forged = {"username": "moderator", "is_staff": "on", "is_superuser": "on"}
    assert desk.post(f"/admin/accounts/user/{moderator.pk}/change/", forged).status_code == 403
    assert desk.post(f"/admin/accounts/user/{owner.pk}/delete/", {"post": "yes"}).status_code == 403
    moderator.refresh_from_db()
    assert not moderator.is_superuser


def test_the_buttons_are_for_moderators_alone(client: Client, stranger: User, video: Video) -> None:
    client.force_login(stranger)

    for deed in ("approve", "reject", "run-again", "topic"):
        assert client.post(f"{VIDEOS}{video.pk}/{deed}/", {"reason": "no"}).status_code == 302

    video.refresh_from_db()
    assert video.moderation_state == ModerationState.PENDING
    assert acts() == []


# --- people and topics ---


def test_an_administrator_sets_rights_and_quota_and_revokes_tokens(
    client: Client, administrator: User, owner: User
) -> None:
    token, key = tokens.issue(owner, "script")
    client.force_login(administrator)
    where = f"/admin/accounts/user/{owner.pk}/change/"
    page = client.get(where).content.decode()
    assert "script" in page
    assert token.digest not in page
    inline = {
        "api_tokens-TOTAL_FORMS": "1",
        "api_tokens-INITIAL_FORMS": "1",
        "api_tokens-0-id": str(token.pk),
        "api_tokens-0-user": str(owner.pk),
        "api_tokens-0-DELETE": "on",
    }

    answer = client.post(
        where, {"username": "owner", "is_active": "on", "is_staff": "on", "quota_bytes": "1000", **inline}
    )

    assert answer.status_code == 302
    owner.refresh_from_db()
    assert (owner.is_staff, owner.quota_bytes) == (True, 1000)
    assert not ApiToken.objects.exists()
    assert tokens.user_for(key) is None


def test_an_administrator_makes_an_account(client: Client, administrator: User, owner: User) -> None:
    client.force_login(administrator)
    form = {"usable_password": "true", "password1": "a long pass phrase", "password2": "a long pass phrase"}

    assert client.post("/admin/accounts/user/add/", {"username": "ada", **form}).status_code == 302
    assert User.objects.get(username="ada").check_password("a long pass phrase")
    taken = client.post("/admin/accounts/user/add/", {"username": "OWNER", **form})
    assert "already exists" in taken.content.decode()


def test_deleting_an_account_removes_its_files_and_is_logged(
    client: Client, administrator: User, video: Video, django_capture_on_commit_callbacks: Callable[..., object]
) -> None:
    client.force_login(administrator)

    with django_capture_on_commit_callbacks(execute=True):
        client.post(f"/admin/accounts/user/{video.owner_id}/delete/", {"post": "yes"})

    assert not User.objects.filter(username="owner").exists()
    assert not files.folder(video.pk).exists()
    assert acts() == [(Act.DELETED, "The account owner was deleted.", "administrator")]


def test_administrators_do_not_delete_themselves(client: Client, administrator: User) -> None:
    client.force_login(administrator)

    client.post(f"/admin/accounts/user/{administrator.pk}/delete/", {"post": "yes"})

    assert User.objects.filter(pk=administrator.pk).exists()


def test_a_renamed_topic_makes_its_videos_stale_for_search(client: Client, administrator: User, video: Video) -> None:
    topic = Topic.objects.create(label="whaling", name="Whaling")
    TopicPrediction.objects.create(video=video, topic=topic, probability=0.9, classifier="test")
    OutboxEntry.objects.all().delete()
    client.force_login(administrator)

    client.post(
        f"/admin/classification/topic/{topic.pk}/change/", {"name": "Whales", "label": "forged", "position": "9"}
    )

    topic.refresh_from_db()
    assert (topic.name, topic.label) == ("Whales", "whaling")
    assert OutboxEntry.objects.filter(video_id=video.pk).exists()
    assert client.post(f"/admin/classification/topic/{topic.pk}/delete/", {"post": "yes"}).status_code == 403
