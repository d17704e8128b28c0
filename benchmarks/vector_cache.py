"""Vectors by digest of their text, in the files of a folder: embedding all passages takes minutes."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from apps.classification.bert.encoder import FloatArray
from apps.search.embedding.embedder import embedded_embedder

HalfArray = npt.NDArray[np.float16]
Encode = Callable[[Sequence[str]], FloatArray]
_BATCH = 256
_WRITE_EVERY_S = 60
_DIGEST_CHARACTERS = 32


class VectorCache:
    def __init__(self, folder: Path, encode: Encode | None = None) -> None:
        """`encode` makes what is missing: by default the embedded model of the search, loaded when it is needed."""
        self._path = folder / "vectors.npz"
        self._kept: dict[str, HalfArray] = {}
        self._encode = encode
        for path in folder.glob("*.npz"):
            with np.load(path) as file:
                self._kept |= dict(zip(file["digests"].tolist(), file["vectors"], strict=True))

    def of(self, texts: Sequence[str]) -> HalfArray:
        """`(n_texts, n_dimensions)`. The embedded model reads queries as it reads passages."""
        missing = list(dict.fromkeys(text for text in texts if _digest_of(text) not in self._kept))
        written_at_s = time.monotonic()
        for first in range(0, len(missing), _BATCH):
            batch = missing[first : first + _BATCH]
            self._encode = self._encode or embedded_embedder().passages
            found = self._encode(batch).astype(np.float16)
            self._kept |= dict(zip(map(_digest_of, batch), found, strict=True))
            print(f"  {first + len(batch)} of {len(missing)} embedded", flush=True)
            if time.monotonic() - written_at_s > _WRITE_EVERY_S:
                self._write()
                written_at_s = time.monotonic()
        if missing:
            self._write()
        return np.stack([self._kept[_digest_of(text)] for text in texts])

    def _write(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        part = self._path.with_suffix(".part.npz")
        np.savez(part, digests=np.array(list(self._kept)), vectors=np.stack(list(self._kept.values())))
        part.replace(self._path)


def _digest_of(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:_DIGEST_CHARACTERS]
