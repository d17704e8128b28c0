"""Every setting of the portal, read from the environment once, at start.

A value that cannot work stops the start with a sentence that says what to do. The defaults need no
service and no network: SQLite, a broker of files, SQLite FTS5, a local folder, the recogniser and
the sentence encoder that pip packages carry.
"""

import re
from pathlib import Path
from typing import Any

import django_stubs_ext
import environ

from apps.search.synonyms import ANALYZERS, SynonymsError, read_synonyms
from apps.videos.languages import LANGUAGE_NAMES
from videoportal.environment import (
    bool_setting,
    choice_setting,
    env,
    float_setting,
    folder_setting,
    int_setting,
    json_setting,
    kept_secret,
    list_setting,
    rate_setting,
    refusal,
    text_setting,
    timezone_setting,
    urls_setting,
)
from videoportal.logs import logging_configuration

django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
environ.Env.read_env(BASE_DIR / ".env")


# --- the place ---

# Everything that the portal writes lies below this folder: back it up, and you have backed up the portal.
HOME = folder_setting("VIDEOPORTAL_HOME", BASE_DIR / "var")

DEBUG = bool_setting("DEBUG", False)
SITE_NAME = text_setting("SITE_NAME", "videoportal")
ALLOWED_HOSTS = list_setting("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = list_setting("CSRF_TRUSTED_ORIGINS", [])
for _origin in CSRF_TRUSTED_ORIGINS:
    if not _origin.startswith(("http://", "https://")):
        raise refusal("CSRF_TRUSTED_ORIGINS", _origin, "write each origin with its scheme: https://videos.example.org.")


SECRET_KEY = text_setting("SECRET_KEY") or kept_secret(HOME / "secret_key")

# --- the applications ---

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "rest_framework",
    "videoportal",
    "apps.accounts",
    "apps.videos",
    "apps.transcription",
    "apps.avsync",
    "apps.classification",
    "apps.search",
    "apps.pipeline",
    "apps.pages",
    "apps.api",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "videoportal.content_security.ContentSecurityPolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "videoportal.urls"
WSGI_APPLICATION = "videoportal.wsgi.application"
ASGI_APPLICATION = "videoportal.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "apps.pages.context.site",
            ],
        },
    },
]

# --- data ---

DATABASE_URL = text_setting("DATABASE_URL", f"sqlite:///{HOME / 'db.sqlite3'}")
DATABASES: dict[str, dict[str, Any]] = {"default": env.db_url_config(DATABASE_URL)}
_engine = DATABASES["default"].get("ENGINE")
if _engine == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = {
        # A transaction takes its write lock when it begins, so that it waits for others then, instead of failing when
        # its first read turns into a write ("database is locked" comes at once there, whatever the timeout).
        "transaction_mode": "IMMEDIATE",
        "timeout": int_setting("SQLITE_BUSY_TIMEOUT_S", 60, at_least=1),
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
elif _engine == "django.db.backends.postgresql":
    DATABASES["default"] |= {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
else:
    # Its beginning alone: the rest holds a password.
    raise refusal(
        "DATABASE_URL", DATABASE_URL.partition(":")[0], "write sqlite:///path or postgres://user:password@host/name."
    )

MEDIA_ROOT = folder_setting("MEDIA_ROOT", HOME / "media")
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = HOME / "staticfiles"
STORAGES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = DEBUG

CACHES: dict[str, dict[str, Any]] = {
    # Throttle counters must be seen by every web process. Beyond so many entries some are dropped at random, so that
    # there must be room for those of a busy hour.
    "default": {
        "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
        "LOCATION": HOME / "cache",
        "OPTIONS": {"MAX_ENTRIES": 20_000},
    }
}

# --- people ---

AUTH_USER_MODEL = "accounts.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "accounts:sign-in"
LOGIN_REDIRECT_URL = "pages:home"
LOGOUT_REDIRECT_URL = "pages:home"
SIGN_UP = choice_setting("SIGN_UP", "open", ("open", "invite", "closed"))
USER_QUOTA_BYTES = int_setting("USER_QUOTA_MB", 20 * 1024) * 1024**2  # 0: no limit
SIGN_IN_ATTEMPTS_PER_HOUR = int_setting("SIGN_IN_ATTEMPTS_PER_HOUR", 30, at_least=1)
INVITATION_DAYS = int_setting("INVITATION_DAYS", 14, at_least=1)
API_TOKENS_PER_USER = int_setting("API_TOKENS_PER_USER", 20, at_least=1)
# How many proxies of the operator's own stand before the portal, each adding to X-Forwarded-For: with 0 that header,
# which anybody can send, is ignored.
PROXY_COUNT = int_setting("PROXY_COUNT", 0)

_email_url = text_setting("EMAIL_URL", "consolemail://")
if _email_url.partition("://")[0] not in env.EMAIL_SCHEMES:
    _cure = "write smtp+tls://user:password@host:587, or consolemail:// for the log."
    raise refusal("EMAIL_URL", _email_url.partition(":")[0], _cure)
_email = env.email_url_config(_email_url)
EMAIL_BACKEND = _email["EMAIL_BACKEND"]
for _name in ("EMAIL_HOST", "EMAIL_PORT", "EMAIL_HOST_USER", "EMAIL_HOST_PASSWORD", "EMAIL_USE_TLS", "EMAIL_USE_SSL"):
    if _email.get(_name) is not None:
        globals()[_name] = _email[_name]
DEFAULT_FROM_EMAIL = text_setting("DEFAULT_FROM_EMAIL", "videoportal@localhost")

# --- safety of pages ---

HTTPS = bool_setting("HTTPS", False)  # the portal is served over https by a proxy that sets X-Forwarded-Proto
if HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    SECURE_HSTS_SECONDS = int_setting("SECURE_HSTS_SECONDS", 3600)
# `check --deploy` asks for a promise that all other hosts of the domain speak https, which is not the portal's to give.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "apps.pages.errors.csrf_failure"

LANGUAGE_CODE = "en"
TIME_ZONE = timezone_setting("TIME_ZONE", "UTC")
USE_TZ = True

# --- uploads and files ---

UPLOAD_MAX_BYTES = int_setting("UPLOAD_MAX_MB", 4 * 1024, at_least=1) * 1024**2
UPLOAD_MAX_DURATION_S = int_setting("UPLOAD_MAX_DURATION_MINUTES", 12 * 60, at_least=1) * 60
UPLOAD_EXTENSIONS = list_setting(
    "UPLOAD_EXTENSIONS", ["mp4", "m4v", "mov", "mkv", "webm", "avi", "mpg", "mpeg", "ogv", "ts", "3gp"]
)
PROBE_TIMEOUT_S = int_setting("PROBE_TIMEOUT_S", 10, at_least=1)
CAPTIONS_MAX_BYTES = int_setting("CAPTIONS_MAX_KB", 5_000, at_least=1) * 1_000
CAPTIONS_MAX_CUES = int_setting("CAPTIONS_MAX_CUES", 50_000, at_least=1)  # a day, with one every two seconds
RENDITION_MAX_HEIGHT = int_setting("RENDITION_MAX_HEIGHT", 1080, at_least=144)
RENDER_THREADS = int_setting("RENDER_THREADS", 2, at_least=1)  # of the encoder; speech runs beside it
X_ACCEL_PREFIX = text_setting("X_ACCEL_PREFIX")  # nginx's internal location of MEDIA_ROOT, as "/protected/"
if X_ACCEL_PREFIX and not X_ACCEL_PREFIX.startswith("/"):
    raise refusal("X_ACCEL_PREFIX", X_ACCEL_PREFIX, "write nginx's internal location: /protected/.")
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_500_000
DATA_UPLOAD_MAX_NUMBER_FILES = 10
FILE_UPLOAD_HANDLERS = ["videoportal.forms.BoundedUploadHandler"]

# --- moderation ---

MODERATION_REQUIRED = bool_setting("MODERATION_REQUIRED", False)

# --- the queue ---

CELERY_BROKER_URL = text_setting("CELERY_BROKER_URL") or "files://localhost"  # see videoportal.broker
if CELERY_BROKER_URL == "files://localhost":
    _broker = HOME / "broker"
    (_broker / "control").mkdir(parents=True, exist_ok=True)
    CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = {
        "data_folder_in": str(_broker),
        "data_folder_out": str(_broker),
        "control_folder": str(_broker / "control"),
        "polling_interval": 0.1,
    }
elif CELERY_BROKER_URL.startswith(("redis://", "rediss://")):
    # A message is given to another worker only after the longest stage could have ended; what is lost sooner, the
    # sweep of `apps.pipeline.recovery` sends again.
    CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 24 * 3600}
else:
    raise refusal("CELERY_BROKER_URL", CELERY_BROKER_URL, "leave it empty, or write redis://host:6379/0.")
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0.1, "interval_max": 0.1}
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_DEFAULT_QUEUE = "index"
CELERY_BEAT_SCHEDULE_FILENAME = str(HOME / "beat-schedule")

STAGE_HEARTBEAT_S = float_setting("STAGE_HEARTBEAT_S", 1.0, at_least=0.1, at_most=60)
STAGE_STALLED_AFTER_S = int_setting("STAGE_STALLED_AFTER_S", 30, at_least=1)
STAGE_MAX_ATTEMPTS = int_setting("STAGE_MAX_ATTEMPTS", 3, at_least=1)
STAGE_RETRY_DELAY_S = int_setting("STAGE_RETRY_DELAY_S", 10)
STAGE_REQUEUE_AFTER_S = int_setting("STAGE_REQUEUE_AFTER_S", 120, at_least=1)
SWEEP_INTERVAL_S = float_setting("SWEEP_INTERVAL_S", 10, at_least=0.5, at_most=3600)
PROBE_STAGE_LIMIT_S = int_setting("PROBE_STAGE_LIMIT_S", 1_800, at_least=1)
RENDER_STAGE_LIMIT_S = int_setting("RENDER_STAGE_LIMIT_S", 6 * 3600, at_least=1)
TRANSCRIBE_STAGE_LIMIT_S = int_setting("TRANSCRIBE_STAGE_LIMIT_S", 6 * 3600, at_least=1)
CLASSIFY_STAGE_LIMIT_S = int_setting("CLASSIFY_STAGE_LIMIT_S", 600, at_least=1)
EMBED_STAGE_LIMIT_S = int_setting("EMBED_STAGE_LIMIT_S", 3600, at_least=1)
CHECK_SYNC_STAGE_LIMIT_S = int_setting("CHECK_SYNC_STAGE_LIMIT_S", 1_800, at_least=1)
MOVE_SOUND_STAGE_LIMIT_S = int_setting("MOVE_SOUND_STAGE_LIMIT_S", 3600, at_least=1)

# --- speech ---

ASR_MODEL = text_setting("ASR_MODEL")  # empty: the embedded recogniser; else a wav2vec2 CTC folder or hub id
ASR_MODEL_LANGUAGE = choice_setting("ASR_MODEL_LANGUAGE", "en", tuple(LANGUAGE_NAMES))  # that ASR_MODEL understands
# Checkpoints by language, as {"en": "facebook/wav2vec2-base-960h", "ro": "/srv/models/romanian"}: instead of ASR_MODEL.
ASR_MODELS = json_setting("ASR_MODELS")
if ASR_MODELS and ASR_MODEL:
    raise refusal(
        "ASR_MODEL", ASR_MODEL, "ASR_MODELS is set, too: name this checkpoint there, and leave ASR_MODEL empty."
    )
if not all(ASR_MODELS.values()):
    raise refusal("ASR_MODELS", ASR_MODELS, "name a checkpoint for each language, or leave the language out.")
# Empty: what the checkpoint carries, if anything; none; a folder or hub id; or an object of those by language.
ASR_LANGUAGE_MODEL = text_setting("ASR_LANGUAGE_MODEL")
ASR_LANGUAGE_MODELS: dict[str, str] = {}
if ASR_LANGUAGE_MODEL.startswith("{"):
    ASR_LANGUAGE_MODELS, ASR_LANGUAGE_MODEL = json_setting("ASR_LANGUAGE_MODEL"), ""
    if _unheard := sorted(set(ASR_LANGUAGE_MODELS) - set(ASR_MODELS or {ASR_MODEL_LANGUAGE})):
        raise refusal(
            "ASR_LANGUAGE_MODEL", ASR_LANGUAGE_MODELS, f"ASR_MODELS has no checkpoint for {', '.join(_unheard)}."
        )
elif len(ASR_MODELS) > 1 and ASR_LANGUAGE_MODEL not in ("", "none"):
    _cure = 'ASR_MODELS has several languages: write which one it is for, as {"en": "…"}.'
    raise refusal("ASR_LANGUAGE_MODEL", ASR_LANGUAGE_MODEL, _cure)
ASR_BEAM_WIDTH = int_setting("ASR_BEAM_WIDTH", 100, at_least=1)  # with a language model or hotwords
ASR_HOTWORDS = int_setting("ASR_HOTWORDS", 40)  # at most, of a video's title, tags and description; 0: none
ASR_HOTWORD_WEIGHT = float_setting("ASR_HOTWORD_WEIGHT", 6.0, at_least=0.0, at_most=20.0)
# Empty or none: sentences end at pauses; else a folder or hub id of a token-classification model of punctuation.
ASR_PUNCTUATION_MODEL = text_setting("ASR_PUNCTUATION_MODEL")
ASR_DEVICE = choice_setting("ASR_DEVICE", "auto", ("auto", "cpu", "cuda"))
# Of a CTC checkpoint; auto: the fastest that `choose_precision` has let in, fp32 where it was not run.
ASR_PRECISION = choice_setting("ASR_PRECISION", "auto", ("auto", "fp32", "bf16", "fp16", "int8"))
ASR_CHUNK_S = float_setting("ASR_CHUNK_S", 30.0, at_least=4.0, at_most=60.0)  # what its network hears at once
ASR_TORCH_COMPILE = bool_setting("ASR_TORCH_COMPILE", False)  # on a GPU
ASR_MAX_SEGMENT_S = float_setting("ASR_MAX_SEGMENT_S", 20.0, at_least=2.0, at_most=29.0)
ASR_BEAM_SIZE = int_setting("ASR_BEAM_SIZE", 5, at_least=1)  # of the embedded recogniser
ASR_TEMPERATURE_FALLBACK = bool_setting("ASR_TEMPERATURE_FALLBACK", False)  # of it; makes its words a matter of chance
ASR_FORCED_ALIGNMENT = bool_setting("ASR_FORCED_ALIGNMENT", True)  # of its words, by PocketSphinx
MODEL_CACHE_DIR = Path(text_setting("MODEL_CACHE_DIR", str(HOME / "models")))  # what `fetch_models` downloads

# --- lip sync ---

SYNC_CHECK = bool_setting("SYNC_CHECK", True)  # of new videos
SYNC_MODEL = text_setting("SYNC_MODEL")  # empty: the embedded network; else a file that train_sync wrote
SYNC_FACE_DETECTOR = text_setting("SYNC_FACE_DETECTOR")  # empty: OpenCV's cascade; else the ONNX file of a YuNet
SYNC_MIN_PROBABILITY = float_setting("SYNC_MIN_PROBABILITY", 0.9, at_least=0.5, at_most=1.0)  # below: unknown
# EBU R37, at the end of the chain; apps/avsync/verdicts.py has ITU-R BT.1359's, too.
SYNC_EARLY_LIMIT_MS = float_setting("SYNC_EARLY_LIMIT_MS", 40.0, at_least=0.0, at_most=600.0)
SYNC_LATE_LIMIT_MS = float_setting("SYNC_LATE_LIMIT_MS", 60.0, at_least=0.0, at_most=600.0)
SYNC_WINDOW_S = float_setting("SYNC_WINDOW_S", 4.0, at_least=1.0, at_most=20.0)  # that are looked at in one go
SYNC_MAX_WINDOWS = int_setting("SYNC_MAX_WINDOWS", 20, at_least=1)  # with a face; it stops as soon as it is sure

# --- topics ---

TOPIC_MODEL = text_setting("TOPIC_MODEL")  # empty: the embedded encoder and head; else a folder that train_topics wrote
TOPIC_THRESHOLD = float_setting("TOPIC_THRESHOLD", 0.8, at_least=0.0, at_most=1.0)
TOPIC_ASK_THRESHOLD = float_setting("TOPIC_ASK_THRESHOLD", 0.5, at_least=0.0, at_most=1.0)  # below: unknown
TOPIC_MIN_WORDS = int_setting("TOPIC_MIN_WORDS", 3, at_least=1)  # with fewer, no topic is guessed
TOPIC_MAX_WINDOWS = int_setting("TOPIC_MAX_WINDOWS", 64, at_least=1)  # of 256 tokens; longer text is sampled evenly
# Drift: the videos of the last so many days against those of the days before. See `apps.classification.drift`.
TOPIC_DRIFT_DAYS = int_setting("TOPIC_DRIFT_DAYS", 30, at_least=1)
TOPIC_DRIFT_MIN_VIDEOS = int_setting("TOPIC_DRIFT_MIN_VIDEOS", 50, at_least=2)  # in each period; with fewer, no word
TOPIC_DRIFT_P_VALUE = float_setting("TOPIC_DRIFT_P_VALUE", 0.01, at_least=0.0, at_most=1.0)
TOPIC_DRIFT_PSI = float_setting("TOPIC_DRIFT_PSI", 0.1, at_least=0.0, at_most=10.0)

# What a classifier that learned topics from examples must keep to before it may go live. Shares in [0, 1].
TOPIC_MIN_EXAMPLES = int_setting("TOPIC_MIN_EXAMPLES", 5, at_least=2)  # of a topic, before it is taught
TOPIC_MIN_RECALL = float_setting("TOPIC_MIN_RECALL", 0.4, at_least=0.0, at_most=1.0)  # of the examples of each
TOPIC_MAX_OVERLAP = float_setting("TOPIC_MAX_OVERLAP", 0.5, at_least=0.0, at_most=1.0)  # of them with a known topic
TOPIC_MAX_LOSS = float_setting("TOPIC_MAX_LOSS", 0.01, at_least=0.0, at_most=1.0)  # of texts that were filed right
TOPIC_TEACHING_LIMIT_S = int_setting("TOPIC_TEACHING_LIMIT_S", 1_800, at_least=1)
TOPIC_DEVICE = choice_setting("TOPIC_DEVICE", "auto", ("auto", "cpu", "cuda"))

# --- search ---

SEARCH_BACKEND = choice_setting("SEARCH_BACKEND", "sqlite", ("sqlite", "elasticsearch"))
SEARCH_SQLITE_PATH = Path(text_setting("SEARCH_SQLITE_PATH", str(HOME / "search.sqlite3")))
SEARCH_DRAIN_INTERVAL_S = float_setting("SEARCH_DRAIN_INTERVAL_S", 2.0, at_least=0.1, at_most=3600)
SEARCH_PAGE_SIZE = int_setting("SEARCH_PAGE_SIZE", 20, at_least=1)
# A worker that is killed while it tells the index of changes leaves them to another after so long.
SEARCH_CLAIM_S = int_setting("SEARCH_CLAIM_S", 60, at_least=1)
# Search by meaning. Empty: the embedded encoder of English; else a sentence-transformers folder or hub id; none: off.
SEARCH_EMBEDDING_MODEL = text_setting("SEARCH_EMBEDDING_MODEL")
# The languages that SEARCH_EMBEDDING_MODEL understands, as "en,de"; empty: all. The embedded one reads English.
SEARCH_EMBEDDING_LANGUAGES = list_setting("SEARCH_EMBEDDING_LANGUAGES", [])
if _unknown := sorted(set(SEARCH_EMBEDDING_LANGUAGES) - set(LANGUAGE_NAMES)):
    raise refusal("SEARCH_EMBEDDING_LANGUAGES", ",".join(_unknown), "write codes of the portal's languages: en,de.")
# Cosines below it mean nothing: of the embedded model. Others may need another.
SEARCH_EMBEDDING_CUTOFF = float_setting("SEARCH_EMBEDDING_CUTOFF", 0.4, at_least=0.0, at_most=1.0)
SEARCH_EMBEDDING_DEVICE = choice_setting("SEARCH_EMBEDDING_DEVICE", "auto", ("auto", "cpu", "cuda"))

# Several nodes of one cluster are separated by commas. User and password may stand in the address.
ELASTICSEARCH_URLS = urls_setting("ELASTICSEARCH_URL")
if SEARCH_BACKEND == "elasticsearch" and not ELASTICSEARCH_URLS:
    raise refusal("ELASTICSEARCH_URL", "", "SEARCH_BACKEND=elasticsearch needs the server's address: http://host:9200.")
ELASTICSEARCH_API_KEY = text_setting("ELASTICSEARCH_API_KEY")
if ELASTICSEARCH_API_KEY and any("@" in url for url in ELASTICSEARCH_URLS):
    raise refusal(
        "ELASTICSEARCH_API_KEY", "…", "take it away, or the user and password that stand in ELASTICSEARCH_URL."
    )
ELASTICSEARCH_CA_FILE = text_setting("ELASTICSEARCH_CA_FILE")
if ELASTICSEARCH_CA_FILE and not Path(ELASTICSEARCH_CA_FILE).is_file():
    raise refusal("ELASTICSEARCH_CA_FILE", ELASTICSEARCH_CA_FILE, "name a file of certificates that can be read.")
ELASTICSEARCH_INDEX_PREFIX = text_setting("ELASTICSEARCH_INDEX_PREFIX", "videoportal")
if re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,99}", ELASTICSEARCH_INDEX_PREFIX) is None:
    raise refusal(
        "ELASTICSEARCH_INDEX_PREFIX",
        ELASTICSEARCH_INDEX_PREFIX,
        "write small letters, digits, - and _, and begin with a letter or digit.",
    )
ELASTICSEARCH_TIMEOUT_S = float_setting("ELASTICSEARCH_TIMEOUT_S", 10, at_least=0.5, at_most=600)
ELASTICSEARCH_WRITE_TIMEOUT_S = float_setting("ELASTICSEARCH_WRITE_TIMEOUT_S", 30, at_least=1, at_most=3600)
# Empty: English and Romanian each by their own, other languages by their words as they are.
ELASTICSEARCH_ANALYZER = choice_setting("ELASTICSEARCH_ANALYZER", "", ("", *ANALYZERS))
ELASTICSEARCH_SYNONYMS = text_setting("ELASTICSEARCH_SYNONYMS")
ELASTICSEARCH_SYNONYM_RULES: tuple[str, ...] = ()
if ELASTICSEARCH_SYNONYMS:
    try:
        ELASTICSEARCH_SYNONYM_RULES = read_synonyms(Path(ELASTICSEARCH_SYNONYMS))
    except SynonymsError as error:
        raise refusal("ELASTICSEARCH_SYNONYMS", ELASTICSEARCH_SYNONYMS, str(error)) from error

# --- the API ---

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "apps.api.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticatedOrReadOnly"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_PAGINATION_CLASS": "apps.api.paging.PageNumberPagination",
    "PAGE_SIZE": int_setting("API_PAGE_SIZE", 20, at_least=1),
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "apps.api.errors.handle",
    "DEFAULT_THROTTLE_CLASSES": [
        "apps.api.throttling.AnonRateThrottle",
        "apps.api.throttling.UserRateThrottle",
    ],
    "DEFAULT_THROTTLE_RATES": {
        "anon": rate_setting("API_THROTTLE_ANON", "120/min"),  # by address
        "user": rate_setting("API_THROTTLE_USER", "600/min"),  # by account
        "upload": rate_setting("API_THROTTLE_UPLOAD", "60/hour"),  # by account, on top of the one for all requests
    },
}
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "videoportal",
    "DESCRIPTION": "Upload videos, read their captions, find the second at which something was said.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "REDOC_UI_SETTINGS": {
        "theme": {
            "typography": {
                "fontFamily": "system-ui, sans-serif",
                "headings": {"fontFamily": "system-ui, sans-serif"},
            }
        }
    },
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    # One name per set of choices, wherever it is used.
    "ENUM_NAME_OVERRIDES": {
        "Language": "apps.videos.languages.LANGUAGES",
        "Visibility": "apps.videos.models.Visibility",
        "ModerationState": "apps.videos.models.ModerationState",
        "StageState": "apps.pipeline.models.StageRun.State",
        "ReportReason": "apps.videos.models.Report.Reason",
        "CaptionSource": "apps.transcription.models.Transcript.Source",
    },
}

# --- logs ---

LOG_LEVEL = choice_setting("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR"))
LOG_FORMAT = choice_setting("LOG_FORMAT", "text", ("text", "json"))
LOGGING = logging_configuration(LOG_LEVEL, LOG_FORMAT)
