import csv
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from apps.transcription.asr.recognizers.base import Recognizer
from apps.transcription.asr.words import Word
from apps.transcription.evaluating import ManifestError, hear, read_manifest, read_word_times
from tests.transcription.asr.checkpoints import save_checkpoint
from tests.transcription.asr.sounds import speech, write_sound

TOY = Path(__file__).parent / "asr" / "fixtures" / "toy.arpa"


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    write_sound(tmp_path / "one.wav", speech(4))
    write_sound(tmp_path / "two.wav", speech(4, from_s=20))
    lines = [{"path": f"{name}.wav", "text": "Words, words: a history!"} for name in ("one", "two")]
    (tmp_path / "talks.jsonl").write_text("\n".join(map(json.dumps, lines)))
    return tmp_path / "talks.jsonl"


class Parrot:
    """Hears the same two words, in time, whatever it is given."""

    name = "parrot"
    languages = None

    def transcribe(self, samples: object) -> list[Word]:
        return [Word("Bin", 0.95, 1.2, 0.9), Word("red,", 1.2, 1.4, 0.5)]


def test_it_tells_the_rates_of_the_embedded_recogniser(
    manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bins = tmp_path / "bins.csv"
    call_command(
        "evaluate_asr", "--data", str(manifest), "--csv", str(tmp_path / "table.csv"), "--reliability", str(bins)
    )
    assert "whisper tiny.en, as it comes, talks (2 utterances, 8 words): WER" in capsys.readouterr().out
    [row] = csv.DictReader((tmp_path / "table.csv").open())
    assert (row["corpus"], row["words"]) == ("talks", "8")
    assert float(row["wer_low"]) <= float(row["wer"]) <= float(row["wer_high"])
    assert 0 <= float(row["ece"]) <= 1
    rows = list(csv.DictReader(bins.open()))
    assert {each["corpus"] for each in rows} == {"talks"}
    assert all(float(each["from"]) <= float(each["mean_confidence"]) <= float(each["from"]) + 0.1 for each in rows)
    n_words = sum(int(each["words"]) for each in rows)
    far = sum(int(each["words"]) * abs(float(each["mean_confidence"]) - float(each["share_right"])) for each in rows)
    assert float(row["ece"]) == pytest.approx(far / n_words)


def test_a_ctc_checkpoint_is_judged_greedy_with_the_model_and_with_hotwords(
    manifest: Path, tmp_path: Path, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "toy").mkdir()
    (tmp_path / "toy" / "toy.arpa").write_text(TOY.read_text())
    (tmp_path / "about.txt").write_text("a history of Telegraphs")
    settings.ASR_MODEL = str(save_checkpoint(tmp_path / "tiny"))
    settings.ASR_LANGUAGE_MODEL = str(tmp_path / "toy")
    call_command("evaluate_asr", "--data", str(manifest), "--compare", "--hotwords-from", str(tmp_path / "about.txt"))
    told = capsys.readouterr().out
    assert "Hotwords: TELEGRAPHS, HISTORY" in told
    for decoding in ("greedy", "language model", "with hotwords"):
        assert f"tiny with toy, {decoding}, talks (2 utterances" in told
    assert "language model against tiny with toy, greedy:" in told
    assert "points of WER" in told


def test_words_are_timed_against_the_times_of_a_clip(tmp_path: Path) -> None:
    (tmp_path / "grid" / "s1").mkdir(parents=True)
    write_sound(tmp_path / "grid" / "s1" / "a.wav", speech(3))
    said = [{"word": "bin", "start_ms": 950, "end_ms": 1180}, {"word": "blue", "start_ms": 1180, "end_ms": 1360}]
    words = tmp_path / "grid" / "words.jsonl"
    words.write_text(json.dumps({"clip": "s1/a.wav", "words": said}))
    [utterance] = read_manifest(words)
    assert (utterance.corpus, utterance.text) == ("grid", "bin blue")
    recognizer: Recognizer = Parrot()
    [heard] = hear([utterance], recognizer, "en")
    assert heard.said_times_s == ((0.95, 1.18), (1.18, 1.36))
    assert [word.text for word in heard.words] == ["bin", "red"]
    assert heard.said == ("bin", "blue")

    (tmp_path / "clips.jsonl").write_text(json.dumps({"path": "grid/s1/a.wav", "text": "Bin blue"}))
    [utterance] = read_manifest(tmp_path / "clips.jsonl", read_word_times(words))
    assert utterance.words[0] == ("bin", 0.95, 1.18)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "is empty"),
        ("words", "line 1"),
        ('{"text": "words"}', "line 1"),
        ('{"path": "gone.wav", "text": "words"}', "gone.wav"),
    ],
)
def test_a_manifest_that_cannot_be_read_is_refused(tmp_path: Path, line: str, message: str) -> None:
    (tmp_path / "bad.jsonl").write_text(line)
    with pytest.raises(ManifestError, match=message):
        read_manifest(tmp_path / "bad.jsonl")
    with pytest.raises(CommandError, match=message):
        call_command("evaluate_asr", "--data", str(tmp_path / "bad.jsonl"))
