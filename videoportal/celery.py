"""The one queue: Celery, its tasks, and what it does on a clock."""

import os

from celery import Celery
from django.conf import settings

from videoportal import broker

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "videoportal.settings")

broker.register()
app = Celery("videoportal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["apps.pipeline"])


@app.on_after_configure.connect
def _set_clock(sender: Celery, **_: object) -> None:
    """Beat runs inside the worker of the queue `index`. Messages that nobody took in time are dropped, not piled up."""

    def every(seconds: float, task: str) -> dict[str, object]:
        return {"task": task, "schedule": seconds, "options": {"queue": "index", "expires": seconds}}

    sender.conf.beat_schedule = {
        "drain": every(settings.SEARCH_DRAIN_INTERVAL_S, "pipeline.drain_search_outbox"),
        "sweep": every(settings.SWEEP_INTERVAL_S, "pipeline.sweep"),
        "incoming": every(3600.0, "pipeline.clear_incoming"),
    }
