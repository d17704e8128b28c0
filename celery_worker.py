"""The worker's entry:  celery -A celery_worker worker -Q media

One worker per queue (`media`, `gpu`, `index`), so that indexing never waits behind speech;
`python manage.py runportal` starts the three beside the web server.
"""

import warnings

from celery.exceptions import SecurityWarning

from videoportal.celery import app

# Celery warns whoever runs it as root of pickled messages; this queue takes JSON alone.
warnings.filterwarnings("ignore", category=SecurityWarning)

__all__ = ["app"]
