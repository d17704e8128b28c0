"""Things that somebody looks for and knows: BBC News, spoken, and misheard by a recogniser.

An article's body is said in cues of nine words; its title is what somebody types. The video's own title says nothing.
Errors are drawn with a seed: of ten, six are another word, which mostly sounds alike, two are words lost, and two are
words too many.
"""

from __future__ import annotations

import random
import re
import uuid
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt

from apps.search.backends.base import DocumentVectors, SearchDocument
from apps.search.embedding.embedder import Embedder, embedded_embedder
from apps.search.passages import moments_from_cues
from apps.search.vectors import digest_of
from benchmarks.search_corpus import Article, articles, cues_of

SPACE = "benchmark"
_SUBSTITUTIONS, _DELETIONS = 0.6, 0.2  # of the errors; the rest are insertions
_SOUNDS_ALIKE = 0.7  # of the substitutions
_SOUNDS = str.maketrans("bfpvcgjkqsxzdtlmnr", "111122222222334556", "aeiouyhw")  # Soundex's classes of consonants
_LETTERS = re.compile(r"[a-z]+")
_BATCH = 256


HalfArray = npt.NDArray[np.float16]


@dataclass(frozen=True)
class Item:
    article: Article
    document: SearchDocument


class Mishearing:
    """What a recogniser makes of words, over the vocabulary of some articles."""

    def __init__(self, found: Sequence[Article], seed: int = 7) -> None:
        self._seed = seed
        counts = Counter(word for article in found for word in _LETTERS.findall(article.body.lower()))
        self._words, self._weights = list(counts), list(counts.values())
        self._alike: dict[str, list[str]] = defaultdict(list)
        for word in counts:
            self._alike[_sound(word)].append(word)

    def heard(self, article: Article, rate: float) -> str:
        """The body with `rate` errors a word; of a greater rate, other ones."""
        chance = random.Random(f"{self._seed} {article.id} {rate}")
        said: list[str] = []
        for word in article.body.split():
            kind = chance.random() / rate if rate else 1.0
            if kind >= 1:
                said.append(word)
            elif kind < _SUBSTITUTIONS:
                said.append(self._another(word, chance))
            elif kind >= _SUBSTITUTIONS + _DELETIONS:
                said += [word, self._any(chance)]
        return " ".join(said)

    def _another(self, word: str, chance: random.Random) -> str:
        bare = "".join(_LETTERS.findall(word.lower()))
        alike = [one for one in self._alike.get(_sound(bare), []) if one != bare]
        return chance.choice(alike) if alike and chance.random() < _SOUNDS_ALIKE else self._any(chance)

    def _any(self, chance: random.Random) -> str:
        word: str = chance.choices(self._words, self._weights)[0]
        return word


def _sound(word: str) -> str:
    """Its first letter, and the classes of the consonants after it, each of a run once (Russell's Soundex)."""
    classes = re.sub(r"(.)\1+", r"\1", word[1:].translate(_SOUNDS))
    return word[:1] + classes[:3]


def items(data: Path, rate: float, every: int = 1) -> list[Item]:
    """Of every so-manieth article, with `rate` errors a word."""
    found = articles(data)
    mishearing = Mishearing(found)
    return [Item(article, _document(article, mishearing.heard(article, rate))) for article in found[::every]]


def _document(article: Article, text: str) -> SearchDocument:
    cues = cues_of(text)
    return SearchDocument(
        video_id=uuid.uuid5(uuid.NAMESPACE_URL, article.id),
        owner_id=uuid.UUID(int=1),
        is_listed=True,
        title="A recording",
        description="",
        tags=(),
        topic_label="",
        topic_name="",
        languages=("en",),
        duration_ms=cues[-1][1] if cues else 0,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        has_captions=True,
        transcript=" ".join(cue[2] for cue in cues),
        moments=moments_from_cues(cues, "en"),
        version=1,
    )


class VectorCache:
    """Vectors by digest of their text, in the files of a folder: embedding all passages takes minutes."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "vectors.npz"
        self._kept: dict[str, HalfArray] = {}
        self._embedder: Embedder | None = None
        for path in folder.glob("*.npz"):
            with np.load(path) as file:
                self._kept |= dict(zip(file["digests"].tolist(), file["vectors"], strict=True))

    def of(self, texts: Sequence[str]) -> HalfArray:
        """`(n_texts, n_dimensions)`. The embedded model reads queries as it reads passages."""
        missing = list(dict.fromkeys(text for text in texts if digest_of(text) not in self._kept))
        for first in range(0, len(missing), _BATCH):
            batch = missing[first : first + _BATCH]
            self._embedder = self._embedder or embedded_embedder()
            found = self._embedder.passages(batch).astype(np.float16)
            self._kept |= dict(zip(map(digest_of, batch), found, strict=True))
            print(f"  {first + len(batch)} of {len(missing)} embedded", flush=True)
            if first // _BATCH % 20 == 19:
                self._write()
        if missing:
            self._write()
        return np.stack([self._kept[digest_of(text)] for text in texts])

    def _write(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        part = self._path.with_suffix(".part.npz")
        np.savez(part, digests=np.array(list(self._kept)), vectors=np.stack(list(self._kept.values())))
        part.replace(self._path)


def vectors_of(document: SearchDocument, cache: VectorCache) -> DocumentVectors:
    found = cache.of([moment.text for moment in document.moments])
    return DocumentVectors(SPACE, b"", tuple(vector.astype("<f2").tobytes() for vector in found))
