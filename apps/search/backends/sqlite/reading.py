"""Answers: which videos match, in which order, and where in them."""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from dataclasses import replace
from uuid import UUID

from apps.search.backends import fusion, spelling
from apps.search.backends import terms as parsing
from apps.search.backends.base import Hit, Meaning, MomentHit, SearchQuery, SearchResults, Sort, Viewer
from apps.search.backends.marking import CLOSE, OPEN, Passage, best_moments, to_html
from apps.search.backends.sqlite import match, matching, ranking
from apps.search.backends.sqlite.meaning import NOTHING, Meant
from apps.search.backends.sqlite.meaning import add as add_meaning
from apps.search.backends.sqlite.nearest import Nearest
from apps.search.backends.sqlite.vocabulary import SqliteVocabulary
from apps.search.backends.sqlite.writing import moment_ids
from apps.search.backends.terms import Term, fold

_SNIPPET_TOKENS = 32

# Of one video so many matching passages are looked at, the first ones: enough to choose five from, however common
# the words. Passages are looked at for the videos of one page only, so that common words cost no more than rare ones.
PASSAGES_PER_VIDEO = 16
_COMPLETIONS = 30  # of a beginning, the words that are said most


def search(
    connection: sqlite3.Connection, query: SearchQuery, viewer: Viewer, meaning: Meaning | None, nearest: Nearest
) -> SearchResults:
    """One page. Costs a walk through the rows that match, and some statements per hit on the page."""
    terms = parsing.parse(query.text)
    is_meant = fusion.is_meant(query, terms, meaning)
    if query.text.strip() and not terms:
        return SearchResults()
    is_found = matching.collect(connection, match.together(terms) if terms else "", query, viewer)
    has_all, is_relaxed, did_you_mean = True, False, ""
    if terms and not is_found:
        vocabulary = SqliteVocabulary(connection, viewer)
        corrections = spelling.corrections(terms, vocabulary)
        did_you_mean = spelling.corrected_text(query.text, corrections)
        terms = spelling.corrected(terms, corrections)
        has_all = is_found = bool(corrections) and matching.collect(connection, match.together(terms), query, viewer)
        if not is_found and (some := match.some_of(whole := spelling.finished(terms, vocabulary))):
            terms = whole
            is_found = matching.collect(connection, some, query, viewer)
        is_relaxed = is_found
    if terms and query.sort == Sort.RELEVANCE:
        ranking.score(connection, terms, has_all=has_all)
    else:
        ranking.forget(connection)
    meant = NOTHING
    if is_meant and meaning is not None:
        has_all = is_found and not is_relaxed
        meant = add_meaning(connection, nearest, query, viewer, meaning, has_all=has_all)
    facets = matching.facets(connection, query.topic, query.language)
    return SearchResults(
        total=facets.total,
        hits=tuple(
            _hit(connection, *found, terms, meant, has_all=has_all) for found in ranking.page(connection, query)
        ),
        topics=facets.topics,
        languages=facets.languages,
        is_relaxed=is_relaxed,
        did_you_mean=did_you_mean,
        by_meaning=len(meant.wordless),
    )


def _hit(
    connection: sqlite3.Connection,
    document_id: int,
    score: float,
    terms: tuple[Term, ...],
    meant: Meant,
    *,
    has_all: bool,
) -> Hit:
    video_id, topic_label, languages, title, description, transcript = connection.execute(
        "SELECT video_id, topic_label, languages, title, description, transcript FROM documents WHERE id = ?",
        (document_id,),
    ).fetchone()
    terms = _completed(terms, title, description, transcript)
    marked_title, snippet = _marked(connection, document_id, terms)
    if not snippet:
        words = description.split(" ")
        snippet = " ".join(words[:_SNIPPET_TOKENS]) + ("…" if len(words) > _SNIPPET_TOKENS else "")
    return Hit(
        video_id=UUID(hex=video_id),
        score=score,
        title_html=to_html(marked_title or title),
        snippet_html=to_html(snippet),
        moments=fusion.fuse_moments(
            _moments(connection, document_id, terms), meant.moments_of(connection, document_id), has_all=has_all
        ),
        topic_label=topic_label,
        languages=tuple(languages.split()),
        by_meaning=document_id in meant.wordless,
    )


def _completed(terms: tuple[Term, ...], *texts: str) -> tuple[Term, ...]:
    """The terms with the words of one video that the last may go on to.

    FTS5 looks for a beginning in the whole index, however few rows are asked for: several milliseconds, for each hit.
    """
    if not terms or not terms[-1].is_prefix or not (typed := fold(terms[-1].text)).isalnum():
        return terms
    counts = Counter(re.findall(rf"\b{typed}\w*", fold(" ".join(texts))))
    completions = tuple(word for word, _ in counts.most_common(_COMPLETIONS))
    return (*terms[:-1], replace(terms[-1], is_prefix=bool(completions), completions=completions))


def _marked(connection: sqlite3.Connection, document_id: int, terms: tuple[Term, ...]) -> tuple[str, str]:
    """The title, and the best passage of the description, with marks. Both empty where neither has a term."""
    if not terms:
        return "", ""
    row = connection.execute(
        "SELECT highlight(documents_fts, 0, :open, :close), snippet(documents_fts, 3, :open, :close, '…', :tokens) "
        "FROM documents_fts WHERE documents_fts MATCH :expression AND rowid = :id",
        {
            "open": OPEN,
            "close": CLOSE,
            "tokens": _SNIPPET_TOKENS,
            # Not in what is said, where the words may be at a thousand places.
            "expression": match.in_fields(match.SHOWN, match.any_of(terms)),
            "id": document_id,
        },
    ).fetchone()
    return row or ("", "")


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
