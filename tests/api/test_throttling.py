"""Who asks too often waits."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient
from rest_framework.throttling import SimpleRateThrottle

from apps.accounts.models import User
from tests.api.conftest import CallAs
from tests.portal import Portal

VIDEOS = "/api/v1/videos/"


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SimpleRateThrottle, "THROTTLE_RATES", {"anon": "2/min", "user": "4/min", "upload": "1/hour"})


def test_a_nobody_by_address_whatever_they_say_it_is(few: None, db: None) -> None:
    client = APIClient()
    codes = [client.get(VIDEOS, HTTP_X_FORWARDED_FOR=f"192.0.2.{number}").status_code for number in range(3)]
    assert codes == [200, 200, 429]
    refused = client.get(VIDEOS)
    assert refused.json()["code"] == "throttled"
    assert 1 <= int(refused["Retry-After"]) <= 60
    assert client.get(VIDEOS, REMOTE_ADDR="192.0.2.77").status_code == 200


def test_an_account_by_itself_whatever_key_it_has(few: None, call_as: CallAs, owner: User, stranger: User) -> None:
    codes = [call_as(owner).get(VIDEOS).status_code for _ in range(5)]
    assert codes == [200, 200, 200, 200, 429]
    assert call_as(stranger).get(VIDEOS).status_code == 200


def test_uploads_have_a_rate_of_their_own(few: None, call_as: CallAs, owner: User, tiny_video: Path) -> None:
    client = call_as(owner)
    content = tiny_video.read_bytes()
    codes = [
        client.post(VIDEOS, {"file": SimpleUploadedFile("a.mp4", content)}, format="multipart").status_code
        for _ in range(2)
    ]
    assert codes == [201, 429]
    assert client.get(VIDEOS).status_code == 200


@pytest.mark.parametrize("rate", ["often", "10", "0/min", "10/fortnight", "-1/min"])
def test_a_rate_that_is_none_stops_the_start(tmp_path: Path, rate: str) -> None:
    with pytest.raises(subprocess.CalledProcessError) as failure:
        Portal(tmp_path, API_THROTTLE_ANON=rate).manage("check")
    assert "API_THROTTLE_ANON" in failure.value.stderr
    assert "120/min" in failure.value.stderr
