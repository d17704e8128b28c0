"""What a person says about a video: title, description, tags, language, visibility."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace

from apps.videos.languages import LANGUAGE_NAMES
from apps.videos.models import Tag, Video, Visibility

MAX_TITLE = 200
MAX_DESCRIPTION = 10_000
MAX_TAGS = 20
MAX_TAG = 50


@dataclass(frozen=True)
class VideoDetails:
    """As the form or the API gave it. An empty title stands for one made of the file's name (at upload only)."""

    title: str
    description: str = ""
    tags: tuple[str, ...] = ()
    language: str = "en"
    visibility: str = Visibility.PUBLIC


class DetailsInvalidError(ValueError):
    """`problems` maps a field's name to a sentence for the person who filled it in."""

    def __init__(self, problems: dict[str, str]) -> None:
        super().__init__(" ".join(problems.values()))
        self.problems = problems


# Letters and symbols by their category, but drawn as nothing: fillers of Hangul, and the empty Braille pattern.
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")


def tidy_line(text: str) -> str:
    """One line: NFC, control characters and runs of white space become one space. Emoji stay.

    Empty where nothing in it can be seen: marks of direction, joiners and their like alone.
    """
    kept = (
        char if unicodedata.category(char) not in {"Cc", "Cs", "Zl", "Zp"} else " "
        for char in unicodedata.normalize("NFC", text)
    )
    line = " ".join("".join(kept).split())
    return line if any(map(_is_visible, line)) else ""


def _is_visible(char: str) -> bool:
    return unicodedata.category(char)[0] in "LNPS" and char not in _BLANK


def tidy_text(text: str) -> str:
    """Several lines: NFC, line ends become newlines, other control characters go."""
    text = unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n")
    return "".join(char for char in text if char in "\n\t" or unicodedata.category(char) not in {"Cc", "Cs"}).strip()


def normalised_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """Lower case, without `#`, each once, in the order given. Empty ones are dropped."""
    tidied = (tidy_line(tidy_line(tag).lstrip("#")).casefold() for tag in tags)
    return tuple(dict.fromkeys(tag for tag in tidied if tag))


def tags_from_text(text: str) -> tuple[str, ...]:
    """Tags as typed into one field, separated by commas or line ends."""
    return normalised_tags(re.split(r"[,;\n]", text))


def clean_details(details: VideoDetails) -> VideoDetails:
    """The details, tidied. Raises `DetailsInvalidError` with one sentence per field that cannot stand."""
    tidied = replace(
        details,
        title=tidy_line(details.title),
        description=tidy_text(details.description),
        tags=normalised_tags(details.tags),
    )
    problems: dict[str, str] = {}
    if not tidied.title:
        problems["title"] = "Give the video a title."
    elif len(tidied.title) > MAX_TITLE:
        problems["title"] = f"The title has {len(tidied.title)} characters: shorten it to {MAX_TITLE}."
    if len(tidied.description) > MAX_DESCRIPTION:
        problems["description"] = (
            f"The description has {len(tidied.description)} characters: shorten it to {MAX_DESCRIPTION}."
        )
    if len(tidied.tags) > MAX_TAGS:
        problems["tags"] = f"There are {len(tidied.tags)} tags: keep at most {MAX_TAGS}."
    elif any(len(tag) > MAX_TAG for tag in tidied.tags):
        problems["tags"] = f"A tag is longer than {MAX_TAG} characters: separate tags by commas."
    if tidied.language not in LANGUAGE_NAMES:
        problems["language"] = f"{details.language!r} is not a language that videos can be filed under."
    if tidied.visibility not in Visibility.values:
        problems["visibility"] = "Choose public, unlisted or private."
    if problems:
        raise DetailsInvalidError(problems)
    return tidied


def set_tags(video: Video, names: tuple[str, ...]) -> None:
    """Files the video under these tags and no others; call it inside the transaction of the change."""
    Tag.objects.bulk_create([Tag(name=name) for name in names], ignore_conflicts=True)
    video.tags.set(Tag.objects.filter(name__in=names))
