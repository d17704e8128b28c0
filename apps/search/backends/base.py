"""The search seam: what an index is told, what it is asked, what it answers. Knows neither Django nor any engine.

Every implementation inherits `tests.search.contract.SearchBackendContract`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from typing import Protocol
from uuid import UUID

MAX_MOMENTS_PER_HIT = 5


class SearchUnavailableError(Exception):
    """The index cannot be asked or told anything now. The message tells an operator what to do."""


class RebuildRunningError(Exception):
    """Another process rebuilds the index already."""


@dataclass(frozen=True)
class CueOffset:
    """Where a cue begins in the text of its moment, and when it is said."""

    offset: int  # in characters
    start_ms: int
    end_ms: int


@dataclass(frozen=True)
class Moment:
    """A passage of consecutive cues. Passages overlap: see `apps.search.passages`."""

    text: str
    language: str
    cues: tuple[CueOffset, ...]  # at least one, in order of time

    @property
    def start_ms(self) -> int:
        return self.cues[0].start_ms

    @property
    def end_ms(self) -> int:
        return max(cue.end_ms for cue in self.cues)


@dataclass(frozen=True)
class DocumentVectors:
    """What is said and written in a video as points of a model's space: float16, little-endian, of unit length."""

    space: str  # vectors of another space cannot be compared with these
    about: bytes  # of title and description; empty: none
    moments: tuple[bytes, ...]  # one for each of the document's moments; empty: none yet, or in another language


@dataclass(frozen=True)
class SearchDocument:
    """What the index holds of one video."""

    video_id: UUID
    owner_id: UUID
    # Everybody may find it; otherwise its owner alone: the rule of `VideoQuerySet.listed_for`.
    is_listed: bool
    title: str
    description: str
    tags: tuple[str, ...]
    topic_label: str  # empty: unknown
    topic_name: str
    languages: tuple[str, ...]  # spoken or captioned, ISO 639-1
    duration_ms: int
    created_at: datetime  # aware
    has_captions: bool
    transcript: str  # everything that is said, once, all languages one after another
    moments: tuple[Moment, ...]
    # Of two documents of a video the one with the greater version is the later: see `apps.search.outbox`.
    version: int
    vectors: DocumentVectors | None = None


class Sort(StrEnum):
    RELEVANCE = "relevance"
    NEWEST = "newest"
    OLDEST = "oldest"
    LONGEST = "longest"
    SHORTEST = "shortest"


@dataclass(frozen=True)
class SearchQuery:
    """What somebody wants to find. Without `text` everything that passes the filters is found.

    Words must all be found, in any field of the video together; `"words in quotes"` one after another; the last word
    may be the beginning of a longer one.
    """

    text: str = ""
    topic: str = ""  # a label
    language: str = ""
    min_duration_ms: int | None = None
    max_duration_ms: int | None = None
    from_date: date | None = None  # inclusive, as the whole day in `time_zone`
    to_date: date | None = None
    has_captions: bool | None = None
    sort: Sort = Sort.RELEVANCE
    page: int = 1
    page_size: int = 20
    time_zone: tzinfo = field(default=UTC)

    @property
    def offset(self) -> int:
        return (self.page - 1) * self.page_size

    @property
    def created_from(self) -> datetime | None:
        return None if self.from_date is None else datetime.combine(self.from_date, time.min, self.time_zone)

    @property
    def created_before(self) -> datetime | None:
        if self.to_date is None or self.to_date == date.max:
            return None
        return datetime.combine(self.to_date + timedelta(days=1), time.min, self.time_zone)


@dataclass(frozen=True)
class Viewer:
    """Who asks. `hidden` are videos that the index may still take for findable, and that this viewer may not find."""

    user_id: UUID | None = None  # None: anonymous
    hidden: frozenset[UUID] = frozenset()


@dataclass(frozen=True)
class Meaning:
    """What a query, or a video, means: a point in a model's space."""

    space: str
    vector: bytes  # float32, little-endian, of unit length
    cutoff: float  # what has a cosine below this has nothing to do with it


@dataclass(frozen=True)
class MomentHit:
    """A passage that matches. `start_ms` is that of the cue in which the match begins, or the passage."""

    start_ms: int
    end_ms: int
    language: str
    html: str  # escaped, with <mark> around what matched; without any where it matches by its meaning
    by_meaning: bool = False  # it has none of the words


@dataclass(frozen=True)
class Hit:
    """A video that matches. The `_html` texts are escaped, and hold no element but <mark>."""

    video_id: UUID
    score: float  # greater is better; comparable within one answer only
    title_html: str
    snippet_html: str  # of the description; empty where it is
    moments: tuple[MomentHit, ...]  # the best first, at most `MAX_MOMENTS_PER_HIT`
    topic_label: str
    languages: tuple[str, ...]
    by_meaning: bool = False  # it has not the words


@dataclass(frozen=True)
class NearVideo:
    """A video in which something means what was asked for."""

    video_id: UUID
    similarity: float  # of its best passage: the cosine


@dataclass(frozen=True)
class FacetValue:
    value: str
    label: str
    count: int  # of the videos found, had this facet no filter


@dataclass(frozen=True)
class SearchResults:
    """One page of the videos found, and how many there are on all pages.

    `is_relaxed`: no video has all the words, so that these have some of them, or the words of `did_you_mean`.
    """

    total: int = 0
    hits: tuple[Hit, ...] = ()
    topics: tuple[FacetValue, ...] = ()
    languages: tuple[FacetValue, ...] = ()
    is_relaxed: bool = False
    # The query's text with the nearest words that the viewer may find for those that are nowhere. Plain text; empty
    # where every word is somewhere, or nothing is near.
    did_you_mean: str = ""
    by_meaning: int = 0  # of `total`: videos without the words, which something in them means


@dataclass(frozen=True)
class Suggestion:
    """A way to go on with what was typed. `video_id` says whose title it is; None: words that many may share."""

    text: str
    video_id: UUID | None = None


@dataclass(frozen=True)
class IndexedVideo:
    """A video in the index. Of two documents with the same contents the fingerprints are the same."""

    video_id: UUID
    fingerprint: str


class SearchBackend(Protocol):
    """An index of videos and of the moments in them. Safe to use from threads, and after a fork.

    Every method raises `SearchUnavailableError` where the index cannot be reached.
    """

    def index(self, documents: Sequence[SearchDocument]) -> dict[UUID, str]:
        """Writes documents, each in place of the video's former one unless that is newer.

        Returns what went wrong by video, and nothing of the others. What is not returned is durable, and found.
        """

    def delete(self, video_ids: Iterable[UUID], *, version: int) -> None:
        """Removes documents unless they are newer than `version`; an older one that comes later stays out."""

    def search(self, query: SearchQuery, viewer: Viewer, meaning: Meaning | None = None) -> SearchResults:
        """Never fails for what is in the query. Hits, totals and facets hold only what `viewer` may find.

        With the query's `meaning`, videos that have not its words but mean it are found, too, `fusion.MOST` at most,
        and both are ranked together. Only where the order is that of relevance, and no term is in quotes.
        """

    def nearest(
        self, meaning: Meaning, viewer: Viewer, *, limit: int, without: frozenset[UUID] = frozenset()
    ) -> list[NearVideo]:
        """The videos that `viewer` may find in which something means that, the nearest first, but for `without`."""

    def suggest(self, prefix: str, *, limit: int, hidden: frozenset[UUID] = frozenset()) -> list[Suggestion]:
        """Titles and words of listed videos alone, whoever asks."""

    def rebuild(
        self,
        documents: Iterable[SearchDocument],
        *,
        version: int,
        progress: Callable[[int], None] | None = None,
    ) -> int:
        """Makes the index anew of `documents`, all of `version`, and returns their number.

        `progress` is told how many are written. The former index answers until the new one is whole; what is newer
        than `version` in it goes into the new one.
        Raises `RebuildRunningError`.
        """

    def count(self) -> int:
        """How many videos it holds."""

    def is_incomplete(self) -> bool:
        """It was lost or damaged and began anew, and nobody has vouched for it since."""

    def mark_complete(self) -> None:
        """Vouches that all it lacks is in the outbox."""

    def scan(self, after: UUID | None, limit: int) -> Sequence[IndexedVideo]:
        """The first `limit` videos it holds after `after`, in the order of their ids."""

    def fingerprint(self, document: SearchDocument) -> str:
        """What `scan` says of a video whose document is this one, whatever its version."""
