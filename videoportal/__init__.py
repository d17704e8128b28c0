"""The assembly: settings, URLs, the queue, and the commands that start it all."""

from videoportal.celery import app as celery_app

__all__ = ["celery_app"]
