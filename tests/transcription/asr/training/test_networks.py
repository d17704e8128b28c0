from pathlib import Path

import numpy as np
import pytest
import torch

from apps.transcription.asr.normalization import ENGLISH_LETTERS
from apps.transcription.asr.recognizers.wav2vec2 import Wav2Vec2Options, Wav2Vec2Recognizer
from apps.transcription.asr.training.networks import (
    PRESETS,
    NetworkError,
    filterbank,
    load_network,
    parameter_groups,
    write_fresh,
    write_with_alphabet,
)
from apps.transcription.asr.training.spelling import Speller
from tests.transcription.asr.checkpoints import save_checkpoint


@pytest.mark.parametrize("preset", PRESETS)
def test_a_fresh_network_is_a_checkpoint_that_the_recogniser_takes(tmp_path: Path, preset: str) -> None:
    write_fresh(tmp_path, preset, ENGLISH_LETTERS, seed=1)

    recognizer = Wav2Vec2Recognizer(Wav2Vec2Options(str(tmp_path), language_model="none"))
    log_probs = recognizer.log_probs(np.zeros(16_000, dtype=np.float32))

    assert log_probs.shape == (48, 4 + 1 + len(ENGLISH_LETTERS))
    assert np.exp(log_probs).sum(axis=1) == pytest.approx(1.0, abs=1e-4)


def test_a_fresh_network_depends_on_its_seed_alone(tmp_path: Path) -> None:
    networks = []
    for number, seed in enumerate((1, 1, 2)):
        write_fresh(tmp_path / str(number), "tiny", ENGLISH_LETTERS, seed)
        networks.append(load_network(tmp_path / str(number))[0].lm_head.weight)

    assert torch.equal(networks[0], networks[1])
    assert not torch.equal(networks[0], networks[2])


def test_filters_answer_most_to_their_own_frequency() -> None:
    bank = filterbank(64, 400)
    times_s = np.arange(400) / 16_000

    loudest = [
        int((np.abs(bank @ np.sin(2 * np.pi * hz * times_s)).reshape(16, 4) ** 2).sum(axis=1).argmax())
        for hz in (300, 1_000, 4_000)
    ]

    assert loudest == sorted(loudest)
    assert len(set(loudest)) == 3


def test_padding_does_not_change_what_a_fresh_network_says(tmp_path: Path) -> None:
    write_fresh(tmp_path, "tiny", ENGLISH_LETTERS, seed=1)
    network, features, _ = load_network(tmp_path)
    network.eval()
    short, long = (np.random.default_rng(0).standard_normal(n).astype(np.float32) for n in (8_000, 16_000))

    with torch.inference_mode():
        alone = network(**features([short], sampling_rate=16_000, return_tensors="pt")).logits[0]
        both = network(**features([short, long], sampling_rate=16_000, padding=True, return_tensors="pt")).logits

    assert both[0, : len(alone)].numpy() == pytest.approx(alone.numpy(), abs=1e-4)


def test_a_new_alphabet_keeps_the_network_below_it(tmp_path: Path) -> None:
    source = save_checkpoint(tmp_path / "source")

    write_with_alphabet(source, tmp_path / "new", frozenset("xyz"), seed=0)

    assert Speller.of(tmp_path / "new").alphabet.letters == frozenset("xyz")
    before, after = (load_network(folder)[0].wav2vec2.state_dict() for folder in (source, tmp_path / "new"))
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_gains_and_biases_do_not_decay(tmp_path: Path) -> None:
    write_fresh(tmp_path, "tiny", ENGLISH_LETTERS, seed=1)
    network = load_network(tmp_path)[0]
    network.freeze_feature_encoder()

    decaying, others = parameter_groups(network, 0.1)

    assert decaying["weight_decay"] == 0.1
    assert others["weight_decay"] == 0.0
    learned = {id(each) for each in network.parameters() if each.requires_grad}
    assert {id(each) for group in (decaying, others) for each in group["params"]} == learned
    assert all(each.dim() > 1 for each in decaying["params"])
    frozen = network.wav2vec2.feature_extractor.parameters()
    assert not learned.intersection(map(id, frozen))


def test_it_refuses_what_is_no_checkpoint_and_another_rate(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(NetworkError, match="give --alphabet"):
        load_network(tmp_path / "empty")
    with pytest.raises(NetworkError, match="wants sound of 8000 Hz"):
        load_network(save_checkpoint(tmp_path / "narrow", sampling_rate=8_000))
