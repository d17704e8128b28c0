from collections.abc import Callable

import pytest

from apps.avsync.syncnet.offset import SyncChecker
from tests.avsync import scenes
from tests.avsync.contract.checking import SyncCheckerContract
from tests.avsync.scenes import Clip, drawn_checker, talk


class TestNetworkChecker(SyncCheckerContract):
    tolerance_ms = 15.0  # what is drawn is seen well

    @pytest.fixture(scope="class")
    @classmethod
    def checker(cls) -> SyncChecker:
        return drawn_checker()

    @pytest.fixture(scope="class")
    @classmethod
    def clip(cls) -> Clip:
        return talk(seed=1)

    @pytest.fixture(scope="class")
    @classmethod
    def other_clip(cls) -> Clip:
        return talk(seed=2)

    @pytest.fixture
    def beside(self) -> Callable[..., object]:
        return scenes.beside
