"""Videos that a search found, as its page shows them."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.db.models import prefetch_related_objects
from django.urls import reverse
from django.utils.safestring import SafeString

from apps.classification.models import Topic
from apps.pages.cards import topic_of
from apps.pages.templatetags.portal import seconds
from apps.search.backends.base import MomentHit
from apps.search.queries import FoundVideo
from apps.transcription.matching import find_in, marked_html, marks_in
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
    """A video that was found. `tags_html` are those of its tags that match, marked."""

    hit: FoundVideo
    topic: Topic | None
    tags_html: tuple[SafeString, ...]
    moments: tuple[ShownMoment, ...]


def shown_hits(hits: Sequence[FoundVideo], text: str) -> list[ShownHit]:
    """What `text` found, in the same order. One query, and the storyboard of each video that has moments."""
    prefetch_related_objects([hit.video for hit in hits], "tags")
    return [ShownHit(hit, topic_of(hit.video), matching_tags(hit.video, text), shown_moments(hit)) for hit in hits]


def matching_tags(video: Video, text: str) -> tuple[SafeString, ...]:
    names = sorted(tag.name for tag in video.tags.all())
    found = [(name, find_in([name], text)) for name in names]
    return tuple(marked_html(name, marks_in(0, len(name), matches)) for name, matches in found if matches)


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
