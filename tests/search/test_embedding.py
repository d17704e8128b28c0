"""Checkpoints of sentence-transformers, read without the package; and the embedded one."""

from pathlib import Path

import numpy as np
import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from pytest_django import Settings

from apps.classification.bert.encoder import EncoderOptions, TextEncoder
from apps.search.embedders import EmbeddingModelError, embedder, space
from apps.search.embedding.checkpoint import CheckpointError, read_checkpoint
from apps.search.embedding.embedder import embedded_embedder, load_embedder
from tests.search.tiny_embedder import write, write_tiny_checkpoint

TEXTS = ["goal match", "bank share", "vote party film"]


def plain(folder: Path, pooling: str, texts: list[str]) -> np.ndarray:
    options = EncoderOptions(pooling=pooling, window_tokens=32, overlap_tokens=8, device="cpu")  # type: ignore[arg-type]
    return TextEncoder(folder, options).encode(texts)


@pytest.mark.parametrize(
    ("config", "pooling"),
    [
        ({"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": False}, "mean"),
        ({"pooling_mode_mean_tokens": False, "pooling_mode_cls_token": True}, "cls"),
        ({"pooling_mode": "cls", "include_prompt": True}, "cls"),
    ],
)
def test_it_pools_as_the_checkpoint_says(tmp_path: Path, config: dict[str, object], pooling: str) -> None:
    folder = write_tiny_checkpoint(tmp_path / "tiny", config)
    vectors = load_embedder(folder, "cpu").passages(TEXTS)
    np.testing.assert_allclose(vectors, plain(folder, pooling, TEXTS), atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    other = plain(folder, "cls" if pooling == "mean" else "mean", TEXTS)
    assert np.abs(vectors - other).max() > 0.01


def test_it_puts_the_checkpoints_prompts_before_queries_and_passages(tmp_path: Path) -> None:
    folder = write_tiny_checkpoint(tmp_path / "tiny", prompts={"query": "song ", "document": "code "})
    tiny = load_embedder(folder, "cpu")
    np.testing.assert_allclose(tiny.query("goal"), plain(folder, "mean", ["song goal"])[0], atol=1e-5)
    np.testing.assert_allclose(tiny.passages(["goal"]), plain(folder, "mean", ["code goal"]), atol=1e-5)


def test_it_reads_a_plain_encoder_and_one_in_a_folder_of_its_own(tmp_path: Path) -> None:
    folder = write_tiny_checkpoint(tmp_path / "tiny")
    expected = load_embedder(folder, "cpu").passages(TEXTS)
    (folder / "modules.json").unlink()
    np.testing.assert_allclose(load_embedder(folder, "cpu").passages(TEXTS), expected, atol=1e-5)
    whole = tmp_path / "whole"
    folder.rename(tmp_path / "part")
    whole.mkdir()
    (tmp_path / "part").rename(whole / "0_Transformer")
    write(whole / "modules.json", [{"path": "0_Transformer", "type": "sentence_transformers.models.Transformer"}])
    np.testing.assert_allclose(load_embedder(whole, "cpu").passages(TEXTS), expected, atol=1e-5)
    assert read_checkpoint(whole).max_tokens == 32


@pytest.mark.parametrize(
    ("pooling", "extra_module", "settings", "message"),
    [
        ({"pooling_mode_max_tokens": True}, None, {}, "max_tokens"),
        (None, "sentence_transformers.models.Dense", {}, "Dense"),
        (None, "drop Normalize", {"similarity_fn_name": "dot"}, "cosine"),
    ],
)
def test_it_refuses_what_it_would_do_wrong(
    tmp_path: Path, pooling: dict[str, object] | None, extra_module: str | None, settings: dict[str, str], message: str
) -> None:
    folder = write_tiny_checkpoint(tmp_path / "tiny", pooling, **settings)
    modules = [{"path": "", "type": "a.Transformer"}, {"path": "1_Pooling", "type": "a.Pooling"}]
    if extra_module and "drop" not in extra_module:
        modules.append({"path": "2", "type": extra_module})
    write(folder / "modules.json", modules)
    with pytest.raises(CheckpointError, match=message):
        read_checkpoint(folder)


def test_the_embedded_one_knows_what_is_meant() -> None:
    embedded = embedded_embedder()
    near, far = embedded.passages(["The striker shot two goals.", "The central bank raised its interest rate."])
    query = embedded.query("who scored twice")
    assert query @ near > query @ far + 0.2
    assert embedded.n_dimensions == 384


# --- the setting ---


def test_spaces_of_other_weights_are_others(tmp_path: Path, settings: Settings) -> None:
    settings.SEARCH_EMBEDDING_MODEL = ""
    embedded = space()
    settings.SEARCH_EMBEDDING_MODEL = str(write_tiny_checkpoint(tmp_path / "tiny"))
    tiny = space()
    assert embedded is not None
    assert tiny is not None
    assert (embedded.n_dimensions, tiny.n_dimensions) == (384, 16)
    assert (embedded.understands("en"), embedded.understands("de"), tiny.understands("de")) == (True, False, True)
    with (tmp_path / "tiny" / "model.safetensors").open("ab") as weights:
        weights.write(b" ")
    assert tiny.name != space().name  # type: ignore[union-attr]
    settings.SEARCH_EMBEDDING_MODEL = "none"
    assert space() is None


@pytest.mark.django_db
@pytest.mark.parametrize("model", ["/nowhere/at/all", "nobody/nothing"])
def test_a_model_that_is_not_there_is_named_with_its_setting(settings: Settings, model: str) -> None:
    settings.SEARCH_EMBEDDING_MODEL = model
    with pytest.raises(EmbeddingModelError, match=r"SEARCH_EMBEDDING_MODEL=.*fetch_models.*or set it to none"):
        embedder()
    with pytest.raises(SystemCheckError, match="SEARCH_EMBEDDING_MODEL"):
        call_command("check")


def test_a_folder_without_weights_is_named_with_its_setting(settings: Settings, tmp_path: Path) -> None:
    folder = write_tiny_checkpoint(tmp_path / "tiny")
    (folder / "model.safetensors").unlink()
    settings.SEARCH_EMBEDDING_MODEL = str(folder)
    with pytest.raises(EmbeddingModelError, match=r"SEARCH_EMBEDDING_MODEL=.*no model.safetensors"):
        space()
