"""What the settings of Elasticsearch's analysis may say. Read at start: knows neither Django nor Elasticsearch."""

from __future__ import annotations

from pathlib import Path

MAX_RULES = 10_000  # the server's own limit for a set of them

# The analysers that every Elasticsearch has, by name: "Language analyzers" in its documentation, and `standard`.
ANALYZERS = (
    "standard", "arabic", "armenian", "basque", "bengali", "brazilian", "bulgarian", "catalan", "cjk", "czech",
    "danish", "dutch", "english", "estonian", "finnish", "french", "galician", "german", "greek", "hindi",
    "hungarian", "indonesian", "irish", "italian", "latvian", "lithuanian", "norwegian", "persian", "portuguese",
    "romanian", "russian", "serbian", "sorani", "spanish", "swedish", "thai", "turkish",
)  # fmt: skip


class SynonymsError(ValueError):
    """A file of synonyms that cannot be used. The message says which line to mend."""


def read_synonyms(path: Path) -> tuple[str, ...]:
    """The rules in a file of Solr's form, one a line: `car, automobile` (each finds the other) or `tv => television`
    (the left finds the right). Lines that begin with # are remarks. Raises `SynonymsError`.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise SynonymsError(f"name a file that can be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise SynonymsError("save the file as UTF-8.") from error
    rules = []
    for number, raw in enumerate(lines, start=1):
        line = raw.strip()
        if line and not line.startswith("#"):
            _check(line, number)
            rules.append(line)
    if len(rules) > MAX_RULES:
        raise SynonymsError(f"the file has {len(rules)} rules; keep {MAX_RULES} at most.")
    return tuple(rules)


def _check(line: str, number: int) -> None:
    sides = [[word.strip() for word in side.split(",")] for side in line.split("=>")]
    is_complete = all(any(character.isalnum() for character in word) for side in sides for word in side)
    if len(sides) > 2 or not is_complete or (len(sides) == 1 and len(sides[0]) < 2):
        raise SynonymsError(f'line {number} is no rule: write "car, automobile" or "tv => television".')
