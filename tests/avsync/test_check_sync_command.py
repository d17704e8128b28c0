import json
from dataclasses import replace
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from apps.avsync.management.commands import check_sync
from tests.avsync.scenes import drawn_checker, later, talk, write_clip
from tests.videos.clips import Clips

TALK = talk(6.0, seed=6)


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A line for each time that a network is loaded."""
    times: list[str] = []

    def load() -> object:
        times.append("loaded")
        return drawn_checker()

    monkeypatch.setattr(check_sync, "sync_checker", load)
    return times


@pytest.fixture
def late(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "late.mp4", replace(TALK, samples=later(TALK.samples, 200)))


def test_it_says_of_each_file_what_it_found_and_how_far_it_is(
    late: Path, tmp_path: Path, loaded: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    fitting = write_clip(tmp_path / "fitting.mp4", TALK)
    call_command("check_sync", str(late), str(fitting))
    out, err = capsys.readouterr()
    first, second = out.splitlines()
    assert first.startswith(f"{late}: The sound comes ")
    assert second.startswith(f"{fitting}: Sound and lips agree")
    assert "late.mp4: 100 %" in err
    assert loaded == ["loaded"]


def test_json_has_one_object_a_file(late: Path, loaded: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    call_command("check_sync", "--json", str(late))
    (line,) = capsys.readouterr().out.splitlines()
    said = json.loads(line)
    assert list(said)[:6] == ["path", "offset_ms", "probability", "verdict", "coverage", "reason"]
    assert said["path"] == str(late)
    assert said["offset_ms"] == pytest.approx(200, abs=20)
    assert (said["verdict"], said["reason"]) == ("sound_late", None)


def test_files_that_cannot_be_read_do_not_keep_it_from_the_others(
    late: Path, tmp_path: Path, loaded: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    clips = Clips(tmp_path)
    files = [clips.text(), clips.silent_mp4(), clips.audio_only(), tmp_path / "none.mp4", late]
    with pytest.raises(SystemExit) as ending:
        call_command("check_sync", "--json", *map(str, files))
    assert ending.value.code == 1
    out, err = capsys.readouterr()
    said = [json.loads(line) for line in out.splitlines()]
    reasons = [one["reason"] for one in said]
    assert reasons == ["unreadable", "no_sound", "no_pictures", "unreadable", None]
    assert [one["path"] for one in said] == [str(path) for path in files]
    assert [one["verdict"] for one in said] == ["unknown"] * 4 + ["sound_late"]
    assert "text.mp4 is not a video or sound file that can be read" in err
    assert "silent.mp4 has no sound." in err


def test_without_json_the_reasons_of_refused_files_are_on_stderr_alone(
    tmp_path: Path, loaded: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        call_command("check_sync", str(Clips(tmp_path).text()))
    assert capsys.readouterr().out == ""


def test_a_network_that_cannot_work_ends_it_with_what_to_do(late: Path, settings: Settings) -> None:
    settings.SYNC_MODEL = "nowhere/network.safetensors"
    with pytest.raises(CommandError, match="leave SYNC_MODEL empty"):
        call_command("check_sync", str(late))
