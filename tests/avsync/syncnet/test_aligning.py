from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from apps.avsync.syncnet.aligning import OwnOffset, aligned, key_of, own_offsets
from apps.avsync.syncnet.dataset import Example, later
from apps.avsync.syncnet.faces import FaceOptions
from apps.avsync.syncnet.mfcc import mfcc
from apps.avsync.syncnet.streams import StreamOptions, SyncNetwork
from apps.avsync.syncnet.trainer import Trainer, TrainingOptions
from tests.avsync.syncnet.talkers import SIZE, talker


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> SyncNetwork:
    """A network that knows drawn talkers."""
    torch.manual_seed(0)
    trainer = Trainer(
        tmp_path_factory.mktemp("run"),
        training=[talker("a", seed=seed) for seed in range(6)],
        validation=[talker("b", seed=seed) for seed in range(3)],
        streams=StreamOptions(size=SIZE, dimensions=16),
        crop=FaceOptions(size=SIZE),
        options=TrainingOptions(steps=40, ways=8, batch_size=3, n_frames=44, validate_every=20, warmup_steps=3),
        augment=None,
    )
    trainer.run()
    return trainer.kept.eval()


def moved(example: Example, by_ms: float) -> Example:
    samples = later(example.samples, by_ms)
    return replace(example, samples=samples, coefficients=mfcc(samples))


def test_a_clip_that_is_off_is_found_by_both_halves_and_put_right(network: SyncNetwork) -> None:
    agreeing = [talker("c", seed=seed, n_frames=100) for seed in range(4)]
    late = moved(talker("d", n_frames=100), 120)
    examples = [*agreeing, late]
    offsets = own_offsets(network, examples)
    found = offsets[key_of(late.clip)]
    assert found.is_sure
    assert found.whole_ms == pytest.approx(120, abs=20)
    assert all(abs(offsets[key_of(example.clip)].whole_ms) < 25 for example in agreeing)
    again = own_offsets(network, aligned(examples, offsets))
    assert abs(again[key_of(late.clip)].whole_ms) < 25


def test_a_clip_whose_halves_disagree_is_left_out(network: SyncNetwork) -> None:
    agreeing = [talker("c", seed=seed, n_frames=100) for seed in range(4)]
    whole = talker("d", n_frames=100)
    cut = len(whole.samples) // 2
    samples = np.concatenate([whole.samples[:cut], later(whole.samples, 200)[cut:]])
    torn = replace(whole, samples=samples, coefficients=mfcc(samples))
    offsets = own_offsets(network, [*agreeing, torn])
    assert not offsets[key_of(torn.clip)].is_sure
    kept = aligned([*agreeing, torn], offsets)
    assert [example.clip for example in kept] == [example.clip for example in agreeing]


def test_an_offset_at_the_edge_of_what_is_compared_is_not_sure() -> None:
    assert OwnOffset(-80.0, (-82.0, -79.0)).is_sure
    assert not OwnOffset(-600.0, (-600.0, -600.0), is_at_edge=True).is_sure


def test_a_copy_has_the_offset_of_its_clip_and_an_unknown_clip_none() -> None:
    example = talker("a")
    copy = replace(example, clip=replace(example.clip, path=Path("recoded/a0.mp4")))
    (there,) = aligned([copy, talker("b")], {key_of(example.clip): OwnOffset(40.0, (50.0, 30.0))})
    np.testing.assert_array_equal(there.samples[:-640], example.samples[640:])
