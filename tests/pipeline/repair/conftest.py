"""Videos whose sound is late, prepared once."""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django import Settings

from apps.accounts.models import User
from apps.pipeline import runs
from apps.pipeline.intake import take_in
from apps.pipeline.models import StageRun
from apps.videos.files import folder
from apps.videos.models import Video
from apps.videos.uploads import VideoDetails, incoming_from_path
from tests.pipeline.repair.acts import (
    Uploaded,
    report,
    work,
)
from tests.transcription.rows import make_transcript
from tests.videos.beeps import beeping
from tests.videos.clips import Clips

State = StageRun.State


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Clips:
    return Clips(tmp_path_factory.mktemp("clips"))


@pytest.fixture(autouse=True)
def media_root(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture(scope="session")
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
