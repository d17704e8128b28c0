import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from tests.conftest import REPOSITORY
from tests.transcription.asr.sounds import speech, write_sound
from tests.transcription.voice import silence


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Somebody says for five seconds how messages travelled before the telegraph."""
    return write_sound(tmp_path_factory.mktemp("talk") / "talk.mp4", speech(5), codec="aac", picture_s=5)


def test_it_writes_captions_without_a_database_and_shows_how_far_it_is(talk: Path, tmp_path: Path) -> None:
    """As a user calls it, with a database that nobody can reach."""
    output = tmp_path / "talk.vtt"
    done = subprocess.run(
        [sys.executable, "manage.py", "transcribe", str(talk), "-o", str(output)],
        cwd=REPOSITORY,
        env={**os.environ, "DATABASE_URL": "postgres://nobody:x@127.0.0.1:9/none", "VIDEOPORTAL_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert output.read_text().startswith("WEBVTT\n\n00:00:0")
    assert "words" in output.read_text().lower()
    assert "100 %" in done.stderr
    assert "5 of 5 s" in done.stderr
    assert re.fullmatch(rf"{re.escape(str(output))}: \d captions\n", done.stdout)


@pytest.mark.parametrize(("form", "beginning"), [("vtt", "WEBVTT"), ("srt", "1\n00:00:0"), ("txt", ""), ("json", "{")])
def test_the_ending_of_the_output_names_its_format(talk: Path, tmp_path: Path, form: str, beginning: str) -> None:
    output = tmp_path / f"captions.{form}"
    call_command("transcribe", str(talk), "-o", str(output))
    assert output.read_text().startswith(beginning)
    assert "history" in output.read_text()


def test_json_has_words_with_times_and_confidences(talk: Path, tmp_path: Path) -> None:
    call_command("transcribe", str(talk), "-o", str(tmp_path / "talk.json"))
    words = [word for cue in json.loads((tmp_path / "talk.json").read_text())["cues"] for word in cue["words"]]
    assert len(words) > 5
    assert all(0 <= word["start_ms"] < word["end_ms"] <= 6_000 and 0 < word["confidence"] <= 1 for word in words)


def test_several_files_go_to_a_folder_which_is_made(talk: Path, tmp_path: Path) -> None:
    other = write_sound(tmp_path / "other.wav", speech(4, from_s=20))
    call_command("transcribe", str(talk), str(other), "--output-dir", str(tmp_path / "captions"), "--format", "srt")
    assert {path.name for path in (tmp_path / "captions").iterdir()} == {"talk.srt", "other.srt"}


def test_what_cannot_be_done_is_told_and_the_rest_done(
    talk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    quiet = write_sound(tmp_path / "quiet.wav", silence(2))
    (tmp_path / "notes.mp4").write_text("these are notes")
    sources = [str(tmp_path / "none.mp4"), str(tmp_path / "notes.mp4"), str(quiet), str(talk)]
    with pytest.raises(SystemExit) as left:
        call_command("transcribe", *sources, "--output-dir", str(tmp_path / "out"))
    assert left.value.code == 1
    told = capsys.readouterr().err
    assert "none.mp4: there is no such file" in told
    assert "notes.mp4 is not a video or sound file" in told
    assert "quiet.wav: no speech was found" in told
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["talk.vtt"]


def test_it_overwrites_only_when_told_to(talk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "talk.vtt"
    output.write_text("my own work")
    with pytest.raises(SystemExit):
        call_command("transcribe", str(talk), "-o", str(output))
    assert "exists already" in capsys.readouterr().err
    assert output.read_text() == "my own work"
    call_command("transcribe", str(talk), "-o", str(output), "--force")
    assert output.read_text().startswith("WEBVTT")


def test_it_never_overwrites_its_input(talk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = talk.read_bytes()
    with pytest.raises(SystemExit):
        call_command("transcribe", str(talk), "-o", str(talk), "--format", "vtt", "--force")
    assert "is the file to be transcribed" in capsys.readouterr().err
    assert talk.read_bytes() == before


def test_a_folder_that_cannot_be_written_is_told(
    talk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SystemExit):
        call_command("transcribe", str(talk), "-o", str(tmp_path / "file" / "talk.vtt"))
    assert "cannot be written" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a.mp4", "-o", "a.doc"], r"let it end with \.vtt, \.srt, \.txt, \.json"),
        (["a.mp4", "b.mp4", "-o", "a.vtt"], "--output-dir"),
        (["a/talk.mp4", "b/talk.mp4", "--output-dir", "c"], "would both be"),
        (["a.mp4", "--language", "ro"], "no speech recogniser for Romanian"),
        (["a.mp4", "--model", "/no/model"], "fetch_models"),
    ],
)
def test_it_tells_what_to_change(arguments: list[str], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        call_command("transcribe", *arguments)


def test_a_file_that_is_cut_off_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = write_sound(tmp_path / "whole.mkv", speech(8), codec="pcm_s16le")
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])
    call_command("transcribe", str(whole), str(cut), "--output-dir", str(tmp_path / "captions"))
    told = capsys.readouterr()
    assert re.search(r"cut\.mkv: its sound ends 3 s before the file says\. It may be cut off", told.err)
    assert "whole.mkv: its sound" not in told.err
    assert "cut.vtt: " in told.out


def test_sound_alone_is_taken_too(tmp_path: Path) -> None:
    sound = np.concatenate([silence(1), speech(4)])
    call_command("transcribe", str(write_sound(tmp_path / "memo.flac", sound, codec="flac")))
    assert "-->" in (tmp_path / "memo.vtt").read_text()
