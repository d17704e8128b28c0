"""Small trainings from the first step to the last, on a language of tones."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from apps.transcription.asr.decoder import greedy_words
from apps.transcription.asr.recognizers.wav2vec2 import Wav2Vec2Options, Wav2Vec2Recognizer
from apps.transcription.asr.training.batches import AugmentOptions
from apps.transcription.asr.training.corpora import CorpusError, read_corpus
from apps.transcription.asr.training.finetuning import Data, Start, finetune
from apps.transcription.asr.training.networks import write_fresh
from apps.transcription.asr.training.run_folder import STATE, RunFolder, RunFolderError
from apps.transcription.asr.training.trainer import Measured, Trainer, TrainingError, TrainingOptions
from tests.transcription.asr.checkpoints import save_checkpoint
from tests.transcription.asr.training.tones import SENTENCES, spoken, write_corpus, write_sound

FRESH = Start(None, "tiny", "text")
QUICK = TrainingOptions(
    steps=6,
    batch_size=2,
    warmup_steps=2,
    checkpoint_every=2,
    learning_rate=1e-3,
    train_feature_encoder=True,
    augment=AugmentOptions(speed=0.1, bands=1, noise=0.01),
)


def train(
    output: Path, corpus: Path, options: TrainingOptions = QUICK, start: Start = FRESH, **data: object
) -> Measured:
    shares = {"validation_share": 0.25, "split_seed": 1} | data
    return finetune(output, start, Data((corpus,), **shares), options, device="cpu", say=lambda line: None)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("tones"), [*SENTENCES, *(f"{text} c" for text in SENTENCES)])


def test_it_learns_a_batch_by_heart_and_the_recogniser_reads_it(tmp_path: Path) -> None:
    options = TrainingOptions(
        steps=140,
        warmup_steps=20,
        checkpoint_every=20,
        learning_rate=3e-3,
        mask_time=0.0,
        train_feature_encoder=True,
    )

    train(tmp_path / "run", write_corpus(tmp_path / "tones"), options)

    run = RunFolder(tmp_path / "run")
    assert run.rows()[-1].training_loss < 0.1 < run.rows()[0].training_loss
    run.select(140)  # three sentences teach no other: the fourth's loss would choose an earlier one
    recognizer = Wav2Vec2Recognizer(Wav2Vec2Options(str(run.path), language_model="none"))
    learned = [each.text for each in read_corpus(run.path / "training.jsonl")]
    assert [recognizer_text(recognizer, text) for text in learned] == learned


def recognizer_text(recognizer: Wav2Vec2Recognizer, sentence: str) -> str:
    """What is read where `sentence` is said in tones, which are no speech to voice activity."""
    words = greedy_words(recognizer.log_probs(spoken(sentence)), recognizer._alphabet, frame_s=0.02)
    return " ".join(word.text for word in words)


def test_a_run_that_was_stopped_goes_on_as_if_it_had_not_been(tmp_path: Path, corpus: Path) -> None:
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    train(whole, corpus)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Trainer, "_learn", killed_after(3, Trainer._learn))
        with pytest.raises(KeyboardInterrupt):
            train(stopped, corpus)
    assert RunFolder(stopped).steps() == [0, 2]

    train(stopped, corpus)

    for step in (2, 4, 6):
        before, after = (
            load_file(folder / "checkpoints" / f"step-{step}" / "model.safetensors") for folder in (whole, stopped)
        )
        assert all(torch.equal(before[key], after[key]) for key in before)
    columns = [(row.step, row.training_loss, row.validation_loss) for row in RunFolder(whole).rows()]
    assert [(row.step, row.training_loss, row.validation_loss) for row in RunFolder(stopped).rows()] == columns


def killed_after(n_steps: int, learn: Callable[..., float]) -> Callable[..., float]:
    def learn_or_die(trainer: Trainer, batch: object) -> float:
        if trainer.step >= n_steps:
            raise KeyboardInterrupt
        return learn(trainer, batch)

    return learn_or_die


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, corpus: Path) -> Path:
    output = tmp_path_factory.mktemp("finished") / "run"
    train(output, corpus, test_share=0.25)
    return output


def test_the_folder_is_the_checkpoint_of_the_lowest_validation_loss(finished: Path) -> None:
    folder = RunFolder(finished)
    best = min(folder.rows(), key=lambda row: row.validation_loss).step

    assert [row.step for row in folder.rows()] == [2, 4, 6]
    chosen = (folder.checkpoint(best) / "model.safetensors").read_bytes()
    assert (finished / "model.safetensors").read_bytes() == chosen
    for name in ("curves.png", "durations.png"):
        assert Image.open(finished / name).size == (960, 540)


def test_any_checkpoint_can_be_selected(finished: Path, tmp_path: Path) -> None:
    folder = RunFolder(shutil.copytree(finished, tmp_path / "run"))

    (folder.path / "calibration.json").write_text("{}", encoding="utf-8")  # of the one that was chosen before

    folder.select(2)

    assert not (folder.path / "calibration.json").exists()
    assert (folder.path / "model.safetensors").read_bytes() == (folder.checkpoint(2) / "model.safetensors").read_bytes()
    with pytest.raises(RunFolderError, match="no checkpoint of step 3; it has 2, 4, 6"):
        folder.select(3)


def test_only_the_newest_checkpoint_keeps_what_resuming_needs(finished: Path) -> None:
    assert [
        step for step in RunFolder(finished).steps() if (RunFolder(finished).checkpoint(step) / STATE).exists()
    ] == [6]


def test_parts_are_written_as_they_are_read(finished: Path) -> None:
    parts = {
        name: {each.text for each in read_corpus(finished / f"{name}.jsonl")}
        for name in ("training", "validation", "test")
    }

    assert [len(part) for part in parts.values()] == [4, 2, 2]


def test_the_folder_of_another_run_is_refused(finished: Path, corpus: Path, tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="with other learning_rate, seed: name another --output"):
        train(finished, corpus, replace(QUICK, seed=9, learning_rate=1.0), test_share=0.25)
    (tmp_path / "letter.txt").write_text("mine")
    with pytest.raises(RunFolderError, match="not empty and holds no training"):
        train(tmp_path, corpus)


def test_a_pretrained_checkpoint_keeps_its_feature_encoder_and_its_labels(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "tones", [text.upper() for text in SENTENCES])
    source = save_checkpoint(tmp_path / "source")

    train(
        tmp_path / "run", corpus, replace(QUICK, steps=2, train_feature_encoder=False), Start(source, "", "checkpoint")
    )

    before, after = (load_file(folder / "model.safetensors") for folder in (source, tmp_path / "run"))
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert "lm_head.weight" in changed
    assert not any("feature_extractor" in name for name in changed)
    assert Wav2Vec2Recognizer(Wav2Vec2Options(str(tmp_path / "run"))).languages is None


def test_mixed_precision_learns_the_same_within_its_precision(tmp_path: Path, corpus: Path) -> None:
    options = replace(QUICK, steps=2)

    exact, mixed = (train(tmp_path / name, corpus, replace(options, precision=name)) for name in ("fp32", "bf16"))

    assert mixed.validation_loss == pytest.approx(exact.validation_loss, rel=0.02)
    assert mixed.validation_loss != exact.validation_loss


def test_recordings_that_cannot_be_learned_are_refused_or_left_out(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "tones", [*SENTENCES, "a 1", "!"])
    with corpus.open("a", encoding="utf-8") as file:
        write_sound(corpus.parent / "long.wav", spoken("abc" * 8))
        write_sound(corpus.parent / "short.wav", spoken("a"))
        file.write('{"path": "long.wav", "text": "ab"}\n{"path": "short.wav", "text": "abcabcabcabcabcabcabcabc"}\n')

    with pytest.raises(CorpusError, match="4 of 8 recordings cannot be used") as refused:
        train(tmp_path / "run", corpus, max_clip_s=3)
    assert "1 cannot be spelled with abc" in str(refused.value)
    assert "--skip-unusable" in str(refused.value)

    said: list[str] = []
    data = Data((corpus,), validation_share=0.25, max_clip_s=3, skip_unusable=True)
    finetune(tmp_path / "run", FRESH, data, replace(QUICK, steps=2), device="cpu", say=said.append)
    assert "Left out: 4 recordings" in said[0]
    assert said[1] == "training: 3 recordings, 0.00 h"


def test_sentences_that_are_kept_are_not_learned_from_more_recordings(tmp_path: Path, corpus: Path) -> None:
    more = write_corpus(tmp_path / "more", [*SENTENCES, "bbb"])

    train(tmp_path / "run", corpus, replace(QUICK, steps=2), test_share=0.25, more=(more,))

    kept = {each.text for name in ("validation", "test") for each in read_corpus(tmp_path / "run" / f"{name}.jsonl")}
    learned = {each.text for each in read_corpus(tmp_path / "run" / "training.jsonl")}
    assert "bbb" in learned
    assert not kept & learned


def test_a_loss_that_is_no_number_stops_the_run(tmp_path: Path, corpus: Path) -> None:
    write_fresh(tmp_path / "source", "tiny", frozenset("abc"), seed=0)
    weights = load_file(tmp_path / "source" / "model.safetensors")
    weights["lm_head.bias"][:] = float("nan")
    save_file(weights, tmp_path / "source" / "model.safetensors", metadata={"format": "pt"})

    with pytest.raises(TrainingError, match="is nan: start again with a lower --learning-rate"):
        train(tmp_path / "run", corpus, start=Start(tmp_path / "source", "", "checkpoint"))
