"""Answers: which videos match, in which order, and where in them."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from apps.search.backends import spelling
from apps.search.backends import terms as parsing
from apps.search.backends.base import FacetValue, Hit, MomentHit, SearchQuery, SearchResults, Sort, Suggestion, Viewer
from apps.search.backends.marking import CLOSE, OPEN, Passage, best_moments, to_html
from apps.search.backends.sqlite import match
from apps.search.backends.sqlite.vocabulary import MAY_FIND, SqliteVocabulary, seen_by
from apps.search.backends.sqlite.writing import milliseconds, moment_ids
from apps.search.backends.terms import Term

# Weights of the fields, in BM25's term frequency: title, tags, topic, description, transcript. What is said weighs by
# a sum of its own: within one, a word said a hundred times would outweigh every title (BM25 saturates over the sum).
_WRITTEN = "bm25(documents_fts, 10.0, 6.0, 4.0, 3.0, 0.0)"
_SPOKEN = "bm25(documents_fts, 0.0, 0.0, 0.0, 0.0, 1.0)"
_SPOKEN_WEIGHT = 0.5
_SNIPPET_TOKENS = 32

# Of one video so many matching passages are looked at, the first ones: enough to choose five from, however common
# the words. Passages are looked at for the videos of one page only, so that common words cost no more than rare ones.
PASSAGES_PER_VIDEO = 60

# How many words that begin as typed are tried, the most frequent ones, before suggestions are given up.
_COMPLETIONS_TRIED = 24


@dataclass(frozen=True)
class _Found:
    """A video that passes the text and all filters but those of facets."""

    id: int
    video_id: str
    score: float
    topic_label: str
    topic_name: str
    spoken_and_captioned: str
    created_at_ms: int
    duration_ms: int

    @property
    def languages(self) -> tuple[str, ...]:
        return tuple(self.spoken_and_captioned.split())


def search(connection: sqlite3.Connection, query: SearchQuery, viewer: Viewer) -> SearchResults:
    """One page. Costs a scan of the matching documents' postings, and some statements per hit on the page."""
    terms = parsing.parse(query.text)
    if query.text.strip() and not terms:
        return SearchResults()
    expression = match.all_of(terms) if terms else ""
    found = _find(connection, expression, query, viewer)
    is_relaxed, did_you_mean = False, ""
    if terms and not found:
        corrections = spelling.corrections(terms, SqliteVocabulary(connection, viewer))
        did_you_mean = spelling.corrected_text(query.text, corrections)
        terms = spelling.corrected(terms, corrections)
        for expression in (match.all_of(terms) if corrections else "", match.some_of(terms)):
            found = _find(connection, expression, query, viewer) if expression else []
            if found:
                break
        is_relaxed = bool(found)
    chosen = [one for one in found if _passes(one, query.topic, query.language)]
    chosen.sort(key=lambda one: _order(one, query.sort, has_text=bool(terms)))
    page = chosen[query.offset : query.offset + query.page_size]
    return SearchResults(
        total=len(chosen),
        hits=tuple(_hit(connection, one, expression, terms) for one in page),
        topics=_topic_facet([one for one in found if _passes(one, "", query.language)]),
        languages=_language_facet([one for one in found if _passes(one, query.topic, "")]),
        is_relaxed=is_relaxed,
        did_you_mean=did_you_mean,
    )


def suggest(connection: sqlite3.Connection, prefix: str, limit: int, hidden: frozenset[UUID]) -> list[Suggestion]:
    """Titles that have the words typed, then ways to complete the last word that find something."""
    terms = parsing.parse(prefix)
    if not terms or limit < 1:
        return []
    hidden_ids = _as_json(hidden)
    titles = connection.execute(
        "SELECT d.video_id, d.title FROM documents_fts JOIN documents d ON d.id = documents_fts.rowid "
        "WHERE documents_fts MATCH ? AND d.is_listed AND d.video_id NOT IN (SELECT value FROM json_each(?)) "
        "ORDER BY bm25(documents_fts, 1.0, 0.0, 0.0, 0.0, 0.0), d.id DESC LIMIT ?",
        (f"{{title}} : ({match.all_of(terms)})", hidden_ids, limit),
    ).fetchall()
    words = _completions(connection, terms, limit, hidden_ids)
    # Both get a share, and each the room that the other leaves.
    share = max(limit - len(words), limit - limit // 2)
    suggestions = [Suggestion(title, UUID(hex=video_id)) for video_id, title in titles[:share]]
    return suggestions + [Suggestion(text) for text in words[: limit - len(suggestions)]]


def _find(connection: sqlite3.Connection, expression: str, query: SearchQuery, viewer: Viewer) -> list[_Found]:
    """Everything that matches and that the viewer may find, but for the filters by topic and language."""
    conditions = [MAY_FIND]
    values: dict[str, object] = {"expression": expression, **seen_by(viewer)}
    bounds = (
        ("d.duration_ms >= ", "min_duration", query.min_duration_ms),
        ("d.duration_ms <= ", "max_duration", query.max_duration_ms),
        ("d.created_at_ms >= ", "created_from", query.created_from and milliseconds(query.created_from)),
        ("d.created_at_ms < ", "created_before", query.created_before and milliseconds(query.created_before)),
        ("d.has_captions = ", "has_captions", query.has_captions),
    )
    for condition, name, value in bounds:
        if value is not None:
            conditions.append(f"{condition}:{name}")
            values[name] = value
    score, source = "0.0", "documents d"
    if expression:
        score = f"-({_WRITTEN} + {_SPOKEN_WEIGHT} * {_SPOKEN})"
        source = "documents_fts JOIN documents d ON d.id = documents_fts.rowid"
        conditions.insert(0, "documents_fts MATCH :expression")
    rows = connection.execute(
        f"SELECT d.id, d.video_id, {score}, d.topic_label, d.topic_name, d.languages, d.created_at_ms, d.duration_ms "  # noqa: S608 -- composed of this module's own words
        f"FROM {source} WHERE {' AND '.join(conditions)}",
        values,
    )
    return [_Found(*row) for row in rows]


def _passes(found: _Found, topic: str, language: str) -> bool:
    return (not topic or found.topic_label == topic) and (not language or language in found.languages)


def _order(found: _Found, sort: Sort, *, has_text: bool) -> tuple[float, float, int]:
    """Of equals the newest comes first, so that pages do not shift."""
    newest = -found.created_at_ms
    first: dict[Sort, float] = {
        Sort.RELEVANCE: -found.score if has_text else newest,
        Sort.NEWEST: newest,
        Sort.OLDEST: found.created_at_ms,
        Sort.LONGEST: -found.duration_ms,
        Sort.SHORTEST: found.duration_ms,
    }
    return first[sort], newest, found.id


def _hit(connection: sqlite3.Connection, found: _Found, expression: str, terms: tuple[Term, ...]) -> Hit:
    if expression:
        title, snippet = connection.execute(
            "SELECT highlight(documents_fts, 0, :open, :close), snippet(documents_fts, 3, :open, :close, '…', :tokens) "
            "FROM documents_fts WHERE documents_fts MATCH :expression AND rowid = :id",
            {"open": OPEN, "close": CLOSE, "tokens": _SNIPPET_TOKENS, "expression": expression, "id": found.id},
        ).fetchone()
    else:
        title, description = connection.execute(
            "SELECT title, description FROM documents WHERE id = ?", (found.id,)
        ).fetchone()
        words = description.split(" ")
        snippet = " ".join(words[:_SNIPPET_TOKENS]) + ("…" if len(words) > _SNIPPET_TOKENS else "")
    return Hit(
        video_id=UUID(hex=found.video_id),
        score=found.score,
        title_html=to_html(title),
        snippet_html=to_html(snippet),
        moments=_moments(connection, found.id, terms),
        topic_label=found.topic_label,
        languages=found.languages,
    )


def _moments(connection: sqlite3.Connection, document_id: int, terms: tuple[Term, ...]) -> tuple[MomentHit, ...]:
    """The passages with all the terms; where no passage has all, with any of them."""
    if not terms:
        return ()
    together = match.together(terms)
    any_of = match.any_of(terms)
    for expression in (together, any_of) if any_of != together else (together,):
        rows = connection.execute(
            "SELECT highlight(moments_fts, 0, ?, ?), m.language, m.cues "
            "FROM moments_fts JOIN moments m ON m.id = moments_fts.rowid "
            "WHERE moments_fts MATCH ? AND moments_fts.rowid BETWEEN ? AND ? LIMIT ?",
            (OPEN, CLOSE, expression, *moment_ids(document_id), PASSAGES_PER_VIDEO),
        ).fetchall()
        if rows:
            return best_moments([Passage(*row) for row in rows], terms)
    return ()


def _topic_facet(found: Sequence[_Found]) -> tuple[FacetValue, ...]:
    counts = Counter(one.topic_label for one in found if one.topic_label)
    names = {one.topic_label: one.topic_name for one in found}
    return _facet({label: (names[label], count) for label, count in counts.items()})


def _language_facet(found: Sequence[_Found]) -> tuple[FacetValue, ...]:
    counts = Counter(language for one in found for language in one.languages)
    return _facet({language: (language, count) for language, count in counts.items()})


def _facet(values: dict[str, tuple[str, int]]) -> tuple[FacetValue, ...]:
    facet = [FacetValue(value, label, count) for value, (label, count) in values.items()]
    return tuple(sorted(facet, key=lambda one: (-one.count, one.label)))


def _completions(connection: sqlite3.Connection, terms: tuple[Term, ...], limit: int, hidden_ids: str) -> list[str]:
    """What was typed with its last word completed, the most frequent word first, where a listed video has them all."""
    *others, last = terms
    typed = parsing.fold(last.text)
    if not last.is_prefix or not typed.isalnum():
        return []
    rows = connection.execute(
        "SELECT term FROM listed_vocabulary WHERE term > ? AND term < ? AND length(term) > 2 "
        "ORDER BY doc DESC, term LIMIT ?",
        (typed, typed + "\U0010ffff", _COMPLETIONS_TRIED),
    )
    completed: list[str] = []
    for (word,) in rows.fetchall():
        found = connection.execute(
            "SELECT 1 FROM documents_fts JOIN documents d ON d.id = documents_fts.rowid WHERE documents_fts MATCH ? "
            "AND d.is_listed AND d.video_id NOT IN (SELECT value FROM json_each(?)) LIMIT 1",
            (match.together([*others, Term(word)]), hidden_ids),
        ).fetchone()
        if found:
            before = [f'"{term.text}"' if term.is_phrase else term.text for term in others]
            completed.append(" ".join([*before, word]))
        if len(completed) == limit:
            break
    return completed


def _as_json(video_ids: frozenset[UUID]) -> str:
    return json.dumps([video_id.hex for video_id in video_ids])
