"""Editing in two tabs, and deleting."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from django.db import transaction
from pytest_django import DjangoCaptureOnCommitCallbacks

from apps.accounts.models import User
from apps.videos.details import DetailsInvalidError, VideoDetails, tags_from_text
from apps.videos.editing import EditConflictError, delete_video, edit_video
from apps.videos.files import clear_leftovers, delete_files, folder, path_of, replacing
from apps.videos.models import ModerationEntry, Video
from apps.videos.signals import video_changed
from tests.factories import make_video
from tests.videos.clips import Clips
from tests.videos.conftest import Upload, files_below


def test_an_edit_is_saved_and_told(owner: User) -> None:
    video = make_video(owner)
    heard = []

    def hear(**event: object) -> None:
        heard.append(event["video_id"])

    video_changed.connect(hear)
    details = VideoDetails(" Bees \n at work ", "Line one\r\nline two\x00", ("#Bees", "bees", " wax "), "de", "private")
    edited = edit_video(video, revision=1, editor=owner, details=details)
    video_changed.disconnect(hear)
    assert (edited.title, edited.description) == ("Bees at work", "Line one\nline two")
    assert (edited.language, edited.visibility, edited.revision) == ("de", "private", 2)
    assert {tag.name for tag in edited.tags.all()} == {"bees", "wax"}
    assert heard == [video.pk]
    assert not ModerationEntry.objects.exists()


def test_of_two_tabs_the_second_is_told(owner: User) -> None:
    video = make_video(owner)
    edit_video(video, revision=video.revision, editor=owner, details=VideoDetails("First tab", tags=("one",)))
    with pytest.raises(EditConflictError, match="another tab") as conflict:
        edit_video(video, revision=video.revision, editor=owner, details=VideoDetails("Second tab", tags=("two",)))
    assert conflict.value.current.title == "First tab"
    video.refresh_from_db()
    assert video.title == "First tab"
    assert {tag.name for tag in video.tags.all()} == {"one"}


def test_an_edit_does_not_undo_what_a_stage_wrote_meanwhile(owner: User) -> None:
    video = make_video(owner)
    Video.objects.update(web_name="web.mp4", duration_ms=1)
    edit_video(video, revision=1, editor=owner, details=VideoDetails("New"))
    video.refresh_from_db()
    assert (video.web_name, video.duration_ms) == ("web.mp4", 1)


def test_a_moderators_edit_leaves_a_log_entry(owner: User, moderator: User) -> None:
    edit_video(make_video(owner), revision=1, editor=moderator, details=VideoDetails("Cleaner title"))
    assert ModerationEntry.objects.get().act == ModerationEntry.Act.EDITED


@pytest.mark.parametrize(
    ("details", "field"),
    [
        (VideoDetails("  "), "title"),
        (VideoDetails("\u200e\u200b\ufeff\u2060"), "title"),
        (VideoDetails("\u202e \u3164\u2800\u0301"), "title"),
        (VideoDetails("x" * 201), "title"),
        (VideoDetails("T", description="x" * 10_001), "description"),
        (VideoDetails("T", tags=tuple(map(str, range(21)))), "tags"),
        (VideoDetails("T", tags=("x" * 51,)), "tags"),
        (VideoDetails("T", language="klingon"), "language"),
        (VideoDetails("T", visibility="secret"), "visibility"),
    ],
)
def test_each_field_says_what_is_wrong_with_it(owner: User, details: VideoDetails, field: str) -> None:
    video = make_video(owner)
    with pytest.raises(DetailsInvalidError) as invalid:
        edit_video(video, revision=1, editor=owner, details=details)
    assert set(invalid.value.problems) == {field}
    video.refresh_from_db()
    assert (video.title, video.revision) == ("A talk", 1)


def test_tags_are_read_from_one_field() -> None:
    assert tags_from_text("Bees, #Honey ; wax\nbees,,  STRASSE, straße") == ("bees", "honey", "wax", "strasse")
    assert tags_from_text("#\u200e, \u200b, ##, 🐝") == ("🐝",), "what cannot be seen is no tag"


def test_a_deleted_video_takes_all_its_files_along(
    upload: Upload,
    clips: Clips,
    media_root: Path,
    owner: User,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    video = upload(clips.mp4())
    other = upload(clips.other_mp4(1))
    path_of(video, "web.mp4").write_bytes(b"rendered")
    path_of(video, "partial-1-web.mp4").write_bytes(b"half")
    with django_capture_on_commit_callbacks(execute=True):
        delete_video(video, by=owner)
        assert path_of(video, "web.mp4").exists(), "a rollback would need it"
    assert not Video.objects.filter(pk=video.pk).exists()
    assert files_below(media_root) == [path_of(other, "original.mp4")]
    assert not folder(video.pk).exists()
    assert not ModerationEntry.objects.exists()


@pytest.mark.parametrize("how", ["queryset", "instance", "account"])
def test_however_a_row_goes_its_files_go(
    upload: Upload,
    clips: Clips,
    media_root: Path,
    owner: User,
    how: str,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    video = upload(clips.mp4())
    with django_capture_on_commit_callbacks(execute=True):
        if how == "queryset":
            Video.objects.all().delete()
        elif how == "instance":
            video.delete()
        else:
            owner.delete()
    assert files_below(media_root) == []


def test_a_deletion_that_is_rolled_back_keeps_the_files(
    upload: Upload, clips: Clips, owner: User, transactional_db: None
) -> None:
    video = upload(clips.mp4())

    def delete_and_fail() -> None:
        with transaction.atomic():
            delete_video(video, by=owner)
            raise RuntimeError("something later failed")

    with pytest.raises(RuntimeError):
        delete_and_fail()
    assert Video.objects.get(pk=video.pk)
    assert path_of(video, "original.mp4").exists()


def test_a_moderators_deletion_outlives_the_video_in_the_log(owner: User, moderator: User) -> None:
    delete_video(make_video(owner, title="Spam"), by=moderator, reason="It is spam.")
    entry = ModerationEntry.objects.get()
    assert (entry.video, entry.video_title, entry.act, entry.reason) == (None, "Spam", "deleted", "It is spam.")


def test_a_worker_cannot_bring_a_deleted_folder_back(owner: User, media_root: Path) -> None:
    video = make_video(owner)
    folder(video.pk).mkdir(parents=True)

    def write_while_it_is_deleted() -> None:
        with replacing(path_of(video, "web.mp4")) as partial, partial.open("wb") as file:
            file.write(b"half of it")
            delete_files(video.pk)
            file.write(b"the rest of it, into nowhere")

    with pytest.raises(FileNotFoundError):
        write_while_it_is_deleted()
    assert files_below(media_root) == []
    with pytest.raises(FileNotFoundError), replacing(path_of(video, "web.mp4")) as partial:
        partial.write_bytes(b"too late")


def test_what_is_half_written_never_has_the_name_that_is_served(owner: User) -> None:
    video = make_video(owner)
    folder(video.pk).mkdir(parents=True)
    target = path_of(video, "web.mp4")
    target.write_bytes(b"the old one")

    def write_half() -> None:
        with replacing(target) as partial:
            partial.write_bytes(b"half")
            raise RuntimeError("the encoder failed")

    with pytest.raises(RuntimeError):
        write_half()
    assert target.read_bytes() == b"the old one"
    assert [path.name for path in folder(video.pk).iterdir()] == ["web.mp4"]


@pytest.mark.parametrize("name", ["../other/web.mp4", "", "/etc/passwd", "a/b.jpg", ".hidden", "web.mp4\n", "WEB.MP4"])
def test_no_name_leads_out_of_a_videos_folder(owner: User, name: str) -> None:
    with pytest.raises(ValueError, match="no name of a video's file"):
        path_of(make_video(owner), name)


def test_the_sweep_finds_folders_that_belong_to_no_video(owner: User, media_root: Path) -> None:
    """As a process leaves them that dies between the commit and the removal."""
    kept, orphan = make_video(owner), make_video(owner)
    for video in (kept, orphan):
        folder(video.pk).mkdir(parents=True)
        path_of(video, "original.mp4").write_bytes(b"x")
        os.utime(folder(video.pk), (time.time() - 7_200,) * 2)
    Video.objects.filter(pk=orphan.pk).delete()
    assert clear_leftovers(3 * 3_600) == 0, "younger ones may be in use"
    assert clear_leftovers(3_600) == 1
    assert files_below(media_root) == [path_of(kept, "original.mp4")]
