"""The fields of `apps.search.documents` in which words are looked for."""

from __future__ import annotations

from apps.search.documents import ANALYZER_OF, ANY

# By weight, in the term frequency of BM25.
WRITTEN = {"title": 10, "tags": 6, "topic_name": 4, "description": 3}
SPOKEN = "transcript"
EXACT_FIELDS = (*WRITTEN, SPOKEN)

_LANGUAGES = (*ANALYZER_OF, ANY)


def stemmed(field: str) -> tuple[str, ...]:
    """Its forms in which other forms of a word are found, one for each language."""
    return tuple(f"{field}_{language}" for language in _LANGUAGES)


STEMMED_FIELDS = (*stemmed("title"), *stemmed("description"), *stemmed("transcript"))

MOMENTS = "moments"
MOMENT_TEXT = "moments.text"
STEMMED_MOMENT_TEXT = stemmed(MOMENT_TEXT)
# Of `dense_vector`: there where a model is chosen.
MOMENT_VECTOR = "moments.vector"
ABOUT_VECTOR = "about_vector"
