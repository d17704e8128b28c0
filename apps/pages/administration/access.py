"""Who may do what in the admin.

Moderators (`is_staff`) look after videos, reports, stages and transcripts, without permissions that somebody must hand
out one by one. People, topics and invitations are for administrators (`is_superuser`), as Django's own rules have it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Model
from django.http import HttpRequest

from apps.accounts.models import User

TEACHES = "classification.add_topicexample"  # the permission that administrators have and moderators have not

M = TypeVar("M", bound=Model)


def is_moderator(request: HttpRequest) -> bool:
    return isinstance(request.user, User) and request.user.is_moderator


class RecordAdmin(admin.ModelAdmin[M]):
    """Administrators see these rows. Nobody adds, changes or deletes them here: they tell what happened."""

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def has_change_permission(self, request: HttpRequest, obj: M | None = None) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(self, request: HttpRequest, obj: M | None = None) -> bool:  # noqa: ARG002
        return False


class ModeratedAdmin(RecordAdmin[M]):
    """Every moderator sees these rows. Nobody changes or deletes them, unless a subclass says so."""

    show_facets = admin.ShowFacets.NEVER

    def has_module_permission(self, request: HttpRequest) -> bool:
        return is_moderator(request)

    def has_view_permission(self, request: HttpRequest, obj: M | None = None) -> bool:  # noqa: ARG002
        return is_moderator(request)


def deletion_summary(
    rows: Iterable[Model], kind: str, what_goes_too: str
) -> tuple[list[Any], dict[str, int], set[str], list[Any]]:
    """What Django's confirmation shows, in a few lines.

    Its own answer lists every row that hangs on these, thousands of cues among them, and asks for the permission to
    delete each kind by itself.
    """
    named = [f"{row} ({what_goes_too})" for row in rows]
    return named, {kind: len(named)}, set(), []


class DefaultedFilter(admin.SimpleListFilter):
    """A filter that shows `default` until another choice is made. A search looks through everything."""

    default: str

    def __init__(
        self, request: HttpRequest, params: dict[str, str], model: type[Model], model_admin: admin.ModelAdmin[Any]
    ) -> None:
        self._unchosen = "all" if request.GET.get("q") else self.default
        super().__init__(request, params, model, model_admin)

    def value(self) -> str:
        return super().value() or self._unchosen

    def choices(self, changelist: ChangeList) -> Any:
        """Django's own, without its "All", which would stand for the default."""
        for lookup, title in self.lookup_choices:
            yield {
                "selected": self.value() == str(lookup),
                "query_string": changelist.get_query_string({str(self.parameter_name): lookup}),
                "display": title,
            }
