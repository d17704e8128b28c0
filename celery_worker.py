"""The worker's entry:  celery -A celery_worker worker -Q media

One worker per queue (`media`, `gpu`, `index`), so that indexing never waits behind speech;
`python manage.py runportal` starts the three beside the web server.
"""

from videoportal.celery import app

__all__ = ["app"]
