"""From terms to FTS5's query language. Every text goes in as a quoted string, so that none of it is an operator."""

from __future__ import annotations

from collections.abc import Sequence

from apps.search.backends.terms import Term

# Fields, as FTS5 writes sets of columns.
TITLE = "{title}"
SHOWN = "{title description}"  # with marks
WRITTEN = "{title tags topic_name description}"

NEAR_TOKENS = 10  # words of a query that stand so close to each other count once more


def all_of(terms: Sequence[Term]) -> str:
    """Every term, in any column; better where they stand close together. Of no term: matches nothing."""
    required = _every(terms)
    if len(terms) < 2:
        return required
    near = " ".join(_quoted(term.text) + ("*" if term.is_prefix else "") for term in terms)
    # Whatever matches the second matches the first: it adds to the rank alone.
    return f"({required}) OR NEAR({near}, {NEAR_TOKENS})"


def together(terms: Sequence[Term]) -> str:
    """Every term, where it matters not how close: FTS5 then need not look where in a text they are."""
    return _every(terms)


def some_of(terms: Sequence[Term]) -> str:
    """What may be found where `all_of` finds nothing: the phrases, which people mean, and any of the bare words.

    Empty where that would be the same.
    """
    phrases = [term for term in terms if term.is_phrase]
    words = [term for term in terms if not term.is_phrase]
    if len(words) + bool(phrases) < 2:
        return ""
    if len(words) == 1:
        return _every(phrases)
    any_word = "(" + any_of(words) + ")"
    return " AND ".join([_every(phrases), any_word]) if phrases else any_word


def any_of(terms: Sequence[Term]) -> str:
    return " OR ".join(_one(term) for term in terms) or '""'


def in_fields(fields: str, expression: str) -> str:
    """`expression` in `TITLE`, `SHOWN` or `WRITTEN` alone."""
    return f"{fields} : ({expression})"


def _every(terms: Sequence[Term]) -> str:
    return " AND ".join(_one(term) for term in terms) or '""'


def _one(term: Term) -> str:
    text = _quoted(term.text)
    if term.completions:
        return f"({' OR '.join([text, *map(_quoted, term.completions)])})"
    # The whole word counts once more than a longer one that begins so: "art" before "article".
    return f"({text} OR {text}*)" if term.is_prefix else text


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
