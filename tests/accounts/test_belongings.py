"""Profile, API tokens, and the end of an account."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from apps.accounts import tokens
from apps.accounts.digests import digest_of
from apps.accounts.models import ApiToken, User
from tests.accounts.conftest import PASSWORD


def test_the_pages_ask_for_a_sign_in_and_come_back(client: Client, db: None) -> None:
    for path in ("/accounts/profile/", "/accounts/tokens/", "/accounts/password-change/", "/accounts/delete/"):
        assert client.get(path)["Location"] == f"/accounts/sign-in/?next={path}"


def test_it_saves_the_name_without_a_password(client: Client, owner: User) -> None:
    client.force_login(owner)

    client.post("/accounts/profile/", {"first_name": "Ada", "last_name": "Lovelace", "email": ""})

    owner.refresh_from_db()
    assert owner.get_full_name() == "Ada Lovelace"


def test_a_new_address_needs_the_password(client: Client, owner: User) -> None:
    client.force_login(owner)
    form = {"first_name": "", "last_name": "", "email": "thief@example.org", "current_password": "wrong"}

    refused = client.post("/accounts/profile/", form)
    owner.refresh_from_db()
    assert "Write your password to change the address." in refused.content.decode()
    assert owner.email == ""

    client.post("/accounts/profile/", form | {"email": "owner@example.org", "current_password": PASSWORD})
    owner.refresh_from_db()
    assert owner.email == "owner@example.org"


def test_a_key_is_shown_once_and_kept_as_a_digest(client: Client, owner: User) -> None:
    client.force_login(owner)

    page = client.post("/accounts/tokens/create/", {"name": "backup script"})

    key = page.context["new_key"]
    token = ApiToken.objects.get()
    assert key in page.content.decode()
    assert "no-store" in page["Cache-Control"]
    assert token.digest == digest_of(key)
    assert key not in str(ApiToken.objects.values())
    later = client.get("/accounts/tokens/").content.decode()
    assert "backup script" in later
    assert key not in later


def test_a_key_speaks_for_its_owner_until_revoked(client: Client, owner: User) -> None:
    token, key = tokens.issue(owner, "script")
    client.force_login(owner)
    assert tokens.user_for(key) == owner

    client.post(f"/accounts/tokens/{token.pk}/revoke/")

    assert tokens.user_for(key) is None


def test_nobody_revokes_anothers_token(client: Client, owner: User, stranger: User) -> None:
    token, key = tokens.issue(owner, "script")
    client.force_login(stranger)

    assert client.post(f"/accounts/tokens/{token.pk}/revoke/").status_code == 404
    assert tokens.user_for(key) == owner


@pytest.mark.parametrize("key", ["", "vp_", "vp_" + "x" * 43, "ключ", "\x00"])
def test_an_unknown_key_speaks_for_nobody(owner: User, key: str) -> None:
    tokens.issue(owner, "script")

    assert tokens.user_for(key) is None


def test_the_key_of_a_closed_account_speaks_for_nobody(owner: User) -> None:
    _, key = tokens.issue(owner, "script")
    owner.is_active = False
    owner.save()

    assert tokens.user_for(key) is None


def test_the_last_use_is_noted_once_a_minute(owner: User, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    token, key = tokens.issue(owner, "script")
    with django_assert_num_queries(2):
        tokens.user_for(key)
    with django_assert_num_queries(1):
        tokens.user_for(key)
    long_ago = timezone.now() - timedelta(minutes=2)
    ApiToken.objects.filter(pk=token.pk).update(last_used_at=long_ago)

    tokens.user_for(key)

    token.refresh_from_db()
    assert token.last_used_at is not None
    assert token.last_used_at > long_ago


def test_it_refuses_more_tokens_than_one_may_have(client: Client, owner: User, settings: Settings) -> None:
    settings.API_TOKENS_PER_USER = 1
    tokens.issue(owner, "first")
    client.force_login(owner)

    page = client.post("/accounts/tokens/create/", {"name": "second"})

    assert "Revoke one that you no longer need." in page.content.decode()
    assert ApiToken.objects.count() == 1


def test_deleting_an_account_needs_the_password(client: Client, owner: User) -> None:
    client.force_login(owner)

    page = client.post("/accounts/delete/", {"password": "wrong"})

    assert "This is not your password." in page.content.decode()
    assert User.objects.filter(pk=owner.pk).exists()


def test_it_deletes_the_account_with_what_belongs_to_it(client: Client, owner: User, stranger: User) -> None:
    _, key = tokens.issue(owner, "script")
    client.force_login(owner)

    response = client.post("/accounts/delete/", {"password": PASSWORD})

    assert response.status_code == 302
    assert list(User.objects.all()) == [stranger]
    assert tokens.user_for(key) is None
    assert "_auth_user_id" not in client.session


def test_the_only_administrator_cannot_go(client: Client, db: None) -> None:
    root = User.objects.create_superuser("root", password=PASSWORD)
    client.force_login(root)

    assert client.post("/accounts/delete/", {"password": PASSWORD}).status_code == 403
    assert User.objects.filter(pk=root.pk).exists()
