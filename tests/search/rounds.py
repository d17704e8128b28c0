"""Rounds of writing while whoever brings the index in step is killed, and the server is away for a while.

Run in a process of its own (`manage.py shell`), which forks: see `resilience`.
"""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import suppress

from django.db import connections, transaction
from django.test.utils import override_settings
from django.utils import timezone

from apps.accounts.models import User
from apps.search.backends.base import RebuildRunningError, SearchUnavailableError
from apps.search.checking import differences
from apps.search.factory import backend
from apps.search.models import OutboxEntry
from apps.search.outbox import drain
from apps.search.rebuilding import rebuild_index
from apps.videos.models import Video
from tests.factories import make_video
from tests.search.outage import Way

_ROUND_S = 0.8
_CHANGES = 10  # in a round at least, however slow the machine is
_HURRY_S = 0.4


def run(rounds: int, seed: int, url: str = "") -> None:
    """Prints how index and database differ afterwards. `url` is that of Elasticsearch, where that is the engine."""
    chance = random.Random(seed)
    owner = User.objects.create_user("owner")
    for number in range(10):
        make_video(owner, title=f"title {number}")
    if not url:
        changes = _go(chance, rounds, owner, None)
    else:
        from apps.search.backends.elasticsearch import lock, writing

        # Of minutes that killed rebuilds would hold others up: too long for a test.
        writing.FREEZE_LIMIT_S, lock.LOCK_S = _HURRY_S, _HURRY_S
        with Way(url) as way, override_settings(ELASTICSEARCH_URLS=(way.url,)):
            _report(_go(chance, rounds, owner, way))
            return
    _report(changes)


def _go(chance: random.Random, rounds: int, owner: User, way: Way | None) -> int:
    """Returns how many changes were committed."""
    changes = 0
    for _ in range(rounds):
        workers = [_fork(_drain), _fork(_drain), _fork(_rebuild)]
        ends_at = time.monotonic() + _ROUND_S
        away_at = time.monotonic() + chance.uniform(0, _ROUND_S) if way is not None else ends_at
        in_round = 0
        while time.monotonic() < ends_at or in_round < _CHANGES:
            _change(chance, owner)
            in_round += 1
            if way is not None and time.monotonic() > away_at:
                way.close()
        changes += in_round
        for pid in chance.sample(workers, len(workers)):
            time.sleep(chance.uniform(0, 0.1))
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        if way is not None:
            way.open()
    return changes


def _change(chance: random.Random, owner: User) -> None:
    """Never fails, wherever the index is."""
    with transaction.atomic():
        video = chance.choice(list(Video.objects.all()))
        video.title = f"title {chance.random()}"
        video.save()
        if chance.random() < 0.2:
            make_video(owner, title=f"title {chance.random()}")
            video.delete()
    time.sleep(0.01)


def _fork(work: Callable[[], None]) -> int:
    connections.close_all()
    pid = os.fork()
    if pid:
        return pid
    try:
        while True:
            work()
            time.sleep(0.01)
    finally:
        os._exit(1)


def _drain() -> None:
    OutboxEntry.objects.filter(claimed_until=None).update(not_before=timezone.now())
    drain()


def _rebuild() -> None:
    with suppress(RebuildRunningError, SearchUnavailableError):
        rebuild_index()


def _report(changes: int) -> None:
    OutboxEntry.objects.update(claimed_until=None, not_before=timezone.now())
    while drain():
        pass
    answer = {
        "differences": [str(one) for one in differences()],
        "left": OutboxEntry.objects.count(),
        "videos": Video.objects.count(),
        "indexed": backend().count(),
        "changes": changes,
    }
    print(json.dumps(answer))  # noqa: T201 -- to the test
