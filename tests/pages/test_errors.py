from unittest.mock import Mock

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.http import HttpRequest
from django.test import Client, RequestFactory

from apps.accounts.models import User
from apps.api.views import finding
from apps.pages import errors
from apps.pages.context import site


@pytest.mark.django_db
def test_an_address_that_leads_nowhere_is_told_with_a_way_on(client: Client) -> None:
    response = client.get("/nowhere/")
    assert response.status_code == 404
    html = response.content.decode()
    assert "nothing at this address" in html
    assert 'href="/search/"' in html


@pytest.mark.django_db
def test_a_form_without_its_token_is_told_what_to_do(owner: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner)
    response = client.post("/notices/read/")
    assert response.status_code == 403
    assert "The form was too old" in response.content.decode()


def request_of(rf: RequestFactory) -> HttpRequest:
    request = rf.get("/")
    request.user = AnonymousUser()
    return request


def test_the_page_for_our_own_faults_needs_no_database(rf: RequestFactory) -> None:
    # Without the mark django_db, any query fails this test.
    response = errors.server_error(rf.get("/"))
    assert response.status_code == 500
    assert "Something broke on our side" in response.content.decode()


@pytest.mark.django_db
def test_the_api_answers_a_fault_of_ours_as_it_answers_all(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "topics_seen_by", Mock(side_effect=ZeroDivisionError("secret detail")))
    client.raise_request_exception = False
    response = client.get("/api/v1/topics/")
    assert response.status_code == 500
    assert response.json()["code"] == "error"
    assert "secret detail" not in response.content.decode()


@pytest.mark.django_db
def test_an_address_beside_the_api_is_told_in_json(client: Client) -> None:
    response = client.get("/api/nowhere/")
    assert response.status_code == 404
    assert response.json()["code"] == "not_found"


def test_browsers_find_the_icon_by_themselves(client: Client) -> None:
    assert client.get("/favicon.ico")["Location"] == "/static/dist/favicon.svg"


def test_refusals_say_why(rf: RequestFactory) -> None:
    response = errors.permission_denied(request_of(rf), PermissionDenied("Only moderators decide."))
    assert response.status_code == 403
    assert "Only moderators decide." in response.content.decode()
    assert errors.bad_request(request_of(rf)).status_code == 400


@pytest.mark.django_db
def test_what_every_page_knows_costs_the_anonymous_no_query(rf: RequestFactory) -> None:
    connection.force_debug_cursor = True
    before = len(connection.queries)
    context = site(request_of(rf))
    assert not context["unread_notices"]
    assert len(connection.queries) == before
    connection.force_debug_cursor = False
