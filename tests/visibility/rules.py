"""Who may open and who may find a video, and what an address answers to whom: the words of the tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

ROLES = ("anonymous", "other", "owner", "moderator")
STATES = [
    (visibility, moderation)
    for visibility in ("public", "unlisted", "private")
    for moderation in ("pending", "published", "rejected")
]
State = tuple[str, str]
# Beside the owner and moderators, who may open everything, anybody may open these:
OPEN_TO_ALL: frozenset[State] = frozenset({("public", "published"), ("unlisted", "published")})
# Beside the owner, who finds everything of theirs, anybody may find this (moderators find no more than others):
FOUND_BY_ALL: frozenset[State] = frozenset({("public", "published")})


def may_open(role: str, state: State) -> bool:
    return role in ("owner", "moderator") or state in OPEN_TO_ALL


def may_find(role: str, state: State) -> bool:
    return role == "owner" or state in FOUND_BY_ALL


SIGN_IN = "sign-in"  # a redirect to the page where one signs in
Answer = int | str


@dataclass(frozen=True)
class Answers:
    """By role. `hidden`: to those who may not open the video; owner and moderators always may."""

    anonymous: Answer
    other: Answer
    owner: Answer
    moderator: Answer
    anonymous_hidden: Answer
    other_hidden: Answer

    def to(self, role: str, state: State) -> Answer:
        answer: Answer = getattr(self, role if may_open(role, state) else f"{role}_hidden")
        return answer


def shown(code: int = 200) -> Answers:
    """To everybody who may open the video; to others it does not exist."""
    return Answers(code, code, code, code, anonymous_hidden=404, other_hidden=404)


def page_of_owner(code: int = 200) -> Answers:
    """A page for owner and moderators: others are asked to sign in, or told that there is no such video."""
    return Answers(SIGN_IN, 404, code, code, anonymous_hidden=SIGN_IN, other_hidden=404)


def page_of_viewers(code: int) -> Answers:
    """For everybody who may open the video and is signed in."""
    return Answers(SIGN_IN, code, code, code, anonymous_hidden=SIGN_IN, other_hidden=404)


def page_of_moderators(code: int, other: Answer = SIGN_IN) -> Answers:
    """Nobody else learns anything, the owner neither."""
    return Answers(SIGN_IN, other, other, code, anonymous_hidden=SIGN_IN, other_hidden=other)


def api_of_owner(code: int) -> Answers:
    """A change by owner or moderators: 403 for who may see the video, 404 for who may not."""
    return Answers(401, 403, code, code, anonymous_hidden=401, other_hidden=404)


def api_of_viewers(code: int) -> Answers:
    return Answers(401, code, code, code, anonymous_hidden=401, other_hidden=404)


def api_of_moderators(code: int) -> Answers:
    return Answers(401, 403, 403, code, anonymous_hidden=401, other_hidden=403)


ORIGINAL_FILE = Answers(404, 404, 200, 200, anonymous_hidden=404, other_hidden=404)
NEVER = Answers(404, 404, 404, 404, anonymous_hidden=404, other_hidden=404)
ELSEWHERE = Answers(302, 302, 302, 302, anonymous_hidden=302, other_hidden=302)  # whether there is a video or not


@dataclass(frozen=True)
class Address:
    """A request for one video. `form` is sent as a form, `body` as JSON, `raw` as WebVTT."""

    name: str
    answers: Answers
    method: str = "get"
    arguments: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    form: dict[str, Any] | None = None
    body: dict[str, Any] | None = None
    raw: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return " ".join([self.method, self.name, *self.arguments.values(), *self.query, *self.headers])


@dataclass(frozen=True)
class Place:
    """An address that shows several videos. `rule`: who finds which there."""

    name: str
    query: dict[str, str] = field(default_factory=dict)
    arguments: dict[str, str] = field(default_factory=dict)
    rule: Callable[[str, State], bool] = may_find
    # Who may open the place at all; the others get what is said here.
    refused: dict[str, Answer] = field(default_factory=dict)
    # Suggestions show titles instead of links.
    shows_titles: bool = False

    def __str__(self) -> str:
        return " ".join([self.name, *self.arguments.values(), *(f"{key}={value}" for key, value in self.query.items())])


def own_alone(role: str, _: State) -> bool:
    return role == "owner"


def found_by_all(_: str, state: State) -> bool:
    return state in FOUND_BY_ALL


def moderators(role: str, _: State) -> bool:
    return role == "moderator"


def nobody(_: str, __: State) -> bool:
    return False  # figures alone


def waiting(role: str, state: State) -> bool:
    return role == "moderator" and state[1] == "pending"
