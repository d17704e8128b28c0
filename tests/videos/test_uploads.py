"""From a file to a video, or to a refusal that leaves nothing: each bad input by name."""

from __future__ import annotations

import errno
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import IntegrityError, connection
from pytest_django import Settings

from apps.accounts.models import User
from apps.videos import quota, uploads
from apps.videos.files import folder, original_path
from apps.videos.models import ModerationState, Tag, Video
from apps.videos.probe import probe_file
from apps.videos.signals import video_changed
from apps.videos.uploads import UploadRefusedError, VideoDetails, incoming_from_path, receive
from tests.conftest import REPOSITORY
from tests.videos.clips import Clips
from tests.videos.conftest import Upload, files_below


def nothing_is_kept(media_root: Path) -> bool:
    return files_below(media_root) == [] and not Video.objects.exists() and not Tag.objects.exists()


def test_a_video_is_taken_in_with_what_was_said_and_found(upload: Upload, clips: Clips, media_root: Path) -> None:
    heard = []

    def hear(**event: object) -> None:
        heard.append(event["video_id"])

    video_changed.connect(hear)
    tags = ("Bees", "#bees ", "Honey")
    video = upload(clips.mp4(), name='../my "first" talk 🎉.mp4', title=" A  talk ", tags=tags, language="de")
    video_changed.disconnect(hear)
    video.refresh_from_db()
    assert (video.title, video.language, video.original_name) == ("A talk", "de", 'my "first" talk 🎉.mp4')
    assert sorted(tag.name for tag in video.tags.all()) == ["bees", "honey"]
    assert (video.container, video.video_codec, video.audio_codec) == ("mp4", "h264", "aac")
    assert (video.width, video.height) == (64, 48)
    assert abs(video.duration_ms - 3_000) < 50
    assert video.moderation_state == ModerationState.PENDING
    assert video.checked_at is None
    assert original_path(video).read_bytes() == clips.mp4().read_bytes()
    assert files_below(media_root) == [folder(video.pk) / "original.mp4"]
    assert heard == [video.pk]


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("My_talk-2024.mp4", "My talk-2024"),
        ("🎉.mp4", "🎉"),
        ("." * 5 + "mp4", "...."),
        ("x" * 251 + ".mp4", "x" * 200),
    ],
)
def test_a_title_that_nobody_gave_is_made_of_the_name(upload: Upload, clips: Clips, name: str, title: str) -> None:
    assert upload(clips.mp4(), name=name, title="  ").title == title


def test_a_video_without_sound_is_fine(upload: Upload, clips: Clips) -> None:
    video = upload(clips.silent_mp4())
    assert not video.has_sound


def test_real_recordings_of_old_formats_are_taken(upload: Upload, data_dir: Path) -> None:
    video = upload(data_dir / "grid" / "original_bbaf2n.mpg")
    assert (video.container, video.video_codec, video.audio_codec) == ("mpeg", "mpeg1video", "mp2")


BAD_FILES: dict[str, tuple[Callable[[Clips], Path], int, str, str]] = {
    "empty": (Clips.empty, 400, "empty", "The file is empty"),
    "text": (Clips.text, 415, "not_a_video", "not a video that the portal can read"),
    "audio only": (Clips.audio_only, 422, "no_video_stream", "no video in this file"),
    "audio with a cover": (Clips.audio_with_cover, 422, "no_video_stream", "no video in this file"),
    "0×0": (Clips.with_header_of_no_size, 422, "no_picture", "0 pixels wide"),
    "truncated before its index": (
        lambda clips: clips.truncated(clips.slow_start_mp4()), 415, "not_a_video", "its index is missing",
    ),
    "playlist": (lambda clips: clips.playlist(clips.mp4()), 415, "not_a_video", "not a video"),
    "list of files": (lambda clips: clips.concat_list(clips.mp4()), 415, "not_a_video", "not a video"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD_FILES)
def test_bad_files_are_refused_with_the_reason(upload: Upload, clips: Clips, media_root: Path, kind: str) -> None:
    make, status, code, words = BAD_FILES[kind]
    with pytest.raises(UploadRefusedError, match=words) as refused:
        upload(make(clips), name="clip.mp4")
    assert (refused.value.status, refused.value.code) == (status, code)
    assert nothing_is_kept(media_root)


def test_a_video_that_is_too_long_is_refused(
    upload: Upload, clips: Clips, media_root: Path, settings: Settings
) -> None:
    settings.UPLOAD_MAX_DURATION_S = 3_600
    with pytest.raises(UploadRefusedError, match=r"lasts 10:00:00; this portal takes up to 1:00:00") as refused:
        upload(clips.with_header_of_ten_hours())
    assert (refused.value.status, refused.value.code) == (422, "too_long")
    assert nothing_is_kept(media_root)


def test_a_file_above_the_size_limit_is_refused(
    upload: Upload, clips: Clips, media_root: Path, settings: Settings
) -> None:
    settings.UPLOAD_MAX_BYTES = 1_000
    with pytest.raises(UploadRefusedError) as refused:
        upload(clips.mp4())
    assert (refused.value.status, refused.value.code) == (413, "too_large")
    assert nothing_is_kept(media_root)


def test_a_probe_that_takes_too_long_is_refused(
    upload: Upload, clips: Clips, media_root: Path, settings: Settings
) -> None:
    settings.PROBE_TIMEOUT_S = 0.01
    with pytest.raises(UploadRefusedError, match="could not be examined within") as refused:
        upload(clips.mp4())
    assert (refused.value.status, refused.value.code) == (422, "probe_timeout")
    assert nothing_is_kept(media_root)


def test_the_same_file_again_names_the_video_that_it_is(
    upload: Upload, clips: Clips, media_root: Path, stranger: User
) -> None:
    first = upload(clips.mp4(), title="The first")
    with pytest.raises(UploadRefusedError, match="your video “The first”") as refused:
        upload(clips.mp4(), name="renamed.mp4")
    assert (refused.value.status, refused.value.code, refused.value.existing) == (409, "duplicate", first)
    assert files_below(media_root) == [original_path(first)]
    assert upload(clips.mp4(), by=stranger).pk != first.pk, "what others own is nobody's duplicate"


def test_the_quota_counts_what_is_kept(upload: Upload, clips: Clips, owner: User, settings: Settings) -> None:
    settings.USER_QUOTA_BYTES = clips.mp4().stat().st_size + 100
    first = upload(clips.mp4())
    with pytest.raises(UploadRefusedError, match="Delete a video") as refused:
        upload(clips.other_mp4(0))
    assert (refused.value.status, refused.value.code) == (413, "quota")
    first.delete()
    assert upload(clips.other_mp4(0))


@pytest.mark.parametrize(("own", "default", "limit"), [(None, 5, 5), (0, 5, 0), (9, 5, 9), (None, 0, 0)])
def test_a_persons_own_quota_goes_before_the_portals(
    owner: User, settings: Settings, own: int | None, default: int, limit: int
) -> None:
    settings.USER_QUOTA_BYTES = default
    owner.quota_bytes = own
    assert quota.limit_of(owner) == limit


def test_no_quota_is_no_limit(owner: User, settings: Settings) -> None:
    settings.USER_QUOTA_BYTES = 0
    quota.check(owner, 10**15)


@pytest.mark.parametrize(
    "details",
    [{"language": "xx"}, {"visibility": "secret"}, {"title": "x" * 201}, {"tags": tuple(f"tag{n}" for n in range(21))}],
)
def test_details_that_cannot_stand_are_refused(
    upload: Upload, clips: Clips, media_root: Path, details: dict[str, object]
) -> None:
    with pytest.raises(UploadRefusedError) as refused:
        upload(clips.mp4(), **details)
    assert (refused.value.status, refused.value.code) == (400, "details")
    assert nothing_is_kept(media_root)


def test_a_full_disk_while_the_file_is_moved_leaves_nothing(
    upload: Upload, clips: Clips, media_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, *args: object, **kwargs: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "mkdir", _only_for_videos(full))
        with pytest.raises(UploadRefusedError) as refused:
            upload(clips.mp4(), tags=("bees",))
    assert (refused.value.status, refused.value.code) == (507, "disk_full")
    assert nothing_is_kept(media_root)


def _only_for_videos(replacement: Callable[..., None]) -> Callable[..., None]:
    original = Path.mkdir

    def mkdir(self: Path, *args: object, **kwargs: object) -> None:
        if self.parent.name == "videos":
            replacement(self)
        original(self, *args, **kwargs)  # type: ignore[arg-type]

    return mkdir


def test_nothing_is_kept_where_the_pipeline_could_not_start(owner: User, clips: Clips, media_root: Path) -> None:
    def broken(video: Video) -> None:
        assert original_path(video).exists()
        raise IntegrityError("the stages could not be written")

    with pytest.raises(IntegrityError):
        receive(incoming_from_path(clips.mp4()), owner=owner, details=VideoDetails("A talk"), then=broken)
    assert nothing_is_kept(media_root)


def test_the_probe_runs_outside_the_transaction(
    owner: User, clips: Clips, monkeypatch: pytest.MonkeyPatch, transactional_db: None
) -> None:
    """SQLite has one writer: nobody may wait for somebody else's probe."""
    seen: list[bool] = []
    probe = probe_file

    def watched(*args: object) -> object:
        seen.append(connection.in_atomic_block)
        return probe(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(uploads, "probe_file", watched)
    receive(incoming_from_path(clips.mp4()), owner=owner, details=VideoDetails("A talk"))
    assert seen == [False]


def test_content_decides_what_a_file_is_kept_as(upload: Upload, clips: Clips) -> None:
    video = upload(clips.webm(), name="really-a-webm.mp4")
    assert (video.container, video.extension, video.original_name) == ("webm", "webm", "really-a-webm.mp4")


def test_a_copied_file_stays_where_it_is(clips: Clips, tmp_path: Path) -> None:
    copied = incoming_from_path(clips.mp4(), name="../talk.mp4")
    assert copied.path != clips.mp4()
    assert copied.original_name == "talk.mp4"
    copied.close()
    assert clips.mp4().exists()
    assert not copied.path.exists()


RACE = """
import sys, django
django.setup()
from pathlib import Path
from apps.accounts.models import User
from apps.videos.uploads import UploadRefusedError, VideoDetails, incoming_from_path, receive
print("ready", flush=True)
sys.stdin.readline()
try:
    receive(incoming_from_path(Path(sys.argv[1])), owner=User.objects.get(), details=VideoDetails(sys.argv[1]))
    print("taken")
except UploadRefusedError as error:
    print(error.code)
"""
PREPARE = """
import django
django.setup()
from django.core.management import call_command
from apps.accounts.models import User
call_command("migrate", "--run-syncdb", verbosity=0)
User.objects.create_user("owner")
"""


@pytest.mark.slow
def test_uploads_at_once_cannot_pass_the_quota_together(clips: Clips, tmp_path: Path) -> None:
    """Four processes, each with a file of its own, over one database on the disk, and room for two of them."""
    files = [clips.other_mp4(number) for number in range(4)]
    environment = os.environ | {
        "VIDEOPORTAL_HOME": str(tmp_path / "home"),
        "DJANGO_SETTINGS_MODULE": "videoportal.settings",
        "PYTHONPATH": str(REPOSITORY),
    }
    database = f"sqlite:///{tmp_path / 'db.sqlite3'}"
    environment |= {"DATABASE_URL": database, "MEDIA_ROOT": str(tmp_path / "media")}
    limit = sum(sorted(path.stat().st_size for path in files)[-2:])
    subprocess.run([sys.executable, "-c", PREPARE], env=environment, check=True, timeout=60)
    with sqlite3.connect(tmp_path / "db.sqlite3") as rows:
        rows.execute("UPDATE accounts_user SET quota_bytes = ?", [limit])
    rows.close()
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACE, str(path)],
            env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for path in files
    ]  # fmt: skip
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    ended = [racer.communicate(timeout=60)[0].strip() for racer in racers]
    assert sorted(ended) == ["quota", "quota", "taken", "taken"], json.dumps(ended)
    assert len(files_below(tmp_path / "media")) == 2
