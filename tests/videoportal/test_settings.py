"""A wrong setting stops the start, and says what to do."""

import subprocess
from pathlib import Path

import pytest

from tests.portal import Portal


@pytest.mark.parametrize(
    ("name", "value", "cure"),
    [
        ("MODERATION_REQUIRED", "perhaps", "write true or false"),
        ("UPLOAD_MAX_MB", "lots", "whole number, 1 or more"),
        ("UPLOAD_MAX_MB", "0", "whole number, 1 or more"),
        ("TOPIC_THRESHOLD", "1.5", "from 0.0 to 1.0"),
        ("SIGN_UP", "maybe", "open, invite, closed"),
        ("CELERY_BROKER_URL", "amqp://somewhere", "redis://"),
        ("DATABASE_URL", "oracle://somewhere/db", "postgres://"),
        ("CSRF_TRUSTED_ORIGINS", "videos.example.org", "with its scheme"),
        ("VIDEOPORTAL_HOME", "/proc/nowhere", "can be written"),
        ("SEARCH_BACKEND", "solr", "sqlite, elasticsearch"),
        ("ELASTICSEARCH_INDEX_PREFIX", "Videos", "small letters"),
        ("ELASTICSEARCH_ANALYZER", "klingon", "romanian"),
        ("ELASTICSEARCH_SYNONYMS", "/nowhere/synonyms.txt", "can be read"),
        ("ELASTICSEARCH_CA_FILE", "/nowhere/ca.pem", "can be read"),
    ],
)
def test_a_wrong_value_stops_the_start_and_says_what_to_do(tmp_path: Path, name: str, value: str, cure: str) -> None:
    portal = Portal(tmp_path, **{name: value})
    with pytest.raises(subprocess.CalledProcessError) as failure:
        portal.manage("check")
    assert name in failure.value.stderr
    assert cure in failure.value.stderr
    assert "Traceback" not in failure.value.stderr


@pytest.mark.parametrize(
    ("settings", "cure"),
    [
        ({"SEARCH_BACKEND": "elasticsearch"}, "needs the server's address"),
        ({"ELASTICSEARCH_URL": "me:secret@host"}, "with scheme and port"),
        ({"ELASTICSEARCH_URL": "http://me:secret@host:9200", "ELASTICSEARCH_API_KEY": "key"}, "take one of them away"),
    ],
)
def test_settings_of_elasticsearch_are_looked_at_together(tmp_path: Path, settings: dict[str, str], cure: str) -> None:
    with pytest.raises(subprocess.CalledProcessError) as failure:
        Portal(tmp_path, **settings).manage("check")
    assert cure in failure.value.stderr
    assert "secret" not in failure.value.stderr


def test_the_secret_key_is_made_once_and_kept_to_its_owner(tmp_path: Path) -> None:
    portal = Portal(tmp_path)
    portal.manage("check")
    first = (tmp_path / "secret_key").read_text()
    portal.manage("check")
    assert (tmp_path / "secret_key").read_text() == first
    assert (tmp_path / "secret_key").stat().st_mode & 0o077 == 0
    assert len(first) >= 50
