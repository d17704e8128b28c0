"""Files that are whole whenever somebody looks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path to write to, which takes the place of `path` when the block ends well: whoever reads, or starts again
    after a kill, finds the old file or the new.
    """
    partial = path.with_name(f"{path.name}.partial")
    yield partial
    partial.replace(path)
