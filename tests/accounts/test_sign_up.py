"""Making an account: open, by invitation, not at all."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from apps.accounts import invitations
from apps.accounts.digests import digest_of
from apps.accounts.invitations import InvitationUsedError
from apps.accounts.models import Invitation, User
from tests.accounts.conftest import NEW_PASSWORD

SIGN_UP = "/accounts/sign-up/"


def form(username: str = "newcomer", **more: str) -> dict[str, str]:
    return {"username": username, "password1": NEW_PASSWORD, "password2": NEW_PASSWORD, **more}


def test_it_makes_an_account_and_signs_in(client: Client, db: None) -> None:
    response = client.post(SIGN_UP, form(email="newcomer@example.org", next="/accounts/tokens/"))

    newcomer = User.objects.get(username="newcomer")
    assert response["Location"] == "/accounts/tokens/"
    assert client.session["_auth_user_id"] == str(newcomer.pk)
    assert newcomer.email == "newcomer@example.org"
    assert not newcomer.is_staff
    assert not newcomer.is_superuser


def test_it_grants_no_right_that_the_form_does_not_offer(client: Client, db: None) -> None:
    client.post(SIGN_UP, form(is_staff="on", is_superuser="on", quota_bytes="0"))

    newcomer = User.objects.get(username="newcomer")
    assert (newcomer.is_staff, newcomer.is_superuser, newcomer.quota_bytes) == (False, False, None)


def test_it_leads_on_to_no_other_site(client: Client, db: None) -> None:
    response = client.post(SIGN_UP, form(next="https://evil.example/"))

    assert response["Location"] == reverse("pages:home")


@pytest.mark.parametrize(("taken", "wanted"), [("owner", "OWNER"), ("Ärztin", "ÄRZTIN"), ("Straße", "STRASSE")])
def test_it_refuses_a_name_that_differs_by_its_case_alone(client: Client, db: None, taken: str, wanted: str) -> None:
    User.objects.create_user(taken)

    response = client.post(SIGN_UP, form(wanted))

    assert response.status_code == 200
    assert "A user with that username already exists." in response.content.decode()
    assert User.objects.count() == 1


def test_the_database_refuses_such_a_name_too(owner: User) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create_user("Owner")


def test_an_error_is_tied_to_its_field(client: Client, db: None) -> None:
    page = client.post(SIGN_UP, form("not a name!")).content.decode()

    assert 'aria-describedby="id_username_helptext id_username_error"' in page
    assert 'id="id_username_error"' in page
    assert 'aria-invalid="true"' in page


def test_it_refuses_a_weak_password(client: Client, db: None) -> None:
    response = client.post(SIGN_UP, form(password1="12345", password2="12345"))

    assert "too short" in response.content.decode()
    assert not User.objects.exists()


def test_it_limits_how_many_accounts_an_address_makes(client: Client, db: None, settings: Settings) -> None:
    settings.SIGN_IN_ATTEMPTS_PER_HOUR = 2
    for number in range(2):
        assert Client().post(SIGN_UP, form(f"newcomer{number}")).status_code == 302

    response = client.post(SIGN_UP, form("newcomer3"))

    assert response.status_code == 429
    assert "Too many attempts" in response.content.decode()
    assert User.objects.count() == 2


def test_closed_means_closed_even_with_an_invitation(client: Client, moderator: User, settings: Settings) -> None:
    settings.SIGN_UP = "closed"
    _, code = invitations.invite(moderator)

    assert client.get(SIGN_UP).status_code == 403
    assert client.post(SIGN_UP, form(code=code)).status_code == 403
    assert User.objects.count() == 1


def test_by_invitation_needs_one(client: Client, db: None, settings: Settings) -> None:
    settings.SIGN_UP = "invite"

    response = client.post(SIGN_UP, form())

    assert response.status_code == 403
    assert "You need an invitation" in response.content.decode()
    assert not User.objects.exists()


def test_an_invitation_lets_one_person_in_once(client: Client, moderator: User, settings: Settings) -> None:
    settings.SIGN_UP = "invite"
    invitation, code = invitations.invite(moderator, "for Ada")

    page = client.get(SIGN_UP, {"code": code})
    assert page.status_code == 200
    assert code in page.content.decode()
    assert client.post(SIGN_UP, form("ada", code=code)).status_code == 302

    invitation.refresh_from_db()
    assert invitation.accepted_by == User.objects.get(username="ada")
    second = Client().post(SIGN_UP, form("eve", code=code))
    assert second.status_code == 403
    assert "was used, has expired" in second.content.decode()
    assert not User.objects.filter(username="eve").exists()


def test_an_invitation_stays_used_when_the_account_is_deleted(owner: User, moderator: User) -> None:
    invitation, code = invitations.invite(moderator)
    invitations.accept(invitation, owner)

    owner.delete()

    assert invitations.usable(code) is None


def test_an_expired_invitation_lets_nobody_in(client: Client, moderator: User, settings: Settings) -> None:
    settings.SIGN_UP = "invite"
    invitation, code = invitations.invite(moderator)
    Invitation.objects.filter(pk=invitation.pk).update(expires_at=timezone.now() - timedelta(seconds=1))

    assert client.post(SIGN_UP, form(code=code)).status_code == 403
    assert User.objects.count() == 1


def test_of_two_who_accept_at_once_the_second_is_refused(owner: User, stranger: User, moderator: User) -> None:
    invitation, _ = invitations.invite(moderator)
    invitations.accept(invitation, owner)

    with pytest.raises(InvitationUsedError):
        invitations.accept(invitation, stranger)


def test_moderators_invite_and_withdraw(client: Client, moderator: User) -> None:
    client.force_login(moderator)

    page = client.post("/accounts/invitations/create/", {"note": "for Ada"})

    invitation = Invitation.objects.get()
    link = page.context["link"]
    assert link in page.content.decode()
    assert digest_of(link.partition("code=")[2]) == invitation.digest
    assert link not in client.get("/accounts/invitations/").content.decode()
    assert client.post(f"/accounts/invitations/{invitation.pk}/withdraw/").status_code == 302
    assert not Invitation.objects.exists()


def test_others_do_not_invite(client: Client, stranger: User) -> None:
    client.force_login(stranger)

    assert client.get("/accounts/invitations/").status_code == 403
    assert client.post("/accounts/invitations/create/", {"note": ""}).status_code == 403
    assert not Invitation.objects.exists()
