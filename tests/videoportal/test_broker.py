"""The broker of files under many readers and writers."""

import multiprocessing
from pathlib import Path
from queue import Empty

import pytest
from kombu import Connection

from videoportal import broker

MESSAGES = 300


def connect(folder: Path) -> Connection:
    broker.register()
    (folder / "control").mkdir(exist_ok=True)
    options: dict[str, object] = {
        "data_folder_in": str(folder),
        "data_folder_out": str(folder),
        "control_folder": str(folder / "control"),
    }
    options |= {"polling_interval": 0.01}
    return Connection("files://localhost", transport_options=options)


def write(folder: Path, writer: int) -> None:
    with connect(folder) as connection:
        queue = connection.SimpleQueue("work")
        for number in range(MESSAGES):
            queue.put({"writer": writer, "number": number, "ballast": "x" * 5_000})


def read(folder: Path, taken: "multiprocessing.Queue[tuple[int, int]]") -> None:
    with connect(folder) as connection:
        queue = connection.SimpleQueue("work")
        while True:
            try:
                message = queue.get(timeout=3)
            except Empty:
                return
            message.ack()
            taken.put((message.payload["writer"], message.payload["number"]))


def test_every_message_is_taken_whole_and_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    taken = context.Queue()
    readers = [context.Process(target=read, args=(tmp_path, taken)) for _ in range(2)]
    writers = [context.Process(target=write, args=(tmp_path, number)) for number in range(3)]
    for process in (*readers, *writers):
        process.start()
    received = [taken.get(timeout=60) for _ in range(3 * MESSAGES)]
    for process in (*readers, *writers):
        process.join(timeout=30)
        assert process.exitcode == 0
    assert sorted(received) == [(writer, number) for writer in range(3) for number in range(MESSAGES)]
    assert taken.empty()


def test_an_empty_queue_is_empty(tmp_path: Path) -> None:
    with connect(tmp_path) as connection, pytest.raises(Empty):
        connection.SimpleQueue("work").get(block=False)
