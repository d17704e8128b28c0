import threading
from collections.abc import Iterator
from threading import Event

import pytest

from apps.transcription.asr.ahead import ahead


class Counted:
    """Numbers without an end, which remembers how many were made, and tells when the wanted one is."""

    def __init__(self, tells_at: int) -> None:
        self.made = 0
        self.is_told = Event()
        self._tells_at = tells_at

    def __iter__(self) -> Iterator[int]:
        while True:
            self.made += 1
            if self.made == self._tells_at:
                self.is_told.set()
            yield self.made


def test_it_gives_all_items_in_order() -> None:
    with ahead(range(100), 3) as numbers:
        assert list(numbers) == list(range(100))


def test_it_makes_so_many_before_they_are_asked_for_and_no_more() -> None:
    counted = Counted(tells_at=5)
    with ahead(counted, 4) as numbers:
        assert next(numbers) == 1
        assert counted.is_told.wait(10)
        assert next(numbers) == 2
    assert 5 <= counted.made <= 7


def test_it_raises_what_making_raises_behind_the_items_that_were_made() -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise ValueError("damaged")

    with ahead(broken(), 5) as numbers:
        assert next(numbers) == 1
        with pytest.raises(ValueError, match="damaged"):
            next(numbers)


def test_it_leaves_no_thread_behind_when_it_is_left_early() -> None:
    with ahead(Counted(tells_at=1), 2) as numbers:
        next(numbers)
    assert not [thread for thread in threading.enumerate() if thread.name == "ahead"]
