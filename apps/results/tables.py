"""Rows of a table, as CSV."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from apps.results.replacing import replacing


def write_rows(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """The first row names the columns; without rows the file is empty. Whoever reads sees the old file or the new."""
    with replacing(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]) if rows else [], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
