"""The whole chain on real speech: upload → check → playback → captions → topic → search → the second."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import imageio_ffmpeg
import jiwer
import pytest
from django.test import Client

from apps.accounts.models import User
from apps.pipeline import execution
from apps.pipeline.intake import take_in
from apps.pipeline.models import StageRun
from apps.search import outbox
from apps.search.backends.base import SearchQuery
from apps.search.queries import search_videos
from apps.transcription.tracks import transcript_text
from apps.videos.models import Notice, Video
from apps.videos.uploads import VideoDetails, incoming_from_path

UTTERANCES = 4


def normalised(text: str) -> str:
    return " ".join(re.sub(r"[^\w\s']", " ", text.lower()).split())


@pytest.fixture
def speech(data_dir: Path, tmp_path: Path) -> tuple[Path, list[dict[str, object]]]:
    """A few utterances of `speech/ljspeech` as one video, and what is said in it."""
    lines = (data_dir / "speech" / "ljspeech.jsonl").read_text().splitlines()[:UTTERANCES]
    said = [json.loads(line) for line in lines]
    inputs = [argument for one in said for argument in ("-i", str(data_dir / str(one["path"])))]
    joined = "".join(f"[{index}:a]" for index in range(UTTERANCES)) + f"concat=n={UTTERANCES}:v=0:a=1[sound]"
    target = tmp_path / "reading.mkv"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-loglevel", "error", *inputs]
    command += ["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=10", "-filter_complex", joined]
    command += ["-map", f"{UTTERANCES}:v", "-map", "[sound]", "-shortest", "-c:v", "mpeg4", "-c:a", "flac", str(target)]
    subprocess.run(command, check=True)
    return target, said


def run_every_stage(video: Video) -> dict[str, str]:
    """Does the workers' work here; the states in which the stages ended."""
    while run := StageRun.objects.filter(video=video, state=StageRun.State.QUEUED).first():
        execution.run_stage(video.id, run.stage, worker="here", kill=lambda: pytest.fail("killed"))
    return dict(StageRun.objects.filter(video=video).values_list("stage", "state"))


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_real_speech_is_found_at_its_second(
    speech: tuple[Path, list[dict[str, object]]], owner: User, settings: object, tmp_path: Path
) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"  # type: ignore[attr-defined]
    settings.SEARCH_SQLITE_PATH = tmp_path / "search.sqlite3"  # type: ignore[attr-defined]
    path, said = speech
    reference = normalised(" ".join(str(one["text"]) for one in said))

    video = take_in(incoming_from_path(path), owner=owner, details=VideoDetails(title="A reading"))
    assert run_every_stage(video) == {
        "probe": "done",
        "render": "done",
        "transcribe": "done",
        "check_sync": "done",
        "classify": "done",
        "embed": "skipped",
    }
    video.refresh_from_db()
    assert video.is_published
    assert Notice.objects.get(user=owner).kind == Notice.Kind.READY

    assert jiwer.wer(reference, normalised(transcript_text(video))) < 0.15
    webvtt = Client().get(f"/videos/{video.id}/captions.en.vtt")
    assert webvtt.status_code == 200
    assert b"".join(webvtt).startswith(b"WEBVTT")
    played = Client().get(f"/videos/{video.id}/files/{video.web_name}", headers={"range": "bytes=0-99"})
    assert played.status_code == 206

    outbox.drain()
    begins_s = float(str(said[0]["duration_s"]))
    word = max(normalised(str(said[1]["text"])).split(), key=len)
    page = search_videos(owner, SearchQuery(text=word))
    assert page.total == 1, f"nobody said “{word}”"
    moment_s = page.hits[0].moments[0].start_ms / 1000
    assert begins_s - 1 <= moment_s <= begins_s + float(str(said[1]["duration_s"])), "in the second utterance"
