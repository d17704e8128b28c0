import json
from pathlib import Path

import pytest

from apps.transcription.asr.training.corpora import CorpusError, read_corpus
from apps.transcription.asr.training.hugging_face import DatasetOptions, lay_out, write_sentences
from tests.transcription.asr.training.tones import spoken, write_sound


@pytest.fixture
def dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data set as the hub has them: a file of Parquet with the sounds in it."""
    datasets = pytest.importorskip("datasets", reason="the library datasets is not installed")
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    sounds = [write_sound(tmp_path / "sounds" / f"{text}.wav", spoken(text)) for text in ("ab", "c")]
    rows = [{"audio": {"bytes": path.read_bytes(), "path": path.name}, "sentence": path.stem} for path in sounds]
    features = datasets.Features({"audio": datasets.Audio(decode=False), "sentence": datasets.Value("string")})
    described = json.dumps({"info": {"features": features.to_dict()}}).encode()
    (tmp_path / "set").mkdir()
    table = pyarrow.Table.from_pylist(rows).replace_schema_metadata({b"huggingface": described})
    parquet.write_table(table, tmp_path / "set" / "train-00000.parquet")
    return tmp_path / "set"


def test_a_data_set_becomes_a_manifest(dataset: Path, tmp_path: Path) -> None:
    manifest = lay_out(DatasetOptions(str(dataset)), tmp_path / "laid-out")

    recordings = read_corpus(manifest)
    assert [each.text for each in recordings] == ["ab", "c"]
    assert recordings[0].path.read_bytes() == (tmp_path / "sounds" / "ab.wav").read_bytes()


def test_a_part_that_does_not_exist_is_named(dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="default, test cannot be had"):
        lay_out(DatasetOptions(str(dataset), split="test"), tmp_path / "laid-out")


@pytest.fixture
def translations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DatasetOptions:
    """Sentences in two languages, as Europarl is published."""
    datasets = pytest.importorskip("datasets", reason="the library datasets is not installed")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "cache"))
    rows = [
        {"translation": {"en": "Good morning.", "ro": "Bună dimineața."}},
        {"translation": {"en": "Thank\nyou.", "ro": "Mulțumesc."}},
    ]
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "train.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return DatasetOptions(str(tmp_path / "text"))


def test_a_side_of_translations_becomes_a_sentence_a_line(translations: DatasetOptions, tmp_path: Path) -> None:
    write_sentences(translations, "ro", tmp_path / "ro.txt")
    write_sentences(translations, "en", tmp_path / "en.txt")

    assert (tmp_path / "ro.txt").read_text() == "Bună dimineața.\nMulțumesc.\n"
    assert (tmp_path / "en.txt").read_text() == "Good morning.\nThank you.\n"
    with pytest.raises(CorpusError, match="en, ro, none in de"):
        write_sentences(translations, "de", tmp_path / "de.txt")
