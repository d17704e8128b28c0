"""What stands before the numbers in a head's file, read without torch, which the web process never loads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

EMBEDDED_FOLDER = Path(__file__).resolve().parent / "embedded"
HEAD_NAME = "head.safetensors"
FORMAT = "videoportal-topic-head-2"


def read_header(content: bytes) -> dict[str, Any]:
    """The fields of `head.HeadFacts` as JSON has them. Raises ValueError where `content` is no head of this portal.

    A file in the format of safetensors begins with the length of its header, eight bytes, little-endian.
    """
    length = int.from_bytes(content[:8], "little")
    try:
        metadata = json.loads(content[8 : 8 + length])["__metadata__"]
        facts: dict[str, Any] = json.loads(metadata["head"])
        is_ours = facts.pop("format", None) == FORMAT
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError("It has no header of a head.") from error
    if not is_ours:
        raise ValueError(f"It is not in the form {FORMAT}.")
    return facts
