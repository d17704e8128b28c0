import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from django.core.management import CommandError, call_command

from apps.avsync.syncnet import evaluation
from apps.avsync.syncnet.corpora import SplitOptions, read_grid, split
from apps.avsync.syncnet.dataset import SAMPLES_PER_FRAME, inner
from apps.avsync.syncnet.faces import FaceOptions
from apps.avsync.syncnet.mfcc import mfcc
from apps.avsync.syncnet.objectives import NAMES
from apps.avsync.syncnet.streams import StreamOptions, SyncNetwork
from apps.avsync.syncnet.trainer import Trainer, TrainingError, TrainingOptions, read_curves
from apps.avsync.syncnet.weights import WeightsError, load_network, save_network
from tests.avsync.syncnet.talkers import SIZE, talker

TALKERS = [talker("a", seed=seed) for seed in range(6)]
OTHERS = [talker("b", seed=seed) for seed in range(3)]
STREAMS = StreamOptions(size=SIZE, dimensions=16)
CROP = FaceOptions(size=SIZE)
QUICK = TrainingOptions(steps=8, ways=5, batch_size=2, n_frames=40, validate_every=4, warmup_steps=2)


def trainer(folder: Path, options: TrainingOptions = QUICK, **more: Any) -> Trainer:
    return Trainer(
        folder, training=TALKERS, validation=OTHERS, streams=STREAMS, crop=CROP, options=options, augment=None, **more
    )


@pytest.mark.parametrize("name", NAMES)
def test_each_objective_learns_who_opens_a_mouth_when(name: Any, tmp_path: Path) -> None:
    torch.manual_seed(0)
    options = TrainingOptions(
        objective=name, steps=30, ways=8, batch_size=3, n_frames=44, validate_every=15, warmup_steps=3
    )
    rows = trainer(tmp_path / "run", options).run()
    assert rows[-1].right_15 > 0.5 > 3 * 3 / 31
    assert [row.step for row in rows] == [15, 30]


def test_a_stopped_training_ends_where_an_uninterrupted_one_does(tmp_path: Path) -> None:
    whole = trainer(tmp_path / "whole")
    whole.run()

    assert [row.step for row in trainer(tmp_path / "stopped").run(until=4)] == [4]
    resumed = trainer(tmp_path / "stopped")
    rows = resumed.run()
    assert [row.step for row in rows] == [4, 8]
    for name, tensor in whole.network.state_dict().items():
        torch.testing.assert_close(resumed.network.state_dict()[name], tensor)
    assert [row.step for row in read_curves(tmp_path / "stopped" / "curves.csv")] == [4, 8]
    assert (tmp_path / "stopped" / "curves.png").stat().st_size > 1000


def test_the_mean_of_weights_is_what_is_kept(tmp_path: Path) -> None:
    options = replace(QUICK, average=0.5)
    whole = trainer(tmp_path / "whole", options)
    whole.run()
    trainer(tmp_path / "stopped", options).run(until=4)
    resumed = trainer(tmp_path / "stopped", options)
    resumed.run()
    written = load_network(tmp_path / "whole" / "network.safetensors").network.state_dict()
    for name, tensor in whole.kept.state_dict().items():
        torch.testing.assert_close(resumed.kept.state_dict()[name], tensor)
    first = "video_stream.first.weight"
    assert not torch.allclose(whole.kept.state_dict()[first], whole.network.state_dict()[first], atol=1e-4)
    assert set(written) == set(whole.network.state_dict())


def test_the_folder_of_another_training_is_refused(tmp_path: Path) -> None:
    trainer(tmp_path)
    with pytest.raises(TrainingError, match="name another --output"):
        trainer(tmp_path, TrainingOptions(steps=9, ways=5, batch_size=2, n_frames=40))


def test_more_ways_than_frames_have_room_for_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="14 ways, 5 frames apart, want --frames 70"):
        trainer(tmp_path, TrainingOptions(ways=14, n_frames=60))


def test_all_objectives_see_the_same_batches_and_start_from_the_same_weights(tmp_path: Path) -> None:
    first, second = (
        trainer(tmp_path / name, TrainingOptions(objective=name, steps=8, ways=5, batch_size=2, n_frames=40))
        for name in ("syncnet", "multiway")
    )
    for name, tensor in first.network.state_dict().items():
        assert torch.equal(tensor, second.network.state_dict()[name])


def test_saved_weights_say_the_same_in_half_the_bytes(tmp_path: Path) -> None:
    torch.manual_seed(1)
    network = SyncNetwork(STREAMS).eval()
    path = tmp_path / "network.safetensors"
    save_network(path, network, CROP, {"objective": "multiway", "ways": 14})
    loaded = load_network(path)
    assert loaded.crop == CROP
    assert loaded.network.options == STREAMS
    assert loaded.facts["ways"] == 14
    crops = inner(talker("a").crops)
    np.testing.assert_allclose(loaded.network.embed_video(crops), network.embed_video(crops), atol=0.01)
    assert path.stat().st_size < 2.1 * sum(p.numel() for p in network.parameters()) + 20_000


def test_files_that_are_no_network_are_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="train one with"):
        load_network(tmp_path / "none.safetensors")
    path = tmp_path / "broken.safetensors"
    path.write_bytes(b"nothing")
    with pytest.raises(WeightsError, match="cannot be read"):
        load_network(path)


def test_where_movement_is_loud_the_correlation_finds_the_sound() -> None:
    example = talker("a", n_frames=120)
    levels = inner(example.crops).astype(float)
    moved = np.abs(np.diff(levels, axis=0, prepend=levels[:1])).mean((1, 2))
    noise = np.random.default_rng(0).standard_normal(120 * SAMPLES_PER_FRAME)
    samples = (0.02 * np.exp(0.2 * moved).repeat(SAMPLES_PER_FRAME) * noise).astype(np.float32)
    found = evaluation.correlation_rights(replace(example, samples=samples, coefficients=mfcc(samples)), 15)
    assert len(found) == 120 - 14 - 30
    assert found.mean() > 0.95
    # The drawn mouth's own loudness goes with how far it is open instead.
    assert evaluation.correlation_rights(example, 15).mean() < 0.5
    assert evaluation.correlation_rights(example, 15, evaluation.darkness).mean() > 0.9


def test_places_without_a_voice_are_left_out_where_speech_alone_counts() -> None:
    example = talker("a", n_frames=90)
    time_s = np.arange(90 * SAMPLES_PER_FRAME) / 16_000
    voice = np.sum([np.sin(2 * np.pi * 120 * n * time_s) / n for n in range(1, 20)], axis=0)
    voice[45 * SAMPLES_PER_FRAME :] *= 1e-4  # from the 45th picture on nobody speaks
    spoken = replace(example, samples=(0.1 * voice).astype(np.float32))
    found: evaluation.Found = {"all": {5: [np.arange(90 - 34) < 40]}}
    left = evaluation.while_speaking(found, [spoken])["all"][5][0]
    assert 26 <= len(left) <= 30  # places begin at picture 15: some 28 of them have three voiced pictures or more
    assert left.all()


def test_commands_train_and_measure_on_real_clips(data_dir: Path, tmp_path: Path) -> None:
    grid = tmp_path / "grid"
    parts = split(read_grid(data_dir / "grid"), SplitOptions(held_out=("s34",)))
    for part, n_clips in (("training", 2), ("validation", 1), ("unseen_clips", 1), ("unseen_speakers", 1)):
        for clip in parts[part][-n_clips:]:
            place = grid / clip.path.relative_to(data_dir / "grid")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(clip.path.resolve())
    common = {"data": grid, "cache": tmp_path / "cache"}
    call_command("train_sync", **common, output=tmp_path / "run", steps=2, batch=1, held_out=["s34"])
    network = tmp_path / "run" / "network.safetensors"
    call_command(
        "evaluate_sync", **common, network=[f"multiway={network}"], align_with=network, output=tmp_path / "results"
    )
    table = (tmp_path / "results" / "table.csv").read_text().splitlines()
    assert table[0] == "part,method,frames,mean,low,high,n_clips"
    assert sum(row.startswith("unseen_speakers,multiway,") for row in table) == 6
    assert sum(row.startswith("unseen_clips_speaking,multiway,") for row in table) == 6
    own = (tmp_path / "results" / "own_offsets.csv").read_text().splitlines()
    assert own[0] == "part,speaker,sentence,own_offset_ms,first_half_ms,second_half_ms,is_sure"
    assert own[-1].startswith("unseen_speakers,s34,")
    speakers = (tmp_path / "results" / "speakers.csv").read_text().splitlines()
    assert speakers[-1].startswith("unseen_speakers,multiway,s34,1,")
    assert sum(row.startswith("unseen_clips,movement,") for row in table) == 6
    gains = (tmp_path / "results" / "gains.csv").read_text().splitlines()
    assert gains[1].startswith("unseen_clips,multiway,movement,5,")
    assert json.loads((tmp_path / "run" / "run.json").read_text())["facts"]["held_out"] == ["s34"]
    assert (tmp_path / "results" / "unseen_speakers.png").stat().st_size > 1000
    with pytest.raises(CommandError, match="no clip of s99"):
        call_command("train_sync", **common, output=tmp_path / "other", held_out=["s99"])
