"""The weights that the portal carries are what their model card says."""

import hashlib
from pathlib import Path

import numpy as np

from apps.avsync.syncnet.accuracy import offset_distances
from apps.avsync.syncnet.corpora import Clip
from apps.avsync.syncnet.dataset import Cache, inner
from apps.avsync.syncnet.trained_checker import EMBEDDED_WEIGHTS
from apps.avsync.syncnet.weights import load_network
from tests.conftest import REPOSITORY

CARD = REPOSITORY / "docs/models/lip-sync.md"


def test_the_model_card_names_these_weights() -> None:
    assert hashlib.sha256(EMBEDDED_WEIGHTS.read_bytes()).hexdigest() in CARD.read_text(encoding="utf-8")


def test_they_are_small_and_say_what_they_learned() -> None:
    assert EMBEDDED_WEIGHTS.stat().st_size < 10_000_000
    facts = load_network(EMBEDDED_WEIGHTS).facts
    assert (facts["objective"], facts["corpus"]) == ("multiway", "grid")
    assert {"s2", "s34"} < set(facts["held_out"])


def test_they_find_the_sound_of_somebody_they_never_saw(data_dir: Path, tmp_path: Path) -> None:
    trained = load_network(EMBEDDED_WEIGHTS)
    path = sorted((data_dir / "grid/s2").glob("*.mp4"))[0]
    example = Cache(tmp_path, trained.crop).example(Clip(path, "s2", path.stem))
    assert example is not None
    video = trained.network.embed_video(inner(example.crops))
    audio = trained.network.embed_audio(example.coefficients)
    nearest = offset_distances(video, audio).mean(0).argmin() - 15
    assert abs(int(nearest)) <= 1
    later = np.roll(audio, 6, axis=0)
    assert abs(int(offset_distances(video, later).mean(0).argmin()) - 15 - 6) <= 1
