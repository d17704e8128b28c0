"""Texts that are about none of the topics, for `benchmarks.topics`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from apps.classification.bert.dataset import spoken_form

PASSAGE_WORDS = 150  # a minute of speech
REFERENCES = "librispeech_refs"
OUT_OF_TOPIC_SETS = (REFERENCES, "speech")


def out_of_topic(data: Path, name: str) -> list[str]:
    """Passages of some PASSAGE_WORDS of what was read aloud: novels, history, sentences for phoneticians."""
    if name == REFERENCES:
        lines = (data / "text" / name / "test-clean.ref.tsv").read_text(encoding="utf-8").splitlines()
        said = [text for _, text in sorted(line.split("\t", 1) for line in lines)]  # a chapter stays together
    else:
        manifests = sorted((data / name).glob("*.jsonl"))
        lines = [line for path in manifests for line in path.read_text(encoding="utf-8").splitlines()]
        said = [json.loads(line)["text"] for line in lines]
    return _passages(dict.fromkeys(spoken_form(text) for text in said))  # once, however many read it


def _passages(said: Iterable[str]) -> list[str]:
    """`said` joined and cut; the rest is one more where it has half of the words or more."""
    words = " ".join(said).split()
    cut = [words[first : first + PASSAGE_WORDS] for first in range(0, len(words), PASSAGE_WORDS)]
    return [" ".join(part) for part in cut if len(part) >= PASSAGE_WORDS / 2]
