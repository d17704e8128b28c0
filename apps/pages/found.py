"""Videos that a search found, as its page shows them."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse

from apps.classification.models import Topic
from apps.pages.cards import topic_of
from apps.pages.templatetags.portal import seconds
from apps.search.backends.base import MomentHit
from apps.search.queries import FoundVideo
from apps.videos.models import Video
from apps.videos.thumbnails import Thumbnail, thumbnail_at

_MARKED = re.compile("<mark>(.*?)</mark>", re.DOTALL)
_MAX_MARKED_CHARACTERS = 100  # handed on to the search in the video


@dataclass(frozen=True)
class ShownMoment:
    """A passage that matches, what is seen there, and the address that plays it."""

    moment: MomentHit
    thumbnail: Thumbnail | None
    url: str


@dataclass(frozen=True)
class ShownHit:
    """A video that was found."""

    hit: FoundVideo
    topic: Topic | None
    moments: tuple[ShownMoment, ...]


def shown_hits(hits: Iterable[FoundVideo]) -> list[ShownHit]:
    """In the same order. Reads the storyboard of each video that has moments."""
    return [ShownHit(hit, topic_of(hit.video), shown_moments(hit)) for hit in hits]


def shown_moments(hit: FoundVideo) -> tuple[ShownMoment, ...]:
    return tuple(
        ShownMoment(moment, thumbnail_at(hit.video, moment.start_ms), moment_url(hit.video, moment))
        for moment in hit.moments
    )


def moment_url(video: Video, moment: MomentHit) -> str:
    """The watch page from that second on, with the words that matched marked in its transcript."""
    parameters = {"t": f"{seconds(moment.start_ms)}s"}
    if moment.language != video.language:
        parameters["lang"] = moment.language
    if words := marked_words(moment.html):
        parameters["q"] = words
    return f"{reverse('pages:watch', args=[video.pk])}?{urlencode(parameters)}"


def marked_words(marked_html: str) -> str:
    """What stands between the marks, each once. Not what was typed, which may be a beginning or have a typo."""
    found = {words.casefold(): words for words in map(html.unescape, _MARKED.findall(marked_html))}
    text = ""
    for words in found.values():
        longer = f"{text} {words}".strip()
        if len(longer) > _MAX_MARKED_CHARACTERS:
            break
        text = longer
    return text
