"""What the trainer's options do to what is learned."""

from pathlib import Path

import numpy as np
import pytest
import torch

from apps.transcription.asr.decoder import Token, best_path
from apps.transcription.asr.training.batches import Example
from apps.transcription.asr.training.networks import load_network, write_fresh
from apps.transcription.asr.training.spelling import Speller
from apps.transcription.asr.training.trainer import Trainer, TrainingOptions
from tests.transcription.asr.training.tones import write_sound
from tests.transcription.voice import babble, silence

QUIET_S, VOICED_S = 0.8, 1.0
FRAME_S = 0.02


def test_labels_are_learned_where_somebody_speaks(tmp_path: Path) -> None:
    write_fresh(tmp_path, "tiny", frozenset("abc"), seed=0)
    speller = Speller.of(tmp_path)
    network, features, _ = load_network(tmp_path)
    samples = np.concatenate([silence(QUIET_S), babble(VOICED_S), silence(QUIET_S)])
    sound = write_sound(tmp_path / "babble.wav", samples)
    example = Example(sound, "abc", tuple(speller.label_ids("abc")), len(samples) / 16_000)
    options = TrainingOptions(
        steps=160,
        warmup_steps=10,
        checkpoint_every=160,
        learning_rate=2e-3,
        mask_time=0.0,
        train_feature_encoder=True,
        voiced_only=True,
    )

    [row] = Trainer(network, features, speller, training=[example], validation=[example], options=options).run()

    assert row.validation_cer == 0
    tokens = spoken_tokens(network, features, speller, samples)
    assert [speller.alphabet.labels[token.label_id] for token in tokens] == ["a", "b", "c"]
    assert tokens[0].start * FRAME_S >= QUIET_S - 0.15
    assert tokens[-1].end * FRAME_S <= QUIET_S + VOICED_S + 0.25


def spoken_tokens(network: object, features: object, speller: Speller, samples: np.ndarray) -> list[Token]:
    inputs = features([samples], sampling_rate=16_000, return_tensors="pt")
    with torch.inference_mode():
        log_probs = torch.log_softmax(network.eval()(**inputs).logits[0], dim=-1)
    return best_path(log_probs.numpy(), speller.alphabet)


def test_the_learning_rate_rises_and_falls() -> None:
    options = TrainingOptions(steps=100, warmup_steps=10, learning_rate=1.0)

    rates = [options.rate(step) for step in range(100)]

    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == rates[9] == rates[10] == pytest.approx(1.0)
    assert rates[-1] == pytest.approx(1 / 90)


def test_the_defaults_are_those_of_the_published_recipe() -> None:
    options = TrainingOptions()

    assert (options.learning_rate, options.weight_decay, options.batch_size) == (1e-4, 0.005, 4)
    assert (options.warmup_steps, options.checkpoint_every, options.steps) == (1_000, 500, 7_000)
