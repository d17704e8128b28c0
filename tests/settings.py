"""The portal's own settings over an empty folder, with a queue that only remembers what it was given."""

import os
import tempfile

os.environ["VIDEOPORTAL_HOME"] = tempfile.mkdtemp(prefix="videoportal-tests-")
for name in (
    "DATABASE_URL",
    "CELERY_BROKER_URL",
    "ASR_MODEL",
    "ASR_MODELS",
    "ASR_LANGUAGE_MODEL",
    "TOPIC_MODEL",
    "MODERATION_REQUIRED",
    "SIGN_UP",
    "X_ACCEL_PREFIX",
):
    os.environ.pop(name, None)

from videoportal.settings import *  # noqa: E402, F403
from videoportal.settings import STORAGES  # noqa: E402

CELERY_BROKER_URL = "memory://"
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, object] = {}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
