"""What a worker does when it starts and when it is told to stop."""

from __future__ import annotations

from typing import Any

from celery.signals import worker_ready, worker_shutting_down
from django.db import connections

from apps.pipeline import recovery


def connect() -> None:
    """Listens to the worker's life. Called once, when Django is ready."""
    worker_ready.connect(_take_up_where_it_stopped)
    worker_shutting_down.connect(_hand_back)


def _take_up_where_it_stopped(sender: Any, **_: Any) -> None:
    """A worker that has just started holds no run: what bears its name is left from a process that was killed."""
    recovery.give_back(sender.hostname)
    recovery.sweep()
    # The pool's children are forked from this process, and must not share its connection.
    connections.close_all()


def _hand_back(sender: Any, **_: Any) -> None:
    """Told to stop: runs go back into the queue at once; the child sees at its next heartbeat that it lost its run."""
    recovery.give_back(sender)
    connections.close_all()
