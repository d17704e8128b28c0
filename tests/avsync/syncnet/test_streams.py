import numpy as np
import pytest
import torch

from apps.avsync.syncnet.streams import StreamOptions, SyncNetwork

LIGHT = StreamOptions(size=32, dimensions=16)
WIDE = StreamOptions(size=32, dimensions=16, width=1.5)
PAPER = StreamOptions(trunk="vgg_m", size=224, channels=3, dimensions=16)


def seeded(options: StreamOptions) -> SyncNetwork:
    torch.manual_seed(0)
    return SyncNetwork(options).eval()


def crops(options: StreamOptions, n_frames: int) -> np.ndarray:
    generator = np.random.default_rng(0)
    return generator.integers(0, 256, (n_frames, options.size, options.size, options.channels), dtype=np.uint8)


@pytest.mark.parametrize("options", [LIGHT, WIDE, PAPER])
def test_both_streams_give_a_unit_vector_for_every_five_frames(options: StreamOptions) -> None:
    network = seeded(options)
    with torch.inference_mode():
        video = network.video(torch.from_numpy(crops(options, 7))[None])
        audio = network.audio(torch.randn(1, 28, 13))
    assert video.shape == audio.shape == (1, 3, 16)
    torch.testing.assert_close(video.norm(dim=-1), torch.ones(1, 3))
    torch.testing.assert_close(audio.norm(dim=-1), torch.ones(1, 3))


@pytest.mark.parametrize("options", [LIGHT, WIDE, PAPER])
def test_a_vector_sees_its_own_twenty_steps_of_sound_and_no_others(options: StreamOptions) -> None:
    layers = seeded(options).audio_stream
    sound = torch.randn(1, 13, 40)
    changed = sound.clone()
    changed[..., :8] += 1  # before the third window, which begins at step 8
    changed[..., 28:] += 1  # and after it
    with torch.inference_mode():
        before, after = layers(sound), layers(changed)
    torch.testing.assert_close(before[:, 2], after[:, 2])
    for neighbour in (1, 3):
        assert float((before[:, neighbour] - after[:, neighbour]).abs().max()) > 1e-4


def test_a_vector_sees_its_own_five_pictures_and_no_others() -> None:
    layers = seeded(LIGHT).video_stream
    pictures = torch.randn(1, 1, 10, 32, 32)
    changed = pictures.clone()
    changed[:, :, :2] += torch.randn(1, 1, 2, 32, 32)
    changed[:, :, 7:] += torch.randn(1, 1, 3, 32, 32)
    with torch.inference_mode():
        before, after = layers(pictures), layers(changed)
    torch.testing.assert_close(before[:, 2], after[:, 2])
    assert float((before[:, 1] - after[:, 1]).abs().max()) > 1e-4
    assert float((before[:, 3] - after[:, 3]).abs().max()) > 1e-4


def test_looks_that_do_not_change_are_not_seen() -> None:
    still = np.repeat(crops(LIGHT, 1), 8, axis=0)
    other = np.repeat(crops(LIGHT, 2)[1:], 8, axis=0)
    network = seeded(LIGHT)
    np.testing.assert_allclose(network.embed_video(still), network.embed_video(other), atol=1e-4)


def test_brightness_and_contrast_change_nothing() -> None:
    pictures = torch.from_numpy(crops(LIGHT, 6)).float()[None]
    network = seeded(LIGHT)
    with torch.inference_mode():
        torch.testing.assert_close(network.video(pictures), network.video(0.4 * pictures + 60), atol=1e-4, rtol=0)


def test_embedding_in_pieces_gives_what_embedding_at_once_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    network = seeded(LIGHT)
    pictures = crops(LIGHT, 13)
    whole = network.embed_video(pictures)
    monkeypatch.setattr("apps.avsync.syncnet.streams.WINDOWS_AT_ONCE", 4)
    assert whole.shape == (9, 16)
    np.testing.assert_allclose(network.embed_video(pictures), whole, atol=1e-5)


def test_less_than_five_pictures_have_no_vector() -> None:
    network = seeded(LIGHT)
    assert network.embed_video(crops(LIGHT, 4)).shape == (0, 16)
    assert network.embed_audio(np.zeros((19, 13), np.float32)).shape == (0, 16)


def test_the_papers_trunk_refuses_small_crops() -> None:
    with pytest.raises(ValueError, match="crops of 224 pixels, not 48"):
        SyncNetwork(StreamOptions(trunk="vgg_m", size=48))
