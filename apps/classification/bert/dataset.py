"""Articles with their topics, and the forms in which a classifier meets their text."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

OPENING_WORDS = 60  # some 25 seconds of speech


class DatasetError(Exception):
    """The file of articles cannot be used. The message names the line and says what to do."""


@dataclass(frozen=True)
class Article:
    topic: str
    title: str
    body: str


def read_articles(path: Path) -> list[Article]:
    """Reads JSON lines with the strings `topic`, `title` and `body`; other fields are ignored, empty lines skipped.

    Raises DatasetError for a missing file, a line that is no such object, and a file without two topics.
    """
    articles = []
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    articles.append(_article(line, f"{path}, line {number}"))
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path} cannot be read ({error}): name a file of JSON lines in UTF-8.") from error
    if len({article.topic for article in articles}) < 2:
        raise DatasetError(f"{path} has fewer than two topics: a classifier needs something to choose from.")
    return articles


def _article(line: str, place: str) -> Article:
    wanted = 'write {"topic": "…", "title": "…", "body": "…"} on each line.'
    try:
        fields = json.loads(line)
    except json.JSONDecodeError as error:
        raise DatasetError(f"{place} is not JSON ({error.msg}): {wanted}") from error
    if not isinstance(fields, dict):
        raise DatasetError(f"{place} is not an object: {wanted}")
    topic, title, body = (fields.get(name) for name in ("topic", "title", "body"))
    if not (isinstance(topic, str) and isinstance(title, str) and isinstance(body, str) and topic):
        raise DatasetError(f"{place} lacks a topic, a title or a body: {wanted}")
    return Article(topic, title, body)


def topics_of(articles: Sequence[Article]) -> tuple[tuple[str, ...], npt.NDArray[np.int64]]:
    """The topics in the order of the alphabet, and the number of each article's among them, `(n_articles,)`."""
    labels = tuple(sorted({article.topic for article in articles}))
    number = {label: position for position, label in enumerate(labels)}
    return labels, np.array([number[article.topic] for article in articles], dtype=np.int64)


def spoken_form(text: str) -> str:
    """`text` as a recogniser without punctuation would write it: lower case, letters, digits and apostrophes only."""
    kept = (character if character.isalnum() or character in "'’" else " " for character in text.lower())
    return " ".join("".join(kept).split())


def written_view(article: Article) -> str:
    return f"{article.title}\n{article.body}"


def title_view(article: Article) -> str:
    return article.title


def spoken_view(article: Article) -> str:
    """What a transcript has: no title, no capitals, no punctuation."""
    return spoken_form(article.body)


def opening_view(article: Article) -> str:
    return " ".join(spoken_form(article.body).split()[:OPENING_WORDS])


# The forms of an article that are measured. See also `TRAINING_VIEWS`: the forms that the head learns from.
VIEWS: dict[str, Callable[[Article], str]] = {
    "written": written_view,
    "spoken": spoken_view,
    "opening": opening_view,
    "title": title_view,
}
# Titles beside whole articles, because a video without speech has little more than a title.
TRAINING_VIEWS = ("written", "title")
