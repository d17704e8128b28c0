"""KenLM models of a text that is small enough to know what they must say."""

import gzip
import json
import lzma
import socket
import warnings
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from pytest_django import Settings

from apps.transcription.asr.kenlm_tools import APT_LINE, KenlmToolsError, build_tools, find_tools
from apps.transcription.asr.language_model import read_language_model
from tests.transcription.asr.checkpoints import save_checkpoint

SENTENCES = ["the cat sat on the mat", "the dog sat on the log", "a cat and a dog", "the cat saw 3 dogs"] * 20


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """KenLM's programs: of PATH, or built for the tests where a compiler and Boost are there."""
    folder = tmp_path_factory.mktemp("tools")
    if find_tools(folder) is None:
        try:
            build_tools(folder, print)
        except KenlmToolsError as error:
            pytest.skip(f"lmplz is not here and cannot be built: {str(error).splitlines()[0]}")
    return folder


@pytest.fixture
def home(settings: Settings, tools: Path, tmp_path: Path) -> Path:
    settings.HOME = tmp_path / "home"
    settings.HOME.mkdir()
    (settings.HOME / "tools").symlink_to(tools)
    return tmp_path


def build(text: Path, output: Path, *more: str) -> None:
    call_command("build_language_model", "--text", str(text), "--output", str(output), "--order", "3", *more)


def text_in(folder: Path) -> Path:
    (folder / "text.txt").write_text("\n".join(line.capitalize() + "." for line in SENTENCES))
    return folder / "text.txt"


def test_it_writes_a_folder_that_speaks_like_its_text(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "held.txt").write_text("The cat sat on the log.\nThe zebra sat.")
    build(text_in(home), home / "lm", "--held-out", str(home / "held.txt"))
    model = read_language_model(home / "lm", name="lm")
    assert model.unigrams is not None
    assert set(model.unigrams) == {"the", "cat", "sat", "on", "mat", "dog", "log", "a", "and", "saw", "dogs"}
    assert model.log10_probability("cat") > model.log10_probability("mat")
    told = capsys.readouterr().out
    assert "Perplexity on the held-out text" in told
    assert "1 of 11 unknown" in told
    assert f"ASR_LANGUAGE_MODEL={home / 'lm'}" in told
    assert {path.name for path in home.iterdir()} == {"home", "text.txt", "held.txt", "lm"}, "nothing is left over"


def test_compressed_text_gives_the_same_model(home: Path) -> None:
    plain = text_in(home)
    (home / "text.xz").write_bytes(lzma.compress(plain.read_bytes()))
    (home / "text.gz").write_bytes(gzip.compress(plain.read_bytes()))
    for name in ("text.txt", "text.xz", "text.gz"):
        build(home / name, home / f"lm-{name}")
    models = {(home / f"lm-{name}" / "3gram.bin").read_bytes() for name in ("text.txt", "text.xz", "text.gz")}
    assert len(models) == 1


def test_a_killed_build_goes_on_and_leaves_no_half_folder(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from apps.transcription.asr import language_model_building as building

    def kill(*args: object, **kwargs: object) -> int:
        raise KeyboardInterrupt

    text = text_in(home)
    with monkeypatch.context() as patch:
        patch.setattr(building, "_write_unigrams", kill)
        with pytest.raises(KeyboardInterrupt):
            build(text, home / "lm")
    assert not (home / "lm").exists()
    with monkeypatch.context() as patch:
        patch.setattr(building, "_count", kill)
        build(text, home / "lm")  # what was counted is there
    assert read_language_model(home / "lm", name="lm").unigrams


def test_it_writes_a_processor_for_transformers(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyctcdecode", reason="transformers' class wants it; it is a tool of the tests")
    checkpoint = save_checkpoint(home / "checkpoint")
    build(text_in(home), home / "processor", "--processor", str(checkpoint))

    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("the network was touched")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    from transformers import Wav2Vec2ProcessorWithLM

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        processor = Wav2Vec2ProcessorWithLM.from_pretrained(str(home / "processor"))
    assert "CAT" in processor.decoder._language_model._unigram_set
    unigrams = read_language_model(home / "processor" / "language_model", name="lm").unigrams
    assert unigrams is not None
    assert "THE" in unigrams, "in the checkpoint's letters"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--order", "9"], "write 1 to 6"),
        (["--prune", "0", "2", "1"], "do not fall"),
        (["--prune", "1"], "0 first"),
        (["--alphabet-from", "/no/such/checkpoint"], "neither a folder nor a checkpoint"),
    ],
)
def test_what_cannot_work_is_told(home: Path, arguments: list[str], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        build(text_in(home), home / "lm", *arguments)
    assert not (home / "lm").exists()


def test_a_text_without_words_is_refused(home: Path) -> None:
    (home / "text.txt").write_text("12 34\n你好\n")
    with pytest.raises(CommandError, match="no word in the recogniser's letters"):
        build(home / "text.txt", home / "lm")


def test_an_absent_text_and_a_folder_that_is_there_are_refused(home: Path) -> None:
    with pytest.raises(CommandError, match="There is no file"):
        build(home / "none.txt", home / "lm")
    (home / "lm").mkdir()
    with pytest.raises(CommandError, match="exists already"):
        build(text_in(home), home / "lm")


def test_without_a_compiler_it_names_the_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(KenlmToolsError, match="lacks cmake, make, g"):
        build_tools(tmp_path / "tools", print)
    assert "libboost" in APT_LINE


def test_the_report_is_kept_with_the_model(home: Path) -> None:
    build(text_in(home), home / "lm")
    report = json.loads((home / "lm" / ".report.json").read_text())
    assert report["n_words"] == 20 * (6 + 6 + 5 + 4)
    assert report["perplexity"] is None
    assert home / "home" == django_settings.HOME


def test_data_sets_of_hugging_face_want_their_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "datasets", None)
    output = tmp_path / "lm"
    with pytest.raises(CommandError, match="pip install datasets"):
        call_command("build_language_model", "--dataset", "Helsinki-NLP/europarl", "--output", str(output))
    assert not output.exists()
