"""Who calls: a token, a session, nobody, or somebody who only says so."""

from __future__ import annotations

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from apps.accounts import tokens
from apps.accounts.models import User
from tests.api.conftest import CallAs
from tests.factories import make_video

ME = "/api/v1/me/"


def test_it_knows_the_owner_of_a_token(call_as: CallAs, owner: User) -> None:
    owner.quota_bytes = 5_000
    owner.save()
    make_video(owner, size_bytes=1_234)
    answer = call_as(owner).get(ME)
    assert answer.status_code == 200
    assert answer.json() == {
        "id": str(owner.pk),
        "username": "owner",
        "email": "",
        "is_moderator": False,
        "storage": {"used_bytes": 1_234, "quota_bytes": 5_000},
        "unread_notices": 0,
    }


def test_a_quota_of_zero_is_no_limit(call_as: CallAs, moderator: User) -> None:
    moderator.quota_bytes = 0
    moderator.save()
    me = call_as(moderator).get(ME).json()
    assert me["is_moderator"] is True
    assert me["storage"]["quota_bytes"] is None


def test_it_asks_a_nobody_to_sign_in(call_as: CallAs) -> None:
    answer = call_as(None).get(ME)
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == 'Bearer realm="api"'
    assert answer.json()["code"] == "not_authenticated"


@pytest.mark.parametrize(
    "header", ["Bearer vp_wrong", "Bearer", "Bearer two keys", "bearer vp_wrong", "Bearer caf\xe9"]
)
def test_it_refuses_a_wrong_key_even_where_anybody_may_read(db: None, header: str) -> None:
    answer = APIClient().get("/api/v1/videos/", HTTP_AUTHORIZATION=header)
    assert answer.status_code == 401
    assert answer.json()["code"] == "authentication_failed"


def test_it_refuses_a_revoked_key_and_one_of_a_closed_account(owner: User, stranger: User) -> None:
    token, revoked_key = tokens.issue(owner, "old")
    tokens.revoke(token)
    _, closed_key = tokens.issue(stranger, "closed")
    stranger.is_active = False
    stranger.save()
    for key in (revoked_key, closed_key):
        assert APIClient().get(ME, HTTP_AUTHORIZATION=f"Bearer {key}").status_code == 401


def test_a_session_reads_without_and_writes_only_with_the_csrf_token(owner: User) -> None:
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(owner)
    assert client.get(ME).status_code == 200
    video = make_video(owner)
    address = reverse("api:video", args=[video.pk])
    refused = client.delete(address)
    assert refused.status_code == 403
    assert refused.json()["code"] == "permission_denied"
    client.get(reverse("accounts:sign-up"))  # any page with a form gives the cookie; this one is open to all
    client.cookies["csrftoken"] = "x" * 32
    assert client.delete(address, HTTP_X_CSRFTOKEN="x" * 32).status_code == 204


def test_addresses_that_there_are_not_are_told_in_json(call_as: CallAs) -> None:
    for path, hint in (("/api/v1/nothing/", "no such address"), ("/api/v1/videos", "end with")):
        for answer in (call_as(None).get(path), call_as(None).post(path)):
            if answer.status_code != 401:  # nobody may write, wherever
                assert answer.status_code == 404
                assert hint in answer.json()["detail"]
