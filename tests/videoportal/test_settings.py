"""A wrong setting stops the start, and says what to do."""

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.portal import Portal
from videoportal.environment import kept_secret


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
        ("DATABASE_URL", "somewhere", "postgres://"),
        ("ASR_MODELS", "facebook/wav2vec2-base-960h", "JSON object by language"),
        ("ASR_MODELS", '{"English": "a/b"}', "JSON object by language"),
        ("ASR_MODELS", '{"en": ""}', "name a checkpoint for each language"),
        ("ASR_LANGUAGE_MODEL", '{"ro": "a/b"}', "no checkpoint for ro"),
        ("ASR_HOTWORD_WEIGHT", "50", "from 0.0 to 20.0"),
        ("VIDEOPORTAL_HOME", "/proc/nowhere", "can be written"),
        ("SEARCH_BACKEND", "solr", "sqlite, elasticsearch"),
        ("ELASTICSEARCH_INDEX_PREFIX", "Videos", "small letters"),
        ("ELASTICSEARCH_ANALYZER", "klingon", "romanian"),
        ("ELASTICSEARCH_SYNONYMS", "/nowhere/synonyms.txt", "can be read"),
        ("ELASTICSEARCH_CA_FILE", "/nowhere/ca.pem", "can be read"),
        ("MEDIA_ROOT", "/proc/nowhere", "can be written"),
        ("TIME_ZONE", "Mars/Olympus", "Europe/Berlin"),
        ("EMAIL_URL", "somewhere", "smtp+tls://"),
        ("ASR_MODEL_LANGUAGE", "klingon", "write one of ar, bg"),
        ("X_ACCEL_PREFIX", "protected", "/protected/"),
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
        ({"ELASTICSEARCH_URL": "me:secret@host"}, "write scheme and port"),
        (
            {"ELASTICSEARCH_URL": "http://me:secret@host:9200", "ELASTICSEARCH_API_KEY": "key"},
            "take it away, or the user",
        ),
    ],
)
def test_settings_of_elasticsearch_are_looked_at_together(tmp_path: Path, settings: dict[str, str], cure: str) -> None:
    with pytest.raises(subprocess.CalledProcessError) as failure:
        Portal(tmp_path, **settings).manage("check")
    assert cure in failure.value.stderr
    assert "secret" not in failure.value.stderr


def test_lists_may_have_spaces_beside_their_commas(tmp_path: Path) -> None:
    portal = Portal(tmp_path, ALLOWED_HOSTS="a.example.org, b.example.org,")
    printed = portal.manage("shell", "-v0", "-c", "from django.conf import settings; print(settings.ALLOWED_HOSTS)")
    assert printed.strip() == "['a.example.org', 'b.example.org']"


def test_a_portal_behind_https_passes_the_deployment_check(tmp_path: Path) -> None:
    portal = Portal(tmp_path, HTTPS="true", ALLOWED_HOSTS="videos.example.org")
    portal.manage("check", "--deploy", "--fail-level", "WARNING")


def test_processes_that_start_together_keep_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: kept_secret(tmp_path / "secret_key"), range(8)))
    assert keys == {(tmp_path / "secret_key").read_text()}
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]


def test_the_secret_key_is_made_once_and_kept_to_its_owner(tmp_path: Path) -> None:
    portal = Portal(tmp_path)
    portal.manage("check")
    first = (tmp_path / "secret_key").read_text()
    portal.manage("check")
    assert (tmp_path / "secret_key").read_text() == first
    assert (tmp_path / "secret_key").stat().st_mode & 0o077 == 0
    assert len(first) >= 50


@pytest.mark.parametrize(
    ("settings", "name", "cure"),
    [
        ({"ASR_MODEL": "a/b", "ASR_MODELS": '{"en": "a/b"}'}, "ASR_MODEL", "leave ASR_MODEL empty"),
        (
            {"ASR_MODELS": '{"en": "a/b", "ro": "c/d"}', "ASR_LANGUAGE_MODEL": "e/f"},
            "ASR_LANGUAGE_MODEL",
            "which one it is for",
        ),
    ],
)
def test_settings_that_contradict_each_other_stop_the_start(
    tmp_path: Path, settings: dict[str, str], name: str, cure: str
) -> None:
    with pytest.raises(subprocess.CalledProcessError) as failure:
        Portal(tmp_path, **settings).manage("check")
    assert name in failure.value.stderr
    assert cure in failure.value.stderr
    assert "Traceback" not in failure.value.stderr
