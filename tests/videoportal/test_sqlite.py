"""The embedded database under many writers."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.portal import Portal

WRITERS = 8
SECONDS = int(os.environ.get("SQLITE_WRITERS_SECONDS", "60"))

WRITE = f"""
import time
from django.db import transaction
from apps.accounts.models import User
from apps.videos.models import Tag
import uuid
written, deadline = 0, time.monotonic() + {SECONDS}
while time.monotonic() < deadline:
    with transaction.atomic():
        Tag.objects.count()  # a read first: a deferred transaction would fail to upgrade here
        tag = Tag.objects.create(name=uuid.uuid4().hex)
        Tag.objects.filter(pk=tag.pk).update(name=uuid.uuid4().hex)
    written += 1
print(written)
"""


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    portal = Portal(tmp_path)
    portal.manage("migrate", "--verbosity=0")
    yield portal
    portal.stop(signal.SIGKILL)


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 120)
def test_eight_writers_never_meet_a_locked_database(portal: Portal) -> None:
    writers: list[subprocess.Popen[bytes]] = [
        portal.spawn("manage.py", "shell", "-v0", "-c", WRITE) for _ in range(WRITERS)
    ]
    for writer in writers:
        writer.wait()
    log = portal.log()
    assert "locked" not in log, log[-2000:]
    assert all(writer.returncode == 0 for writer in writers), log[-2000:]
    counts = [int(line) for line in log.split() if line.isdigit()]
    assert len(counts) == WRITERS
    assert min(counts) > 0, "every writer had its turn"
    assert portal.rows("SELECT count(*) FROM videos_tag") == [(sum(counts),)]
