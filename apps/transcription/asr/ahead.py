"""Work that runs ahead: the next items are made on another thread while the former are used."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from threading import Event, Semaphore, Thread
from typing import TypeVar

Item = TypeVar("Item")


@contextmanager
def ahead(items: Iterable[Item], n_items: int) -> Iterator[Iterator[Item]]:
    """The items in their order, of which up to `n_items` are made before they are asked for.

    What making one raises is raised where it would have been taken. When the block is left, no further one is made; it
    waits for the one under way.
    """
    made: SimpleQueue[tuple[Item] | BaseException | None] = SimpleQueue()
    places = Semaphore(n_items)
    is_left = Event()

    def make() -> None:
        try:
            places.acquire()
            for item in items:
                made.put((item,))
                places.acquire()
                if is_left.is_set():
                    return
            made.put(None)
        except BaseException as error:  # noqa: BLE001 - raised again where the item is wanted
            made.put(error)

    def taken() -> Iterator[Item]:
        while (item := made.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            places.release()
            yield item[0]

    maker = Thread(target=make, name="ahead", daemon=True)
    maker.start()
    try:
        yield taken()
    finally:
        is_left.set()
        places.release()
        maker.join()
