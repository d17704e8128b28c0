"""A look at the search index when the portal starts, or a command of it runs."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Warning

from apps.search.backends.base import SearchUnavailableError
from apps.search.factory import elasticsearch


def search_index_is_of_this_version(**_: Any) -> list[CheckMessage]:
    """A warning and no error: the portal works on without its index, and the cure is one of its own commands."""
    if settings.SEARCH_BACKEND != "elasticsearch":
        return []  # the embedded index is made anew by itself
    try:
        elasticsearch().demand_current_schema()
    except SearchUnavailableError as error:
        return [Warning(str(error), id="search.W001")]
    return []
