"""What Elasticsearch holds of a video: its django-elasticsearch-dsl documents. What goes into them: `gathering`.

Only the shape comes from the library. Its signal processors and its commands are not installed: they write inside the
transaction, and make a save fail where the server is away. The outbox is the only writer.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from django_elasticsearch_dsl import Document, fields
from django_elasticsearch_dsl.registries import registry
from elasticsearch.dsl import InnerDoc

from apps.search.backends.base import DocumentVectors, Moment, SearchDocument
from apps.search.backends.terms import clean, fold, printable
from apps.videos.models import Video

# The analysers' names; `backends.elasticsearch.schema` says what each does.
EXACT, EXACT_QUERY = "portal_exact", "portal_exact_query"
ANALYZER_OF = {"en": "portal_en", "ro": "portal_ro"}  # by language: fields title_en, text_ro and so on
ANY = "any"  # of the fields for all languages alike, which ELASTICSEARCH_ANALYZER fills

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WORD = re.compile(r"[^\W_]{3,60}")


def _exact(**options: str) -> Any:
    # Words of two or three letters that go on, which are the slow ones, are indexed as beginnings.
    prefixes = {"min_chars": 2, "max_chars": 3}
    return fields.TextField(analyzer=EXACT, search_analyzer=EXACT_QUERY, index_prefixes=prefixes, **options)


def _stemmed(language: str, **options: str) -> Any:
    return fields.TextField(analyzer=ANALYZER_OF.get(language, f"portal_{ANY}"), **options)


def _kept() -> Any:
    """In the source alone."""
    return fields.KeywordField(index=False, doc_values=False)


class MomentDocument(InnerDoc):
    """A passage, nested in its video's document, so that both come, change and go as one."""

    language = fields.KeywordField()
    start_ms = fields.LongField()
    end_ms = fields.LongField()
    cues = _kept()  # as `marking.Passage.cues_json`
    # With the places of words in the text: those of a hundred passages a page are marked without analysing them again.
    text = _exact(index_options="offsets")
    text_en = _stemmed("en", index_options="offsets")
    text_ro = _stemmed("ro", index_options="offsets")
    text_any = _stemmed(ANY, index_options="offsets")


@registry.register_document
class VideoDocument(Document):  # type: ignore[misc]  # the library has no types
    """A video. Of a deleted one: `video_id`, `version` and `is_deleted`, so that no older document comes back."""

    video_id = fields.KeywordField()
    version = fields.LongField()
    is_deleted = fields.BooleanField()
    fingerprint = fields.KeywordField()
    owner_id = fields.KeywordField()
    is_listed = fields.BooleanField()
    has_captions = fields.BooleanField()
    duration_ms = fields.LongField()
    created_at_ms = fields.LongField()
    topic_label = fields.KeywordField()
    topic_title = fields.KeywordField()  # its name, as facets show it
    topic_name = _exact()
    languages = fields.KeywordField()
    title = _exact()
    title_en = _stemmed("en")
    title_ro = _stemmed("ro")
    title_any = _stemmed(ANY)
    tags = _exact()
    description = _exact()
    description_en = _stemmed("en")
    description_ro = _stemmed("ro")
    description_any = _stemmed(ANY)
    transcript = _exact()
    transcript_en = _stemmed("en")
    transcript_ro = _stemmed("ro")
    transcript_any = _stemmed(ANY)
    words = fields.KeywordField()  # folded: suggestions and corrections are made of those that one may find
    moments = fields.NestedField(doc_class=MomentDocument)

    class Index:
        name = "videoportal"  # never used: see `backends.elasticsearch.generations`

    class Django:
        model = Video
        ignore_signals = True
        auto_refresh = False

    def prepare_moments(self, row: _Row) -> Any:
        """As they are: the library would take most of a second for those of a long talk."""
        return row["moments"]


def mapping(n_dimensions: int = 0) -> dict[str, Any]:
    """Of the index, without `_meta`. A field that it does not name is refused. `n_dimensions`: of vectors; 0: none."""
    properties: dict[str, Any] = VideoDocument._doc_type.mapping.to_dict()["properties"]
    if n_dimensions:
        # The library has the field, but not its options. In 8 bits a component the server finds the same neighbours.
        vector = {
            "type": "dense_vector",
            "dims": n_dimensions,
            "index": True,
            "similarity": "cosine",
            "index_options": {"type": "int8_hnsw"},
        }
        properties["about_vector"] = vector
        properties["moments"]["properties"]["vector"] = vector
    return {"dynamic": "strict", "properties": properties}


def source_of(document: SearchDocument, *, has_analyzer: bool, space: str = "") -> dict[str, Any]:
    """What is sent to the server. `has_analyzer`: one for all languages. `space`: that of vectors to send."""
    video = _Row(document, has_analyzer=has_analyzer)
    _add_vectors(video, document.vectors if space else None, space)
    source = {name: value for name, value in VideoDocument().prepare(video).items() if value is not None}
    if "about_vector" in video:
        source["about_vector"] = video["about_vector"]
    contents = json.dumps({**source, "version": None}, sort_keys=True)
    return source | {"fingerprint": hashlib.sha256(contents.encode()).hexdigest()}


def components(vector: bytes, dtype: str) -> list[float]:
    """As the server takes them: in JSON, more digits would only make it longer."""
    return [round(value, 4) for value in np.frombuffer(vector, dtype=dtype).tolist()]


def tombstone_of(video_id: object, version: int) -> dict[str, Any]:
    return {"video_id": str(video_id), "version": version, "is_deleted": True}


def milliseconds(moment: datetime) -> int:
    """Since the epoch."""
    return round((moment - _EPOCH).total_seconds() * 1000)


def composed(text: str) -> str:
    """With one character for a letter and its accents: the server takes those apart no further."""
    return unicodedata.normalize("NFC", text)


def _add_vectors(video: _Row, vectors: DocumentVectors | None, space: str) -> None:
    if vectors is None or vectors.space != space:
        return
    if vectors.about:
        video["about_vector"] = components(vectors.about, "<f2")
    for moment, vector in zip(video["moments"], vectors.moments, strict=True):
        if vector:
            moment["vector"] = components(vector, "<f2")


@dataclass(frozen=True)
class _Passage:
    language: str
    start_ms: int
    end_ms: int
    cues: str
    text: str


class _Row(dict[str, Any]):
    """The values of `VideoDocument`'s fields, by name."""

    def __init__(self, document: SearchDocument, *, has_analyzer: bool) -> None:
        title, description, transcript = (
            composed(clean(text)) for text in (document.title, document.description, document.transcript)
        )
        passages = [_passage(moment) for moment in document.moments]
        super().__init__(
            video_id=str(document.video_id),
            version=document.version,
            is_deleted=False,
            owner_id=str(document.owner_id),
            is_listed=document.is_listed,
            has_captions=document.has_captions,
            duration_ms=document.duration_ms,
            created_at_ms=milliseconds(document.created_at),
            topic_label=clean(document.topic_label) or None,
            topic_title=clean(document.topic_name),
            topic_name=composed(clean(document.topic_name)),
            languages=list(document.languages),
            title=title,
            tags=[composed(clean(tag)) for tag in document.tags],
            description=description,
            transcript=transcript,
        )
        written = document.languages[0] if document.languages else ""
        self |= _in_language("title", {written: title}, has_analyzer=has_analyzer)
        self |= _in_language("description", {written: description}, has_analyzer=has_analyzer)
        self |= _in_language("transcript", _by_language(transcript, passages), has_analyzer=has_analyzer)
        texts = [title, *self["tags"], self["topic_name"], description, transcript]
        self["words"] = sorted({word for text in texts for word in _WORD.findall(fold(text))})
        self["moments"] = [
            vars(passage) | _in_language("text", {passage.language: passage.text}, has_analyzer=has_analyzer)
            for passage in passages
        ]

    def __getitem__(self, name: str) -> Any:
        return self.get(name)


def _in_language(field: str, texts: Mapping[str, str], *, has_analyzer: bool) -> dict[str, str]:
    """`texts` by language, as the fields that analyse them."""
    if has_analyzer:
        return {f"{field}_{ANY}": " ".join(texts.values())}
    return {f"{field}_{language}": text for language, text in texts.items() if language in ANALYZER_OF}


def _by_language(transcript: str, passages: list[_Passage]) -> dict[str, str]:
    languages = {passage.language for passage in passages}
    if len(languages) == 1:
        return {languages.pop(): transcript}
    # Passages overlap: some words count twice, in a field that weighs little.
    return {
        language: " ".join(passage.text for passage in passages if passage.language == language)
        for language in sorted(languages)
    }


def _passage(moment: Moment) -> _Passage:
    """With the offsets of its cues in the text as it is sent."""
    text = printable(moment.text)
    edges = [*(cue.offset for cue in moment.cues[1:]), len(text)]
    pieces, cues, length = [composed(text[: moment.cues[0].offset])], [], 0
    length = len(pieces[0])
    for cue, edge in zip(moment.cues, edges, strict=True):
        cues.append([length, cue.start_ms, cue.end_ms])
        pieces.append(composed(text[cue.offset : edge]))
        length += len(pieces[-1])
    as_json = json.dumps(cues, separators=(",", ":"))
    return _Passage(moment.language, moment.start_ms, moment.end_ms, as_json, "".join(pieces))
