"""Changing a password, and choosing a new one by a link."""

import re

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from apps.accounts.administrators import first_administrator_link
from apps.accounts.models import User
from tests.accounts.conftest import NEW_PASSWORD, PASSWORD

RESET = "/accounts/password-reset/"
BASE = "http://testserver"


def choose_password(client: Client, link: str) -> str:
    """Follows a link, chooses NEW_PASSWORD, and returns the page that came of it."""
    page = client.get(link.removeprefix(BASE), follow=True)
    if not page.context["validlink"]:
        return page.content.decode()
    path = page.redirect_chain[-1][0]
    answer = client.post(path, {"new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}, follow=True)
    return answer.content.decode()


def mailed_link() -> str:
    found = re.search(r"http://\S+", str(mail.outbox[-1].body))
    assert found is not None
    return found.group()


def test_it_changes_the_password_and_keeps_this_browser_signed_in(client: Client, owner: User) -> None:
    client.force_login(owner)

    response = client.post(
        "/accounts/password-change/",
        {"old_password": PASSWORD, "new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD},
    )

    owner.refresh_from_db()
    assert response["Location"] == "/accounts/profile/"
    assert owner.check_password(NEW_PASSWORD)
    assert client.get("/accounts/profile/").status_code == 200


def test_the_mailed_link_works_once(client: Client, owner: User, settings: Settings) -> None:
    settings.SITE_NAME = "Ada & Co"
    owner.email = "owner@example.org"
    owner.save()

    assert client.post(RESET, {"email": "OWNER@example.org"})["Location"] == f"{RESET}sent/"
    assert mail.outbox[0].subject == "Your password at Ada & Co"
    link = mailed_link()
    choose_password(client, link)

    owner.refresh_from_db()
    assert owner.check_password(NEW_PASSWORD)
    assert client.session["_auth_user_id"] == str(owner.pk)
    assert "This link no longer works" in choose_password(Client(), link)


def test_it_does_not_tell_whether_an_address_has_an_account(client: Client, db: None) -> None:
    assert client.post(RESET, {"email": "nobody@example.org"})["Location"] == f"{RESET}sent/"
    assert not mail.outbox


def test_it_limits_the_mails_to_one_address(client: Client, owner: User, settings: Settings) -> None:
    settings.SIGN_IN_ATTEMPTS_PER_HOUR = 2
    User.objects.update(email="owner@example.org")
    for number in range(2):
        client.post(RESET, {"email": "owner@example.org"}, REMOTE_ADDR=f"192.0.2.{number}")

    response = client.post(RESET, {"email": "Owner@example.org"}, REMOTE_ADDR="192.0.2.9")

    assert response.status_code == 429
    assert len(mail.outbox) == 2


def test_a_new_password_opens_an_account_that_somebodys_guesses_closed(
    client: Client, owner: User, settings: Settings
) -> None:
    settings.SIGN_IN_ATTEMPTS_PER_HOUR = 1
    User.objects.update(email="owner@example.org")
    client.post("/accounts/sign-in/", {"username": "owner", "password": "guess"}, REMOTE_ADDR="192.0.2.6")
    client.post(RESET, {"email": "owner@example.org"})
    choose_password(client, mailed_link())

    answer = Client().post("/accounts/sign-in/", {"username": "owner", "password": NEW_PASSWORD})

    assert answer.status_code == 302


def test_the_first_administrator_link_works_once(client: Client, db: None) -> None:
    link = first_administrator_link(BASE + "/")
    assert link is not None

    choose_password(client, link)

    admin = User.objects.get()
    assert (admin.username, admin.is_superuser, admin.is_staff) == ("admin", True, True)
    assert admin.check_password(NEW_PASSWORD)
    assert client.get(reverse("admin:index")).status_code == 200
    assert "This link no longer works" in choose_password(Client(), link)
    assert first_administrator_link(BASE) is None


def test_every_start_prints_a_link_until_one_is_used(client: Client, db: None) -> None:
    first_administrator_link(BASE)
    link = first_administrator_link(BASE)
    assert link is not None

    choose_password(client, link)

    assert User.objects.get().check_password(NEW_PASSWORD)


@pytest.mark.parametrize("taken", ["admin", "ADMIN"])
def test_the_first_administrator_takes_nobodys_name(db: None, taken: str) -> None:
    User.objects.create_user(taken, password=PASSWORD)

    assert first_administrator_link(BASE) is not None
    assert User.objects.get(is_superuser=True).username == "admin-2"
    assert not User.objects.get(username=taken).is_superuser


def test_there_is_no_link_where_somebody_administers(db: None) -> None:
    User.objects.create_superuser("root", password=PASSWORD)

    assert first_administrator_link(BASE) is None
    assert User.objects.count() == 1


def test_it_limits_guesses_at_the_old_password(client: Client, owner: User, settings: Settings) -> None:
    settings.SIGN_IN_ATTEMPTS_PER_HOUR = 2
    client.force_login(owner)
    new = {"new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}

    for guess in ("one", "two"):
        assert client.post("/accounts/password-change/", {"old_password": guess, **new}).status_code == 200
    refused = client.post("/accounts/password-change/", {"old_password": PASSWORD, **new})

    assert refused.status_code == 429
    assert "Too many attempts" in refused.content.decode()
    owner.refresh_from_db()
    assert owner.check_password(PASSWORD)
