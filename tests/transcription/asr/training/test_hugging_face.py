import json
from pathlib import Path

import pytest

from apps.transcription.asr.training.corpora import CorpusError, read_corpus
from apps.transcription.asr.training.hugging_face import DatasetOptions, lay_out
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
