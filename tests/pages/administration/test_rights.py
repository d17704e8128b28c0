"""Who may do what in the admin."""

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.videos.models import ModerationState, Video
from tests.pages.administration.conftest import VIDEOS, acts

MODERATED = {"video", "report", "moderationentry", "stagerun", "transcript", "cue", "syncreport", "syncrepair"}
ADMINISTERED = {"user", "topic", "invitation", "outboxentry"}


def changelist(name: str) -> str:
    model = next(model for model in admin.site._registry if model._meta.model_name == name)
    return reverse(f"admin:{model._meta.app_label}_{name}_changelist")


def test_the_table_of_rights_names_every_page_of_the_admin() -> None:
    assert {model._meta.model_name for model in admin.site._registry} == MODERATED | ADMINISTERED


@pytest.mark.parametrize("name", sorted(MODERATED))
def test_staff_moderate_without_further_rights(desk: Client, administrator: User, name: str) -> None:
    assert desk.get(changelist(name)).status_code == 200
    desk.force_login(administrator)
    assert desk.get(changelist(name)).status_code == 200


@pytest.mark.parametrize("name", sorted(ADMINISTERED))
def test_staff_do_not_administer(desk: Client, administrator: User, name: str) -> None:
    assert desk.get(changelist(name)).status_code == 403
    desk.force_login(administrator)
    assert desk.get(changelist(name)).status_code == 200


@pytest.mark.parametrize("name", sorted(MODERATED | ADMINISTERED))
def test_others_see_nothing(client: Client, stranger: User, name: str) -> None:
    assert client.get(changelist(name)).status_code == 302
    client.force_login(stranger)
    assert client.get(changelist(name)).status_code == 302


def test_a_moderator_cannot_touch_people(desk: Client, owner: User, moderator: User) -> None:
    assert desk.get(f"/admin/accounts/user/{owner.pk}/change/").status_code == 403
    forged = {"username": "moderator", "is_staff": "on", "is_superuser": "on"}
    assert desk.post(f"/admin/accounts/user/{moderator.pk}/change/", forged).status_code == 403
    assert desk.post(f"/admin/accounts/user/{owner.pk}/delete/", {"post": "yes"}).status_code == 403
    moderator.refresh_from_db()
    assert not moderator.is_superuser


def test_the_buttons_are_for_moderators_alone(client: Client, stranger: User, video: Video) -> None:
    client.force_login(stranger)

    for deed in ("approve", "reject", "run-again", "topic"):
        assert client.post(f"{VIDEOS}{video.pk}/{deed}/", {"reason": "no"}).status_code == 302

    video.refresh_from_db()
    assert video.moderation_state == ModerationState.PENDING
    assert acts() == []
