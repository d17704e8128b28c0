from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from django.core.management import CommandError, call_command

from apps.avsync.syncnet.corpora import SplitOptions, read_grid, split
from apps.avsync.syncnet.dataset import AugmentOptions, inner
from apps.avsync.syncnet.faces import FaceOptions
from apps.avsync.syncnet.lipreading import (
    CropInputs,
    EndToEndReader,
    ReaderOptions,
    TemporalLayers,
    VectorInputs,
    predict,
)
from apps.avsync.syncnet.lipreading_results import Task, draw_confusion, gains, table
from apps.avsync.syncnet.lipreading_trainer import LipReadingTrainer, ReadingOptions
from apps.avsync.syncnet.readers import common_crop
from apps.avsync.syncnet.runs import TrainingError
from apps.avsync.syncnet.streams import StreamOptions, SyncNetwork
from apps.avsync.syncnet.weights import TrainedNetwork, save_network
from tests.avsync.syncnet.mouthers import NAMES, SIZE, said

READER = ReaderOptions(n_frames=9, width=16, dropout=0.0)
STREAMS = StreamOptions(size=SIZE, dimensions=16)
QUICK = ReadingOptions(epochs=2, batch_size=8, views=2, warmup_steps=2)
TRAINING, OTHERS = said(20, seed=1), said(10, seed=2, speaker="b")


def network() -> SyncNetwork:
    torch.manual_seed(0)
    return SyncNetwork(STREAMS)


def layers() -> TemporalLayers:
    torch.manual_seed(1)
    return TemporalLayers(STREAMS.dimensions, len(NAMES), READER)


def end_to_end(folder: Path, options: ReadingOptions = QUICK) -> LipReadingTrainer:
    return LipReadingTrainer(
        folder,
        EndToEndReader(network(), layers()),
        training=CropInputs(TRAINING, READER, AugmentOptions()),
        validation=CropInputs(OTHERS, READER, None),
        options=options,
        facts={"reader": "e2e"},
    )


def pretrained(folder: Path, stream: SyncNetwork, options: ReadingOptions = QUICK) -> LipReadingTrainer:
    return LipReadingTrainer(
        folder,
        layers(),
        training=VectorInputs(TRAINING, READER, AugmentOptions(), stream),
        validation=VectorInputs(OTHERS, READER, None, stream),
        options=options,
        facts={"reader": "pt"},
    )


def test_nine_pictures_become_a_logit_for_each_word() -> None:
    seen = CropInputs(TRAINING, READER, None).batch([0, 1])
    assert seen.shape == (2, 9, SIZE, SIZE, 1)
    assert EndToEndReader(network(), layers()).eval()(seen).shape == (2, len(NAMES))
    vectors = VectorInputs(TRAINING, READER, None, network()).batch([0, 1])
    assert vectors.shape == (2, 5, STREAMS.dimensions)
    assert layers().eval()(vectors).shape == (2, len(NAMES))


def test_vectors_of_a_word_are_those_of_its_windows_in_its_clip() -> None:
    stream = network().eval()
    word = TRAINING[1]
    whole = stream.embed_video(inner(word.example.crops))
    found = VectorInputs(TRAINING, READER, None, stream).batch([1])[0].numpy()
    np.testing.assert_allclose(found, whole[word.middle - 4 : word.middle + 1], atol=1e-3)


def test_crops_and_vectors_show_the_same_changed_pictures() -> None:
    class Brightness(SyncNetwork):
        def embed_video(self, crops: np.ndarray) -> np.ndarray:
            return crops[:-4].astype(np.float32).mean((1, 2))[:, None]

    crops = CropInputs(TRAINING, READER, AugmentOptions())
    vectors = VectorInputs(TRAINING, READER, AugmentOptions(), Brightness(STREAMS))
    for view in (0, 1, 2):
        of_crops = crops.batch([3], view)[0, :5].float().mean((1, 2))
        torch.testing.assert_close(vectors.batch([3], view)[0], of_crops, atol=0.1, rtol=0)
    assert not torch.equal(crops.batch([3], 1), crops.batch([3], 2))
    assert torch.equal(crops.batch([3], 1), crops.batch([3], 1))


def test_a_reader_learns_words_from_end_to_end(tmp_path: Path) -> None:
    trainer = end_to_end(tmp_path, ReadingOptions(epochs=6, batch_size=8, views=1, learning_rate=5e-3, warmup_steps=2))
    rows = trainer.run()
    assert max(row.right for row in rows) > 0.8 > 2 / len(NAMES)


def test_a_frozen_stream_is_not_changed_and_its_layers_learn(tmp_path: Path) -> None:
    stream = network()
    before = {name: tensor.clone() for name, tensor in stream.state_dict().items()}
    options = ReadingOptions(epochs=30, batch_size=8, views=1, learning_rate=1e-2, warmup_steps=2)
    trainer = pretrained(tmp_path, stream, options)
    rows = trainer.run()
    assert max(row.right for row in rows) > 0.6
    for name, tensor in stream.state_dict().items():
        assert torch.equal(tensor, before[name])
    # What is left is the reader of the best epoch, not of the last.
    read = predict(trainer.reader, VectorInputs(OTHERS, READER, None, stream)).argmax(1)
    assert np.mean(read == [word.label for word in OTHERS]) == max(row.right for row in rows)


def test_a_stopped_training_ends_where_an_uninterrupted_one_does(tmp_path: Path) -> None:
    whole = end_to_end(tmp_path / "whole")
    rows = whole.run()

    class StoppedError(Exception):
        pass

    def stop(_: object) -> None:
        raise StoppedError

    with pytest.raises(StoppedError):
        end_to_end(tmp_path / "stopped").run(stop)
    resumed = end_to_end(tmp_path / "stopped")
    assert [(row.epoch, row.loss, row.right) for row in resumed.run()] == [
        (row.epoch, row.loss, row.right) for row in rows
    ]
    for name, tensor in whole.reader.state_dict().items():
        torch.testing.assert_close(resumed.reader.state_dict()[name], tensor)
    assert (tmp_path / "stopped" / "curves.png").stat().st_size > 1000


def test_the_folder_of_another_training_is_refused(tmp_path: Path) -> None:
    end_to_end(tmp_path)
    with pytest.raises(TrainingError, match="name another --output"):
        end_to_end(tmp_path, ReadingOptions(epochs=3, batch_size=8, views=2, warmup_steps=2))


def test_a_training_without_words_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="name more data"):
        LipReadingTrainer(
            tmp_path,
            layers(),
            training=CropInputs(TRAINING, READER, None),
            validation=CropInputs([], READER, None),
            options=QUICK,
            facts={},
        )


def trained(**changes: Any) -> TrainedNetwork:
    return TrainedNetwork(network(), FaceOptions(size=SIZE), {"corpus": "grid", "held_out": ["s2"], **changes})


def test_networks_that_saw_who_is_unseen_here_are_refused() -> None:
    assert common_crop({"a": trained()}, "grid", ("s2",)) == FaceOptions(size=SIZE)
    assert common_crop({"a": trained()}, "lrw", ()) == FaceOptions(size=SIZE)
    assert common_crop({}, "grid", ("s2",)) == FaceOptions()
    with pytest.raises(TrainingError, match="give --held-out s2"):
        common_crop({"a": trained()}, "grid", ("s2", "s3"))


def test_networks_of_other_crops_are_refused() -> None:
    other = TrainedNetwork(network(), FaceOptions(size=SIZE, part="face"), {"corpus": "grid", "held_out": []})
    with pytest.raises(TrainingError, match="one by one"):
        common_crop({"a": trained(held_out=[]), "b": other}, "grid", ())


def test_the_table_counts_words_by_kind_and_within_a_kind(tmp_path: Path) -> None:
    task = Task(NAMES, {"calls": ("mama",), "answers": ("oh", "yes")})
    words = OTHERS[:4]
    logits = np.full((4, 3), -1.0, np.float32)
    for row, word in enumerate(words):
        logits[row, word.label] = 0.0
    answers = [row for row, word in enumerate(words) if NAMES[word.label] != "mama"]
    logits[answers[0], 0] = 1.0  # an answer that is taken for a call, but for the right answer among answers
    perfect = np.eye(3, dtype=np.float32)[[word.label for word in words]]
    rows = {(row["reader"], row["kind"]): row for row in table("p", task, words, {"a": logits, "b": perfect})}
    assert rows["a", "all"]["right"] == 75.0
    assert rows["a", "all"]["words"] == 4
    assert rows["a", "all"]["clips"] == 2
    assert rows["a", "answers"]["right"] == round(100 * (len(answers) - 1) / len(answers), 2)
    assert rows["a", "answers"]["within_kind"] == 100.0
    (gained,) = gains("p", task, words, {"a": logits, "b": perfect}, over="b")
    assert gained["compared_with"] == "a"
    assert gained["gain"] == 25.0
    draw_confusion("title", task, words, logits, tmp_path / "confusion.png")
    assert (tmp_path / "confusion.png").stat().st_size > 1000


def test_the_command_compares_readers_on_real_clips(data_dir: Path, tmp_path: Path) -> None:
    grid = tmp_path / "grid"
    parts = split(read_grid(data_dir / "grid"), SplitOptions(held_out=("s34",)))
    for part, n_clips in (("training", 3), ("validation", 1), ("unseen_clips", 1), ("unseen_speakers", 1)):
        for clip in parts[part][-n_clips:]:
            place = grid / clip.path.relative_to(data_dir / "grid")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(clip.path.resolve())
    (grid / "words.jsonl").symlink_to((data_dir / "grid" / "words.jsonl").resolve())
    weights = tmp_path / "network.safetensors"
    save_network(weights, SyncNetwork(StreamOptions()), FaceOptions(), {"corpus": "grid", "held_out": ["s34"]})
    common: dict[str, Any] = {
        "data": grid,
        "cache": tmp_path / "cache",
        "output": tmp_path / "runs",
        "results": tmp_path / "results",
        "pretrained": [f"matched={weights}"],
        "epochs": 1,
        "views": 1,
        "width": 16,
    }
    with pytest.raises(CommandError, match="give --held-out s34"):
        call_command("train_lipreading", **common)
    call_command("train_lipreading", **common, held_out=["s34"])
    rows = (tmp_path / "results" / "table.csv").read_text().splitlines()
    assert rows[0].startswith("part,reader,kind,classes,words,clips,right,right_low,right_high,within_kind,")
    assert sum(row.startswith("unseen_clips,pt_matched,") for row in rows) == 7
    assert sum(row.startswith("unseen_speakers,e2e,") for row in rows) == 7
    gained = (tmp_path / "results" / "gains.csv").read_text().splitlines()
    assert gained[1].startswith("unseen_clips,pt_matched,pt_random,")
    assert (tmp_path / "results" / "confusion_pt_matched.png").stat().st_size > 1000
    readers = (tmp_path / "results" / "readers.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in readers] == ["reader", "pt_matched", "pt_random", "e2e"]
    assert len((tmp_path / "results" / "curves.csv").read_text().splitlines()) == 1 + 3
    with pytest.raises(CommandError, match="--readers names some of pt_matched, pt_random, e2e"):
        call_command("train_lipreading", **common, held_out=["s34"], readers=["nobody"])
    call_command("train_lipreading", **common, held_out=["s34"], readers=["e2e"])  # learned already: only measured
    rows = (tmp_path / "results" / "table.csv").read_text().splitlines()
    assert {row.split(",")[1] for row in rows[1:]} == {"e2e"}
