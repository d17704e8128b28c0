"""What queries and videos mean, for the search engine to compare."""

from __future__ import annotations

import logging
import threading
from functools import lru_cache

import numpy as np
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from apps.search.backends.base import Meaning
from apps.search.backends.terms import MAX_CHARACTERS, clean
from apps.search.embedders import embedder, space
from apps.search.models import PassageVector
from apps.videos.models import Video

logger = logging.getLogger(__name__)

_KEPT_QUERIES = 2_000  # whose vectors are in memory: 4 MB
# Of videos whose middles are farther apart than this nobody would say that they are like each other.
_SIMILAR_CUTOFF = 0.3
_lock = threading.Lock()
_failed: set[str] = set()  # models that could not be loaded: said once a process


def meaning_of(text: str) -> Meaning | None:
    """What a query means. None where the search by meaning is off, or its model cannot be loaded: words remain.

    Costs a look into a table for a query that was asked before; the first one of a process loads the model.
    """
    asked = clean(text[: 4 * MAX_CHARACTERS])[:MAX_CHARACTERS]
    if not asked or settings.SEARCH_EMBEDDING_MODEL in _failed:
        return None
    try:
        chosen = space()
        if chosen is None:
            return None
        vector = _vector(asked, settings.SEARCH_EMBEDDING_MODEL, chosen.name)
    except (ImproperlyConfigured, ImportError, OSError, RuntimeError):
        _failed.add(settings.SEARCH_EMBEDDING_MODEL)
        logger.exception(
            "The search finds words alone: SEARCH_EMBEDDING_MODEL cannot be loaded. Mend it and start the portal "
            "again, or set it to none."
        )
        return None
    return Meaning(chosen.name, vector, settings.SEARCH_EMBEDDING_CUTOFF)


def meaning_of_video(video: Video) -> Meaning | None:
    """The middle of all that is said and written in it. None where nothing of it has a vector. Costs a query."""
    chosen = space()
    if chosen is None:
        return None
    rows = PassageVector.objects.filter(video=video, space=chosen.name).values_list("vector", flat=True)
    stored = b"".join(bytes(row) for row in rows)
    if not stored:
        return None
    middle = np.frombuffer(stored, dtype="<f2").reshape(-1, chosen.n_dimensions).astype(np.float32).mean(axis=0)
    middle /= max(float(np.linalg.norm(middle)), 1e-12)
    return Meaning(chosen.name, middle.astype("<f4").tobytes(), _SIMILAR_CUTOFF)


@lru_cache(maxsize=_KEPT_QUERIES)
def _vector(text: str, model: str, space_name: str) -> bytes:  # noqa: ARG001 -- other models, other vectors
    with _lock:  # queries of several threads would only hold each other up
        return embedder().query(text).astype("<f4").tobytes()
