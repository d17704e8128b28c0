"""Signing in and out, and the limit of attempts."""

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from apps.accounts import attempts
from apps.accounts.attempts import Act, TooManyAttemptsError
from apps.accounts.models import User
from tests.accounts.conftest import PASSWORD

SIGN_IN = "/accounts/sign-in/"


def sign_in(client: Client, username: str, password: str, **kwargs: str):
    return client.post(SIGN_IN, {"username": username, "password": password}, **kwargs)


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def test_it_signs_in_whatever_the_case_of_the_name(client: Client, owner: User) -> None:
    response = sign_in(client, "OWNER", PASSWORD)

    assert response.status_code == 302
    assert response["Location"] == reverse("pages:home")
    assert client.session["_auth_user_id"] == str(owner.pk)


def test_it_names_no_culprit_when_the_password_is_wrong(client: Client, owner: User) -> None:
    wrong_password, unknown_name = sign_in(client, "owner", "wrong"), sign_in(client, "nobody", "wrong")

    message = "This user name and password do not belong together."
    assert message in wrong_password.content.decode()
    assert message in unknown_name.content.decode()
    assert not is_signed_in(client)


def test_it_leads_on_to_a_page_of_the_portal(client: Client, owner: User) -> None:
    response = client.post(SIGN_IN, {"username": "owner", "password": PASSWORD, "next": "/accounts/tokens/"})

    assert response["Location"] == "/accounts/tokens/"


@pytest.mark.parametrize("where", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "http:///evil"])
def test_it_leads_on_to_no_other_site(client: Client, owner: User, where: str) -> None:
    response = client.post(SIGN_IN, {"username": "owner", "password": PASSWORD, "next": where})

    assert response["Location"] == reverse("pages:home")


def test_it_signs_out_by_post_only(client: Client, owner: User) -> None:
    client.force_login(owner)

    assert client.get("/accounts/sign-out/").status_code == 405
    assert is_signed_in(client)
    assert client.post("/accounts/sign-out/").status_code == 302
    assert not is_signed_in(client)


def test_it_refuses_the_right_password_too_once_the_attempts_are_used_up(
    client: Client, owner: User, settings: Settings
) -> None:
    settings.SIGN_IN_ATTEMPTS_PER_HOUR = 3
    for _ in range(3):
        assert sign_in(client, "owner", "wrong").status_code == 200

    response = sign_in(client, "owner", PASSWORD)

    assert response.status_code == 429
    assert "Too many attempts. Wait 60 minutes, then try again." in response.content.decode()
    assert not is_signed_in(client)


def test_it_limits_guesses_at_one_name_from_many_addresses(client: Client, owner: User, settings: Settings) -> None:
    settings.SIGN_IN_ATTEMPTS_PER_HOUR = 3
    for number in range(3):
        sign_in(client, ["owner", "Owner", "OWNER"][number], "wrong", REMOTE_ADDR=f"192.0.2.{number}")

    assert sign_in(client, "owner", PASSWORD, REMOTE_ADDR="192.0.2.99").status_code == 429


def test_it_limits_guesses_at_many_names_from_one_address_even_between_successes(
    client: Client, owner: User, stranger: User, settings: Settings
) -> None:
    settings.SIGN_IN_ATTEMPTS_PER_HOUR = 3
    for name in ("a", "b", "c"):
        sign_in(client, name, "wrong")
        last = sign_in(Client(), "stranger", PASSWORD)

    assert last.status_code == 429
    assert sign_in(client, "owner", PASSWORD, REMOTE_ADDR="192.0.2.1").status_code == 302


def test_it_counts_no_attempt_that_was_right(client: Client, owner: User, settings: Settings) -> None:
    settings.SIGN_IN_ATTEMPTS_PER_HOUR = 2

    for _ in range(5):
        assert sign_in(Client(), "owner", PASSWORD).status_code == 302


def test_it_believes_a_forwarded_address_only_from_the_operators_proxies(
    client: Client, owner: User, settings: Settings
) -> None:
    settings.SIGN_IN_ATTEMPTS_PER_HOUR = 2
    for number in range(3):
        forged = sign_in(client, f"name{number}", "wrong", HTTP_X_FORWARDED_FOR=f"192.0.2.{number}")
    assert forged.status_code == 429

    settings.PROXY_COUNT = 1
    for number in range(3):
        behind_proxy = sign_in(client, f"person{number}", "wrong", HTTP_X_FORWARDED_FOR=f"6.6.6.6, 192.0.2.{number}")
    assert behind_proxy.status_code == 200


def test_an_ipv6_network_counts_as_one_address(client: Client, owner: User, settings: Settings) -> None:
    settings.SIGN_IN_ATTEMPTS_PER_HOUR = 2
    for number in range(2):
        sign_in(client, f"name{number}", "wrong", REMOTE_ADDR=f"2001:db8::{number}")

    assert sign_in(client, "owner", PASSWORD, REMOTE_ADDR="2001:db8::9").status_code == 429
    assert sign_in(client, "owner", PASSWORD, REMOTE_ADDR="2001:db8:0:1::9").status_code == 302


def test_the_attempts_come_back_after_an_hour(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.SIGN_IN_ATTEMPTS_PER_HOUR = 1
    attempts.take(Act.SIGN_IN, "somebody")
    with pytest.raises(TooManyAttemptsError):
        attempts.take(Act.SIGN_IN, "somebody")

    later = attempts.time.time() + attempts.WINDOW_S + 1
    monkeypatch.setattr(attempts.time, "time", lambda: later)

    attempts.take(Act.SIGN_IN, "somebody")


def test_the_admins_own_sign_in_page_has_the_same_limit(client: Client, moderator: User, settings: Settings) -> None:
    settings.SIGN_IN_ATTEMPTS_PER_HOUR = 2
    for _ in range(2):
        client.post("/admin/login/", {"username": "moderator", "password": "wrong"})

    response = client.post("/admin/login/", {"username": "moderator", "password": PASSWORD})

    assert "Too many attempts" in response.content.decode()
    assert not is_signed_in(client)


def test_it_tells_of_the_administrators_link_until_somebody_has_followed_it(client: Client, db: None) -> None:
    assert "administrator link" in client.get("/accounts/sign-in/").content.decode()
    User.objects.create_superuser("root", password=PASSWORD)
    assert "administrator link" not in client.get("/accounts/sign-in/").content.decode()
