"""Log lines for people (`LOG_FORMAT=text`) and for machines (`LOG_FORMAT=json`, one object a line).

Fields travel in `extra`: `log.info("stage done", extra={"video": video_id, "stage": "render"})`.
"""

import json
import logging
from datetime import UTC, datetime
from typing import Any

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "request", "server_time"}


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    """What the caller passed in `extra`."""
    return {key: value for key, value in vars(record).items() if key not in _STANDARD}


class TextFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S")
        fields = "".join(f" {key}={value}" for key, value in _fields(record).items())
        line = f"{at} {record.levelname.lower():7} {record.name}: {record.getMessage()}{fields}"
        return line if record.exc_info is None else f"{line}\n{self.formatException(record.exc_info)}"


class JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_fields(record),
        }
        if record.exc_info is not None:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, default=str, ensure_ascii=False)


def logging_configuration(level: str, form: str) -> dict[str, Any]:
    """Django's `LOGGING`: lines of at least `level` to stderr, in the form `text` or `json`."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "text": {"()": "videoportal.logs.TextFormatter"},
            "json": {"()": "videoportal.logs.JsonFormatter"},
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": form}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # One line a task, every two seconds, says nothing.
            "celery.app.trace": {"level": "WARNING"},
            "celery.beat": {"level": "WARNING"},
            "celery.worker.strategy": {"level": "WARNING"},
            "django.server": {"level": "WARNING"},
            "elastic_transport": {"level": "ERROR"},  # each request, and each retry; the outbox says what matters
            "httpx": {"level": "WARNING"},
            "faster_whisper": {"level": "WARNING"},
        },
    }
