"""The network that the portal carries, on real people whom it never saw."""

from collections.abc import Callable
from pathlib import Path

import pytest

from apps.avsync.syncnet.offset import SyncChecker
from apps.avsync.syncnet.trained_checker import EMBEDDED_WEIGHTS, load_checker
from tests.avsync import scenes
from tests.avsync.contract.checking import SyncCheckerContract
from tests.avsync.scenes import Clip, joined, read_clip


def said_by(data_dir: Path, speaker: str) -> Clip:
    """Nine seconds of somebody."""
    paths = sorted((data_dir / "grid" / speaker).glob("*.mp4"))[:3]
    return joined(read_clip(path) for path in paths)


class TestEmbeddedChecker(SyncCheckerContract):
    @pytest.fixture(scope="class")
    @classmethod
    def checker(cls) -> SyncChecker:
        return load_checker(EMBEDDED_WEIGHTS)

    @pytest.fixture(scope="class")
    @classmethod
    def clip(cls, data_dir: Path) -> Clip:
        return said_by(data_dir, "s2")

    @pytest.fixture(scope="class")
    @classmethod
    def other_clip(cls, data_dir: Path) -> Clip:
        return said_by(data_dir, "s34")

    @pytest.fixture
    def beside(self) -> Callable[..., object]:
        return scenes.beside
