from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from apps.avsync.syncnet.corpora import Clip
from apps.avsync.syncnet.dataset import (
    MARGIN,
    STRONG,
    AugmentOptions,
    Cache,
    Example,
    augmented_crops,
    augmented_samples,
    inner,
    training_batches,
)
from apps.avsync.syncnet.faces import FaceOptions
from apps.avsync.syncnet.mfcc import mfcc
from tests.avsync.syncnet.talkers import talker
from tests.transcription.asr.sounds import tone, write_sound


def test_a_clip_becomes_crops_and_the_sound_of_the_same_instants(data_dir: Path, tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache", FaceOptions())
    clip = Clip(data_dir / "grid/s1/bbaf2n.mp4", "s1", "bbaf2n")
    example = cache.example(clip)
    assert example is not None
    assert example.crops.shape == (75, 48 + 2 * MARGIN, 48 + 2 * MARGIN)
    assert example.samples.shape == (75 * 640,)
    assert example.coefficients.shape == (300, 13)
    # The word "bin" starts at 950 ms: before it, nobody speaks.
    loudness = np.abs(example.samples).reshape(75, 640).mean(1)
    assert loudness[25:50].mean() > 5 * loudness[:20].mean()


def test_what_is_cached_is_not_read_again(data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = Clip(data_dir / "grid/s1/bbaf2n.mp4", "s1", "bbaf2n")
    first = Cache(tmp_path / "cache", FaceOptions()).example(clip)

    def refuse(*_: object) -> None:
        raise AssertionError("read again")

    monkeypatch.setattr("apps.avsync.syncnet.dataset.read_face", refuse)
    again = Cache(tmp_path / "cache", FaceOptions()).example(clip)
    assert first is not None
    assert again is not None
    np.testing.assert_array_equal(first.crops, again.crops)
    with pytest.raises(AssertionError, match="read again"):  # another crop is another file
        Cache(tmp_path / "cache", FaceOptions(size=64)).example(clip)


def test_a_clip_without_pictures_is_left_out(tmp_path: Path) -> None:
    clip = Clip(write_sound(tmp_path / "a.wav", tone(1.0)), "a", "a")
    assert Cache(tmp_path / "cache", FaceOptions()).examples([clip]) == []


def test_all_pictures_of_a_clip_are_changed_alike() -> None:
    still = np.repeat(talker("a").crops[:1], 6, axis=0)
    changed = augmented_crops(still, AugmentOptions(), np.random.default_rng(0))
    assert changed.shape == (6, 32, 32)
    assert (changed == changed[0]).all()
    assert np.abs(changed[0].astype(int) - inner(still)[0]).mean() > 3


def test_without_any_change_the_inner_part_is_left() -> None:
    nothing = AugmentOptions(0, 0, 0, 0, 0, 0, 0, is_flipped=False)
    crops = talker("a").crops
    np.testing.assert_array_equal(augmented_crops(crops, nothing, np.random.default_rng(0)), inner(crops))
    samples = talker("a").samples
    np.testing.assert_allclose(augmented_samples(samples, nothing, np.random.default_rng(0)), samples)


def test_half_of_all_clips_are_mirrored() -> None:
    only_flips = AugmentOptions(0, 0, 0, 0, 0)
    crops = talker("a").crops
    mirrored = 0
    for seed in range(40):
        changed = augmented_crops(crops, only_flips, np.random.default_rng(seed))
        if not np.array_equal(changed, inner(crops)):
            np.testing.assert_array_equal(changed, inner(crops)[:, :, ::-1])
            mirrored += 1
    assert 10 < mirrored < 30


def test_noise_is_as_loud_as_asked() -> None:
    options = AugmentOptions(gain_db=0, noise_share=1, noise_snr_db=(10, 10))
    sound = tone(1.0)
    noise = augmented_samples(sound, options, np.random.default_rng(0)) - sound
    assert 10 * np.log10(np.mean(sound**2) / np.mean(noise**2)) == pytest.approx(10, abs=0.1)


def test_batches_follow_from_seed_and_number_alone() -> None:
    examples = [talker(name) for name in "abcdef"]
    from_start = training_batches(examples, size=2, n_frames=40, seed=3, augment=AugmentOptions())
    for _ in range(3):
        next(from_start)
    fourth = next(from_start)
    again = next(training_batches(examples, size=2, n_frames=40, seed=3, start=3, augment=AugmentOptions()))
    np.testing.assert_array_equal(fourth.crops, again.crops)
    np.testing.assert_array_equal(fourth.coefficients, again.coefficients)
    assert fourth.crops.shape == (2, 40, 32, 32, 1)
    assert fourth.coefficients.shape == (2, 160, 13)


def test_pictures_and_sound_of_a_batch_are_of_the_same_instant() -> None:
    example = talker("a")
    batch = next(training_batches([example], size=1, n_frames=40, seed=0))
    first = next(
        n for n in range(len(example.crops)) if np.array_equal(inner(example.crops)[n], batch.crops[0, 0, ..., 0])
    )
    np.testing.assert_array_equal(batch.coefficients[0], example.coefficients[4 * first : 4 * (first + 40)])


def test_speakers_with_few_clips_are_drawn_more_often() -> None:
    examples = [talker("many", seed=seed) for seed in range(16)] + [talker("few")]
    drawn = 0
    batches = training_batches(examples, size=4, n_frames=60, seed=0)
    rare = inner(examples[-1].crops)[..., None]
    for _ in range(100):
        drawn += sum(np.array_equal(crops, rare) for crops in next(batches).crops)
    assert 50 < drawn < 110  # of 400: a fifth by the root of the counts (1 to 4), a seventeenth by the counts


def test_mfccs_of_an_example_are_those_of_its_samples() -> None:
    example: Example = talker("a")
    np.testing.assert_allclose(example.coefficients, mfcc(example.samples))


def test_strong_changes_keep_pictures_of_a_clip_alike_and_sound_in_place() -> None:
    still = np.repeat(talker("a").crops[:1], 6, axis=0)
    for seed in range(5):
        changed = augmented_crops(still, replace(STRONG, grain_share=0.0), np.random.default_rng(seed))
        assert (changed == changed[0]).all()
    example = talker("a")
    batch = next(training_batches([example], size=1, n_frames=60, seed=0, augment=STRONG))
    louder, plain = batch.coefficients[0, :, 0], example.coefficients[:, 0]
    assert np.corrcoef(louder, plain)[0, 1] > 0.8


def test_colour_is_changed_as_grey_is() -> None:
    grey = talker("a").crops[:6]
    colour = np.repeat(grey[..., None], 3, axis=-1)
    options = replace(STRONG, grain_share=0.0)
    changed = [augmented_crops(crops, options, np.random.default_rng(1)) for crops in (grey, colour)]
    assert changed[1].shape == (6, 32, 32, 3)
    np.testing.assert_array_equal(changed[1][..., 0], changed[0])


def test_grain_is_another_in_each_picture_and_bends_no_picture() -> None:
    still = np.repeat(talker("a").crops[:1], 40, axis=0)
    changed = augmented_crops(still, AugmentOptions(grain_share=1.0), np.random.default_rng(3)).astype(float)
    plain = augmented_crops(still, AugmentOptions(), np.random.default_rng(3)).astype(float)
    spread = changed.std(axis=0).mean()
    assert 1 < spread < 14
    assert np.abs(changed.mean(axis=0) - plain[0]).mean() < spread
