"""The filters of a search as people read them: those in use, and what would be found without each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.utils.formats import date_format

from apps.accounts.models import User
from apps.search.backends.base import FacetValue
from apps.search.queries import SearchQuery, query_string, search_videos
from apps.videos.languages import LANGUAGE_NAMES

# Field of `SearchQuery` -> its value where nothing is filtered, and how a filter is called.
_FILTERS: dict[str, tuple[Any, Callable[[Any], str]]] = {
    "topic": ("", lambda label: f"Topic: {label}"),
    "language": ("", lambda code: f"Language: {LANGUAGE_NAMES.get(code, code)}"),
    "has_captions": (None, lambda has: "With captions" if has else "Without captions"),
    "min_duration_ms": (None, lambda length_ms: f"At least {_spoken_minutes(length_ms)}"),
    "max_duration_ms": (None, lambda length_ms: f"At most {_spoken_minutes(length_ms)}"),
    "from_date": (None, lambda day: f"From {_spoken_day(day)}"),
    "to_date": (None, lambda day: f"Until {_spoken_day(day)}"),
}
_UNUSED = {name: unused for name, (unused, _) in _FILTERS.items()}


@dataclass(frozen=True)
class Filter:
    """A filter in use. `without`: the query string of the same search without it."""

    name: str
    label: str
    without: str


@dataclass(frozen=True)
class WayOut:
    """What keeps `count` videos from being found. `query`: the query string of the same search without it."""

    label: str
    query: str
    count: int


def filters_of(query: SearchQuery, topics: Iterable[FacetValue] = ()) -> list[Filter]:
    """Those in use. `topics` give labels their names."""
    names = {topic.value: topic.label for topic in topics}
    found = []
    for name, (unused, spoken) in _FILTERS.items():
        value = getattr(query, name)
        if value != unused:
            shown = names.get(value, value) if name == "topic" else value
            found.append(Filter(name, spoken(shown), query_string(query, **{name: unused})))
    return found


def without_filters(query: SearchQuery) -> str:
    """The query string of the same words in the same order."""
    return query_string(query, **_UNUSED)


def ways_out(user: User | AnonymousUser, query: SearchQuery, used: Sequence[Filter]) -> list[WayOut]:
    """Which filter to drop so that something is found, the most first; where no single one helps, all of them.

    One search for each filter, and one more.
    """

    def found_without(names: Iterable[str]) -> int:
        wider = replace(query, **{name: _UNUSED[name] for name in names}, page=1, page_size=1)
        return search_videos(user, wider).total

    ways = [WayOut(f"“{one.label}”", one.without, count) for one in used if (count := found_without([one.name]))]
    if not ways and len(used) > 1 and (count := found_without(one.name for one in used)):
        return [WayOut("any filter", without_filters(query), count)]
    return sorted(ways, key=lambda way: -way.count)


def _spoken_minutes(length_ms: int) -> str:
    minutes = f"{length_ms / 60_000:.4g}"
    return f"{minutes} minute{'' if minutes == '1' else 's'}"


def _spoken_day(day: date) -> str:
    return date_format(day, "j F Y")
