"""The CSV files of figures, in which the rows of former runs stay."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path


def keep(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]], *, key: int) -> None:
    """Writes the rows in the place of those with the same first `key` columns."""
    kept: dict[tuple[str, ...], list[str]] = {}
    if path.is_file():
        with path.open(newline="") as file:
            kept = {tuple(row[:key]): row for row in list(csv.reader(file))[1:]}
    kept |= {tuple(map(str, row[:key])): list(map(str, row)) for row in rows}
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *(kept[name] for name in sorted(kept))])
