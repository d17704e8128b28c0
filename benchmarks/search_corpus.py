"""Videos to search in, made of the texts of VIDEOPORTAL_DATA: sentences of the European Parliament and BBC News."""

from __future__ import annotations

import json
import lzma
import os
import random
import re
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from apps.search.backends.base import SearchDocument
from apps.search.passages import TimedText, moments_from_cues

REPOSITORY = Path(__file__).resolve().parent.parent

WORDS_PER_CUE = 9
MS_PER_WORD = 400
# Words of a video: some ten minutes of speech in the middle, an hour at most.
_MEDIAN_WORDS, _SPREAD, _MOST_WORDS = 1_500, 0.8, 9_000
_TITLE_WORDS = 7
_END_OF_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_TOPICS = ("business", "entertainment", "politics", "sport", "tech")


@dataclass(frozen=True)
class Article:
    """Of BBC News."""

    id: str
    topic: str
    title: str
    body: str


def data_folder() -> Path:
    """VIDEOPORTAL_DATA. Ends the program, saying so, where it lacks the texts."""
    data = Path(os.environ.get("VIDEOPORTAL_DATA", REPOSITORY.parent / "shared" / "data"))
    if not (data / "bbc_news" / "articles.jsonl").is_file():
        sys.exit(f"This benchmark reads bbc_news and text, and {data} does not hold them. Set VIDEOPORTAL_DATA.")
    return data


def articles(data: Path) -> list[Article]:
    lines = (data / "bbc_news" / "articles.jsonl").read_text().splitlines()
    return [Article(**json.loads(line)) for line in lines]


def sentences(data: Path) -> list[str]:
    """All there are, some 10.7 million words."""
    with lzma.open(data / "text" / "europarl_en.txt.xz", "rt") as file:
        found = [line.strip() for line in file]
    for article in articles(data):
        found += [sentence for sentence in _END_OF_SENTENCE.split(article.body) if sentence]
    return [sentence for sentence in found if sentence]


def cues_of(text: str) -> list[TimedText]:
    """A text as captions, said without a pause."""
    words = text.split()
    cues = []
    for first in range(0, len(words), WORDS_PER_CUE):
        said = words[first : first + WORDS_PER_CUE]
        cues.append((first * MS_PER_WORD, (first + len(said)) * MS_PER_WORD, " ".join(said)))
    return cues


def documents(texts: list[str], moments: int, seed: int = 7) -> Iterator[SearchDocument]:
    """Videos with `moments` moments together, or a few more, all of one version.

    Each is made of sentences drawn at random: 300,000 moments say all of the texts once, a million some three times,
    in another order, so that no two videos are alike.
    """
    chance = random.Random(seed)
    made = 0
    while made < moments:
        wanted = min(_MOST_WORDS, round(chance.lognormvariate(0, _SPREAD) * _MEDIAN_WORDS))
        said, words = [], 0
        while words < wanted:
            said.append(chance.choice(texts))
            words += said[-1].count(" ") + 1
        document = _document(chance, " ".join(said), chance.choice(texts), chance.choice(texts))
        made += len(document.moments)
        yield document


def _document(chance: random.Random, transcript: str, title: str, description: str) -> SearchDocument:
    cues = cues_of(transcript)
    topic = chance.choice(_TOPICS)
    return SearchDocument(
        video_id=uuid.UUID(int=chance.getrandbits(128), version=4),
        owner_id=uuid.UUID(int=chance.randrange(100)),
        is_listed=chance.random() < 0.95,
        title=" ".join(title.split()[:_TITLE_WORDS]),
        description=description,
        tags=(),
        topic_label=topic,
        topic_name=topic.title(),
        languages=("en",),
        duration_ms=cues[-1][1],
        created_at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=chance.randrange(10_000_000)),
        has_captions=True,
        transcript=transcript,
        moments=moments_from_cues(cues, "en"),
        version=1,
    )
