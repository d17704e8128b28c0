"""From terms to the server's query language. Texts are values in it, and never parsed as a language of their own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from apps.search.backends.elasticsearch.fields import EXACT_FIELDS, SPOKEN, STEMMED_FIELDS, WRITTEN
from apps.search.backends.terms import Term
from apps.search.documents import EXACT, composed

Query = dict[str, Any]

_NOTHING: Query = {"match_none": {}}
_NEAR_WORDS = 10  # words of a query that stand so close to each other count once more
_SPOKEN_WEIGHT = 0.5  # of what is said: a sum of its own, or a word said a hundred times would outweigh every title
_STEMMED_WEIGHT = 0.2
_PREFIX_WEIGHT = 0.1
_NEAR_FIELDS = ["title^3", "description", SPOKEN]
_PREFIX_EXPANSIONS = 1_000  # of "a-b", whose last word may go on
_ONE_WORD = re.compile(r"[^\W_]+")


def all_of(terms: Sequence[Term], fields: Sequence[str] = EXACT_FIELDS) -> Query:
    """Every term, in any field. Without scores."""
    return {"bool": {"filter": [_one(term, fields) for term in terms] or [_NOTHING]}}


def some_of(terms: Sequence[Term]) -> Query | None:
    """What may be found where `all_of` finds nothing: the phrases, which people mean, and any of the bare words.

    None where that would be the same.
    """
    phrases = [term for term in terms if term.is_phrase]
    words = [term for term in terms if not term.is_phrase]
    if len(words) + bool(phrases) < 2:
        return None
    if len(words) == 1:
        return all_of(phrases)
    any_word = any_of([_one(term, EXACT_FIELDS) for term in words])
    return {"bool": {"filter": [*all_of(phrases)["bool"]["filter"], any_word]}} if phrases else any_word


def rank(terms: Sequence[Term]) -> list[Query]:
    """Clauses that score what a filter lets through, each adding to the others."""
    words = [term for term in terms if not term.is_phrase]
    together = " ".join(composed(term.text) for term in words)
    written = [f"{name}^{weight}" for name, weight in WRITTEN.items()]
    clauses: list[Query] = []
    if words:
        clauses += [
            # One sum over the written fields, with the statistics of all of them: a word in a field that few videos
            # have is no less rare.
            {"combined_fields": {"query": together, "fields": written}},
            {"match": {SPOKEN: {"query": together, "boost": _SPOKEN_WEIGHT}}},
            {
                "multi_match": {
                    "query": together, "type": "most_fields", "fields": STEMMED_FIELDS, "boost": _STEMMED_WEIGHT,
                }
            },
        ]  # fmt: skip
    if len(words) > 1:
        clauses.append(_phrase(together, _NEAR_FIELDS, slop=_NEAR_WORDS))
    weighed = [*written, f"{SPOKEN}^{_SPOKEN_WEIGHT}"]
    clauses += [_phrase(composed(term.text), weighed, analyzer=EXACT) for term in terms if term.is_phrase]
    clauses += [_prefix(term, weighed, boost=_PREFIX_WEIGHT) for term in terms if term.is_prefix]
    return clauses


def each_of(terms: Sequence[Term], fields: Sequence[str], stemmed: Sequence[str]) -> list[Query]:
    """A query per term, over the fields given."""
    return [_one(term, fields, stemmed) for term in terms]


def any_of(queries: Sequence[Query]) -> Query:
    return {"bool": {"should": list(queries) or [_NOTHING], "minimum_should_match": 1}}


def _one(term: Term, fields: Sequence[str], stemmed: Sequence[str] = STEMMED_FIELDS) -> Query:
    text = composed(term.text)
    if term.is_phrase:
        return _phrase(text, fields, analyzer=EXACT)
    ways = [_phrase(text, fields)]
    if stemmed:
        ways.append(_phrase(text, stemmed))
    if term.is_prefix:
        ways.append(_prefix(term, fields))
    return any_of(ways)


def _phrase(text: str, fields: Sequence[str], **options: object) -> Query:
    return {"multi_match": {"query": text, "type": "phrase", "fields": list(fields), **options}}


def _prefix(term: Term, fields: Sequence[str], **options: object) -> Query:
    if is_one_word(term):
        kind: dict[str, object] = {"type": "bool_prefix"}
    else:
        kind = {"type": "phrase_prefix", "max_expansions": _PREFIX_EXPANSIONS}
    return {
        "multi_match": {
            "query": composed(term.text), "fields": list(fields), "analyzer": EXACT, **kind, **options,
        }
    }  # fmt: skip


def is_one_word(term: Term) -> bool:
    return _ONE_WORD.fullmatch(term.text) is not None
