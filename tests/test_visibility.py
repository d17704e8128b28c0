"""Who may open and who may find what: one table over every address of the portal.

Role (anonymous, another user, the owner, a moderator) × state of the video (public, unlisted, private × pending,
published, rejected) → what each address answers. An address that is in no table fails the last test here. The rules are
in `tests.visibility.rules`, the portal that the tables are held against in `tests.visibility.portal`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.urls.converters import UUIDConverter
from pytest_django import Settings

from apps.accounts.models import User
from apps.classification.following import follow_topic
from apps.classification.models import Topic
from apps.search import outbox
from apps.search.models import OutboxEntry
from apps.videos.models import Video
from tests.visibility.portal import OBJECT_ID_ADDRESSES, SAID, TAG, WORD, Portal, answer_of, ask, make_in
from tests.visibility.rules import (
    ELSEWHERE,
    NEVER,
    ORIGINAL_FILE,
    ROLES,
    SIGN_IN,
    STATES,
    Address,
    Answer,
    Place,
    api_of_moderators,
    api_of_owner,
    api_of_viewers,
    found_by_all,
    may_find,
    may_open,
    moderators,
    nobody,
    own_alone,
    page_of_moderators,
    page_of_owner,
    page_of_viewers,
    shown,
    waiting,
)

HTMX = {"HX-Request": "true"}
WEBVTT = b"WEBVTT\n\n00:01.000 --> 00:02.000\nHello.\n"
DETAILS = {"title": "New", "description": "", "tags": "", "language": "en", "visibility": "public", "revision": "1"}


def files(*names: str) -> list[Address]:
    """On the pages and, for callers with a token, in the API."""
    return [
        Address(address, shown(), arguments={"name": name}) for address in ("videos:file", "api:file") for name in names
    ]


def captions(*forms: str) -> list[Address]:
    """On the pages and, for callers with a token, in the API."""
    return [
        Address(address, shown(), arguments={"language": "en", "form": form})
        for address in ("transcription:captions", "api:captions-file")
        for form in forms
    ]


VIDEO_ADDRESSES: list[Address] = [
    # pages
    Address("pages:watch", shown()),
    Address("pages:watch", shown(), query={"t": "5s", "lang": "en"}),
    Address("pages:watch", shown(), query={"q": "okapi", "match": "1"}),
    Address("pages:status", shown(), headers=HTMX),
    Address("pages:status", ELSEWHERE),
    Address("pages:run-again", page_of_owner(302), "post", form={"stage": "transcribe"}),
    Address("pages:position", page_of_viewers(204), "post", form={"position_ms": "30000"}),
    Address("pages:report", shown()),
    Address("pages:report", shown(302), "post", form={"reason": "other"}),
    Address("pages:moderate", page_of_moderators(302, other=403), "post", form={"act": "approve"}),
    Address("pages:edit", page_of_owner()),
    Address("pages:edit", page_of_owner(302), "post", form=DETAILS),
    Address("pages:delete", page_of_owner()),
    Address("pages:delete", page_of_owner(302), "post", form={}),
    Address("pages:sync", page_of_owner()),
    Address("pages:sync-repair", page_of_owner()),
    Address("pages:sync-repair", page_of_owner(302), "post", form={"offset_ms": "200"}),
    Address("pages:sync-undo", page_of_owner(302)),  # nothing was moved
    Address("pages:sync-undo", page_of_owner(302), "post", form={}),
    Address("pages:captions", page_of_owner()),
    Address("pages:captions", page_of_owner(302), "post", form={"language": "de", "file": WEBVTT}),
    Address("pages:captions-delete", page_of_owner(302), "post", form={"language": "en"}),
    # files
    *files("web.mp4", "poster.jpg", "preview.mp4", "storyboard.vtt", "storyboard-0.jpg"),
    Address("videos:file", shown(), arguments={"name": "web.mp4"}, query={"download": "1"}),
    Address("videos:file", shown(), "head", arguments={"name": "web.mp4"}),
    Address("videos:file", shown(206), arguments={"name": "web.mp4"}, headers={"Range": "bytes=0-1"}),
    Address("videos:file", ORIGINAL_FILE, arguments={"name": "original.mp4"}),
    Address("videos:file", NEVER, arguments={"name": "notes.txt"}),
    Address("videos:file", NEVER, arguments={"name": "partial-web.mp4"}),
    # captions
    *captions("vtt", "srt", "txt", "json"),
    Address("transcription:captions", shown(), arguments={"language": "en", "form": "json"}, query={"after": "0"}),
    Address("transcription:captions", shown(), arguments={"language": "en", "form": "vtt"}, query={"download": "1"}),
    Address("transcription:captions", NEVER, arguments={"language": "de", "form": "vtt"}),
    # API
    Address("api:video", shown()),
    Address("api:video", api_of_owner(200), "patch", body={"revision": 1, "title": "New"}),
    Address("api:video", api_of_owner(409), "patch", body={"revision": 9, "title": "New"}),
    Address("api:video", api_of_owner(204), "delete"),
    Address("api:similar", shown()),
    Address("api:captions", shown()),
    Address("api:captions", api_of_owner(201), "post", form={"language": "de", "file": WEBVTT}),
    Address("api:captions-language", shown(), arguments={"language": "en"}),
    Address("api:captions-matches", shown(), arguments={"language": "en"}, query={"q": "okapi"}),
    Address("api:captions-matches", NEVER, arguments={"language": "de"}, query={"q": "okapi"}),
    Address("api:captions-language", api_of_owner(200), "put", arguments={"language": "de"}, raw=WEBVTT),
    Address("api:captions-language", api_of_owner(404), "delete", arguments={"language": "en"}),  # automatic: stays
    Address("api:captions-file", NEVER, arguments={"language": "de", "form": "vtt"}),
    Address("api:file", shown(206), arguments={"name": "web.mp4"}, headers={"Range": "bytes=0-1", "Accept": "video/*"}),
    Address("api:file", ORIGINAL_FILE, arguments={"name": "original.mp4"}),
    Address("api:file", NEVER, arguments={"name": "notes.txt"}),
    Address("api:stages", shown()),
    Address("api:run-again", api_of_owner(202), "post", arguments={"stage": "transcribe"}),
    Address("api:sync-repair", api_of_owner(202), "post", body={"offset_ms": 200}),
    Address("api:sync-undo", api_of_owner(409), "post", body={}),  # nothing was moved
    Address("api:video-reports", api_of_viewers(201), "post", body={"reason": "other"}),
    Address("api:video-topic", api_of_moderators(200), "put", body={"topic": None}),
    Address("api:approve", api_of_moderators(200), "post", body={}),
    Address("api:reject", api_of_moderators(200), "post", body={"reason": "It is advertising."}),
    # admin
    Address("admin:videos_video_change", page_of_moderators(200)),
    Address("admin:videos_video_delete", page_of_moderators(200)),
    Address("admin:videos_video_approve", page_of_moderators(302), "post", form={}),
    Address("admin:videos_video_reject", page_of_moderators(302), "post", form={"reason": "It is advertising."}),
    Address("admin:videos_video_run_again", page_of_moderators(302), "post", form={"stage": "transcribe"}),
    Address("admin:videos_video_topic", page_of_moderators(302), "post", form={"topic": ""}),
    Address("admin:videos_video_example", page_of_moderators(403), "post", form={"topic": "sport"}),
    Address("admin:videos_video_resolve", page_of_moderators(302), "post", form={}),
]

# --- where videos are found ---


MEMBERS_ONLY_PAGE: dict[str, Answer] = {"anonymous": SIGN_IN}
MODERATORS_ONLY_API: dict[str, Answer] = {"anonymous": 401, "other": 403, "owner": 403}
MODERATORS_ONLY_PAGE: dict[str, Answer] = dict.fromkeys(("anonymous", "other", "owner"), SIGN_IN)
ALL = {"page_size": "100"}

PLACES: list[Place] = [
    # pages
    Place("pages:home"),
    Place("pages:topic", arguments={"label": "sport"}),
    Place("pages:following", refused=MEMBERS_ONLY_PAGE),
    Place("pages:search", {"q": WORD}),
    Place("pages:search", {"q": SAID}),
    Place("pages:search", {"q": ""}),
    Place("pages:search", {"q": "", "topic": "sport"}),
    Place("pages:search-feed", {"q": WORD}, rule=found_by_all),
    Place("pages:search-feed", {"q": SAID}, rule=found_by_all),
    Place("pages:search-feed", rule=found_by_all),
    Place("pages:topic-feed", arguments={"label": "sport"}, rule=found_by_all),
    Place("pages:suggest", {"q": WORD[:4]}, rule=found_by_all, shows_titles=True),
    Place("pages:my-videos", rule=own_alone, refused=MEMBERS_ONLY_PAGE),
    Place("pages:notices", rule=own_alone, refused=MEMBERS_ONLY_PAGE),
    # API
    Place("api:videos", ALL),
    Place("api:videos", {**ALL, "topic": "sport"}),
    Place("api:videos", {**ALL, "tag": TAG}),
    Place("api:videos", {**ALL, "owner": "owner"}),
    Place("api:videos", {**ALL, "owner": "me"}, rule=own_alone, refused={"anonymous": 401}),
    Place("api:search", {**ALL, "q": WORD}),
    Place("api:search", {**ALL, "q": SAID}),
    Place("api:search", {**ALL, "topic": "sport"}),
    Place("api:suggestions", {"q": WORD[:4]}, rule=found_by_all, shows_titles=True),
    Place("api:moderation-queue", ALL, rule=waiting, refused=MODERATORS_ONLY_API),
    Place("api:reports", ALL, rule=moderators, refused=MODERATORS_ONLY_API),
    Place("api:topic-queue", ALL, rule=moderators, refused=MODERATORS_ONLY_API),
    # admin
    Place("admin:videos_video_changelist", {"queue": "all"}, rule=moderators, refused=MODERATORS_ONLY_PAGE),
    Place("admin:videos_video_topics", rule=moderators, refused=MODERATORS_ONLY_PAGE),
    Place("admin:videos_video_topic_summary", rule=nobody, refused=MODERATORS_ONLY_PAGE),
]

# Addresses that show no video and change none; each with the reason why it is in no table.
SAY_NOTHING_OF_VIDEOS = {
    "pages:upload": "a form for a new one",
    "pages:follow": "the caller's own wish, and a redirect",
    "pages:unfollow": "the caller's own wish, and a redirect",
    "pages:favicon": "the same for all",
    "pages:notices-read": "marks the caller's own notices read",
    "api:me": "the caller's own account",
    "api:topics": "counts alone: see the test of counts",
    "api:follow-topic": "the caller's own wish, with a count as in the list of topics",
    "api:topic-summary": "figures alone, for moderators: tests/api/test_moderation.py",
    "api:resolve": "takes a report's id, for moderators: tests/api/test_moderation.py",
    "api:schema": "the same for all",
    "api:docs": "the same for all",
    "api:redoc": "the same for all",
    "api:elsewhere": "always 404",
}
# The user's own account, and Django's admin, which is for moderators as a whole: tests/accounts, tests/pages.
OTHER_NAMESPACES = ("accounts:", "admin:")
UUIDS_OF_NO_VIDEO = {"token_id", "invitation_id", "report_id"}


@pytest.fixture
def portal(owner: User, stranger: User, moderator: User, settings: Settings, tmp_path: Path) -> Portal:
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.SEARCH_SQLITE_PATH = tmp_path / "search.sqlite3"
    cache.clear()
    videos = {state: make_in(owner, state) for state in STATES}
    clients = {role: Client() for role in ROLES}
    for role, user in (("other", stranger), ("owner", owner), ("moderator", moderator)):
        clients[role].force_login(user)
        follow_topic(user, Topic.objects.get(label="sport"))  # home leads with it
    return Portal(videos, clients)


@pytest.fixture
def indexed_portal(portal: Portal) -> Portal:
    """The same, with everything in the search index."""
    while OutboxEntry.objects.exists():
        assert outbox.drain() > 0
    return portal


# --- the tests ---


@pytest.mark.parametrize("address", VIDEO_ADDRESSES, ids=str)
def test_an_address_of_a_video_answers_each_role_by_the_table(portal: Portal, address: Address) -> None:
    wrong = []
    for state, video in portal.videos.items():
        for role, client in portal.clients.items():
            cache.clear()  # the rates of the API are another test's affair
            expected = address.answers.to(role, state)
            answer, content = ask(client, address, video)
            if answer != expected:
                wrong.append(f"{role}, {' '.join(state)}: {answer} instead of {expected}")
            if not may_open(role, state) and (video.title.encode() in content or SAID.encode() in content):
                wrong.append(f"{role}, {' '.join(state)}: tells of the video")
    assert wrong == []


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_a_place_where_videos_are_found_shows_each_role_what_the_table_says(
    indexed_portal: Portal, place: Place
) -> None:
    path = reverse(place.name, kwargs=place.arguments)
    wrong = []
    for role, client in indexed_portal.clients.items():
        response = client.get(path, place.query)
        expected: Answer = place.refused.get(role, 200)
        assert answer_of(response) == expected, role
        text = response.content.decode()
        for state, video in indexed_portal.videos.items():
            is_there = video.title in text or (not place.shows_titles and str(video.pk) in text)
            if is_there != (role not in place.refused and place.rule(role, state)):
                wrong.append(f"{role}, {' '.join(state)}: {'found' if is_there else 'not found'}")
    assert wrong == []


@pytest.mark.parametrize("role", ROLES)
def test_counts_and_totals_count_only_what_may_be_found(indexed_portal: Portal, role: str) -> None:
    expected = sum(may_find(role, state) for state in STATES)
    client = indexed_portal.clients[role]
    topics = {topic["label"]: topic["count"] for topic in client.get(reverse("api:topics")).json()}
    assert topics["sport"] == expected
    assert client.get(reverse("api:videos")).json()["count"] == expected
    found = client.get(reverse("api:search"), {"q": SAID}).json()
    assert found["count"] == expected
    assert [(value["value"], value["count"]) for value in found["facets"]["topic"]] == [("sport", expected)]
    assert [(value["value"], value["count"]) for value in found["facets"]["language"]] == [("en", expected)]


@pytest.mark.parametrize("role", ["anonymous", "other", "moderator"])
@pytest.mark.parametrize(
    "change", [{"visibility": "private"}, {"visibility": "unlisted"}, {"moderation_state": "rejected"}]
)
def test_an_index_that_lags_behind_leaks_nothing(indexed_portal: Portal, role: str, change: dict[str, str]) -> None:
    """The row changed past every signal, so that the index still says that everybody may find it."""
    listed = indexed_portal.videos["public", "published"]
    Video.objects.filter(pk=listed.pk).update(**change)
    assert not OutboxEntry.objects.exists()
    client = indexed_portal.clients[role]
    for name, query in (
        ("pages:search", {"q": WORD}),
        ("pages:search-feed", {"q": WORD}),
        ("pages:search-feed", {"q": SAID}),
        ("api:search", {"q": WORD}),
        ("api:search", {"q": SAID}),
        ("pages:suggest", {"q": WORD[:4]}),
        ("api:suggestions", {"q": WORD[:4]}),
    ):
        text = client.get(reverse(name), query).content.decode()
        assert listed.title not in text, name
        assert str(listed.pk) not in text, name
    found = client.get(reverse("api:search"), {"q": WORD}).json()
    assert (found["count"], found["results"], found["facets"]) == (0, [], {"topic": [], "language": []})


# --- no address is forgotten ---


def _addresses(
    patterns: list[URLPattern | URLResolver], namespaces: tuple[str, ...] = (), names: frozenset[str] = frozenset()
) -> Iterator[tuple[str, frozenset[str]]]:
    """Every named address of the portal with the parameters that hold a UUID or are called after a video."""
    for pattern in patterns:
        own = frozenset(
            name
            for name, converter in pattern.pattern.converters.items()
            if isinstance(converter, UUIDConverter) or "video" in name
        )
        if isinstance(pattern, URLResolver):
            inner = (*namespaces, pattern.namespace) if pattern.namespace else namespaces
            yield from _addresses(pattern.url_patterns, inner, names | own)
        elif pattern.name:
            yield ":".join([*namespaces, pattern.name]), names | own
        else:
            assert not own, f"{pattern} takes a video and has no name"


def test_every_address_that_takes_a_video_is_in_the_table() -> None:
    in_table = {address.name for address in VIDEO_ADDRESSES} - OBJECT_ID_ADDRESSES
    takes_video = {name for name, taken in _addresses(get_resolver().url_patterns) if taken - UUIDS_OF_NO_VIDEO}
    assert takes_video == in_table


def test_every_other_address_is_a_place_or_known_to_say_nothing() -> None:
    known = {place.name for place in PLACES} | set(SAY_NOTHING_OF_VIDEOS)
    others = {
        name
        for name, taken in _addresses(get_resolver().url_patterns)
        if not taken - UUIDS_OF_NO_VIDEO and not name.startswith(OTHER_NAMESPACES)
    }
    assert others == {name for name in known if not name.startswith(OTHER_NAMESPACES)}
