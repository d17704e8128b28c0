"""The portal's own settings over an empty folder, with a queue that only remembers what it was given."""

import atexit
import os
import shutil
import tempfile

home = tempfile.mkdtemp(prefix="videoportal-tests-")
atexit.register(shutil.rmtree, home, ignore_errors=True)
os.environ["VIDEOPORTAL_HOME"] = home
for name in (
    "DATABASE_URL",
    "CELERY_BROKER_URL",
    "ASR_MODEL",
    "ASR_MODELS",
    "ASR_LANGUAGE_MODEL",
    "ASR_PUNCTUATION_MODEL",
    "TOPIC_MODEL",
    "SYNC_CHECK",
    "SYNC_MODEL",
    "SYNC_FACE_DETECTOR",
    "MODERATION_REQUIRED",
    "SIGN_UP",
    "X_ACCEL_PREFIX",
    "SEARCH_BACKEND",
    "SEARCH_EMBEDDING_LANGUAGES",
    "ELASTICSEARCH_URL",
    "ELASTICSEARCH_API_KEY",
    "ELASTICSEARCH_ANALYZER",
    "ELASTICSEARCH_SYNONYMS",
):
    os.environ.pop(name, None)
# What searches without meaning is quick to start; tests of meaning name a model.
os.environ["SEARCH_EMBEDDING_MODEL"] = "none"
if "TEST_DATABASE_URL" in os.environ:  # the same tests over another database: make test-postgres
    os.environ["DATABASE_URL"] = os.environ["TEST_DATABASE_URL"]

from videoportal.settings import *  # noqa: E402, F403
from videoportal.settings import STATIC_ROOT, STORAGES  # noqa: E402

CELERY_BROKER_URL = "memory://"
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, object] = {}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
STATIC_ROOT.mkdir()  # whitenoise warns, request by request, where it is not there
