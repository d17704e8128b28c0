from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from apps.transcription.asr.ahead import ahead
from apps.transcription.asr.training.batches import (
    READ_AHEAD,
    AugmentOptions,
    Example,
    Sounds,
    augmented,
    batch_order,
    training_batches,
    trimmed,
)
from apps.transcription.asr.training.corpora import CorpusError
from tests.transcription.asr.training.tones import SENTENCES, spoken, write_corpus, write_sound
from tests.transcription.voice import babble, silence


def test_every_recording_comes_once_an_epoch_beside_others_of_its_length() -> None:
    durations_s = np.random.default_rng(0).uniform(1, 20, size=403).tolist()

    batches = batch_order(durations_s, 8, seed=1, epoch=0)

    assert sorted(index for batch in batches for index in batch) == list(range(403))
    spreads = [max(durations_s[i] for i in batch) - min(durations_s[i] for i in batch) for batch in batches]
    assert np.mean(spreads) < 1.0  # of 19 s
    assert batches == batch_order(durations_s, 8, seed=1, epoch=0)
    assert batches != batch_order(durations_s, 8, seed=1, epoch=1)


def test_batches_do_not_depend_on_those_that_were_asked_for_before(tmp_path: Path) -> None:
    write_corpus(tmp_path)
    examples = [Example(tmp_path / f"{number}.wav", text, (1,), 1.0) for number, text in enumerate(SENTENCES)]
    augment = AugmentOptions(speed=0.1, bands=2, noise=0.1)

    def batches(start: int) -> list[list[np.ndarray]]:
        made = training_batches(examples, Sounds(), size=3, seed=5, augment=augment, start=start)
        return [batch.samples for batch in islice(made, 7 - start)]

    whole, rest = batches(0), batches(3)

    assert len(rest) == 4
    for before, after in zip(whole[3:], rest, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))
    assert not np.array_equal(whole[0][0], whole[2][0])


def test_a_sound_that_is_played_faster_is_shorter_and_higher() -> None:
    samples = np.sin(2 * np.pi * 1_000 * np.arange(16_000) / 16_000).astype(np.float32)

    changed = augmented(samples, AugmentOptions(speed=0.1), np.random.default_rng(2))

    speed = len(samples) / len(changed)
    heard_hz = np.abs(np.fft.rfft(changed)).argmax() * 16_000 / len(changed)
    assert 0.9 <= speed <= 1.1
    assert abs(speed - 1) > 0.01
    assert heard_hz == pytest.approx(1_000 * speed, abs=2)
    assert np.abs(changed).max() == pytest.approx(1.0, abs=0.05)


def test_a_silenced_band_is_silent_and_the_rest_is_not() -> None:
    noise = np.random.default_rng(0).standard_normal(16_000).astype(np.float32)

    changed = augmented(noise, AugmentOptions(bands=1, band_width=0.2), np.random.default_rng(0))

    before, after = (np.abs(np.fft.rfft(each)) for each in (noise, changed))
    silenced = after < 0.01 * before.mean()
    assert 0.01 < silenced.mean() < 0.2
    assert after[~silenced] == pytest.approx(before[~silenced], rel=0.01, abs=0.1)


def test_without_options_a_sound_stays_as_it_is() -> None:
    samples = spoken("ab")

    assert np.array_equal(augmented(samples, AugmentOptions(), np.random.default_rng(0)), samples)


def test_an_error_of_the_reading_thread_arrives(tmp_path: Path) -> None:
    examples = [Example(tmp_path / "lost.wav", "a", (1,), 1.0)]
    batches = training_batches(examples, Sounds(), size=1, seed=0, augment=AugmentOptions(), start=0)

    with pytest.raises(CorpusError, match="there is no such file"), ahead(batches, READ_AHEAD) as made:
        next(made)


def test_of_the_silence_around_speech_a_random_part_is_kept(tmp_path: Path) -> None:
    sound = write_sound(tmp_path / "sound.wav", np.concatenate([silence(1.0), babble(1.5), silence(1.0)]))
    sounds = Sounds(find_voices=True)
    samples, voiced = sounds.samples(sound), sounds.voiced(sound)

    kept = [trimmed(samples, voiced, 0.4, np.random.default_rng(seed)) for seed in range(8)]

    lengths_s = [len(part) / 16_000 for part, _ in kept]
    assert 1.2 < min(lengths_s) < max(lengths_s) < 2.6
    assert len(set(lengths_s)) > 2
    assert all(np.abs(part).sum() == pytest.approx(np.abs(samples).sum(), rel=0.05) for part, _ in kept)
    assert all(len(windows) == -(-len(part) // 512) for part, windows in kept)


def test_what_is_not_taken_for_speech_is_kept_whole() -> None:
    samples, voiced = spoken("abc"), np.zeros(20, dtype=bool)

    assert trimmed(samples, voiced, 0.4, np.random.default_rng(0))[0] is samples
