"""Folders of talking faces -> clips: GRID, LRS2 and LRW as they are published; and who is kept out of training."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Part = Literal["training", "validation", "unseen_clips", "unseen_speakers"]
PARTS: tuple[Part, ...] = ("training", "validation", "unseen_clips", "unseen_speakers")
SUFFIXES = (".mp4", ".mpg")


class CorpusError(Exception):
    """The folder is not what it is said to be. The message says what is wanted."""


@dataclass(frozen=True)
class Clip:
    """A recording of one face. `part` is None where the corpus leaves it to us who learns from it."""

    path: Path
    speaker: str
    sentence: str
    part: Part | None = None


@dataclass(frozen=True)
class SplitOptions:
    """`held_out` speakers are never learned from; of all others, these shares of sentences are not."""

    held_out: tuple[str, ...] = ()
    unseen_share: float = 0.15
    validation_share: float = 0.08
    seed: int = 0


def read_grid(folder: Path) -> list[Clip]:
    """GRID (Cooke et al., 2006): a folder for each speaker, `s1/bbaf2n.mp4`; or `other_speakers/s10_bbab8n.mpg`."""
    clips = []
    for path in _videos(folder):
        place = path.relative_to(folder).parts
        if len(place) != 2 or not (place[0] == "other_speakers" or place[0].removeprefix("s").isdecimal()):
            continue  # damaged recordings and the like
        speaker, _, sentence = path.stem.rpartition("_")
        speaker = speaker.partition("_")[0]  # u1_upload_5b5d: its sentence is unknown
        clips.append(Clip(path, speaker or place[0], sentence))
    return _found(clips, folder, "GRID", "s1/bbaf2n.mp4")


def read_lrs2(folder: Path) -> list[Clip]:
    """LRS2 (Chung et al., 2017): `main/5535415699068794046/00001.mp4`, a folder for each broadcast.

    Who speaks is not published: a broadcast is taken for a speaker.
    """
    clips = [
        Clip(path, path.parent.name, f"{path.parent.name}/{path.stem}")
        for path in _videos(folder)
        if path.parent.name.isdecimal()
    ]
    return _found(clips, folder, "LRS2", "main/5535415699068794046/00001.mp4")


def read_lrw(folder: Path) -> list[Clip]:
    """LRW (Chung and Zisserman, 2016): `ABOUT/train/ABOUT_00001.mp4`, its parts as published. Nobody is named."""
    parts: Mapping[str, Part] = {"train": "training", "val": "validation", "test": "unseen_clips"}
    clips = [
        Clip(path, path.stem, path.stem, parts[path.parent.name])
        for path in _videos(folder)
        if path.parent.name in parts and path.stem.startswith(path.parent.parent.name)
    ]
    return _found(clips, folder, "LRW", "ABOUT/train/ABOUT_00001.mp4")


READERS: Mapping[str, Callable[[Path], list[Clip]]] = {"grid": read_grid, "lrs2": read_lrs2, "lrw": read_lrw}


def split(clips: Iterable[Clip], options: SplitOptions) -> dict[Part, list[Clip]]:
    """Each part's clips. Who says a sentence does not matter to where it belongs: what is unseen, nobody was seen
    saying. The same seed gives each sentence the same place, whatever other clips there are.
    """
    parts: dict[Part, list[Clip]] = {part: [] for part in PARTS}
    for clip in clips:
        parts[clip.part or _part_of(clip, options)].append(clip)
    return parts


def check_speakers(clips: Sequence[Clip], names: Iterable[str]) -> None:
    """Raises CorpusError where there is no clip of one of `names`."""
    missing = sorted(set(names) - {clip.speaker for clip in clips})
    if missing:
        raise CorpusError(f"There is no clip of {', '.join(missing)}: --held-out names speakers of the data.")


def _part_of(clip: Clip, options: SplitOptions) -> Part:
    if clip.speaker in options.held_out:
        return "unseen_speakers"
    digest = hashlib.sha256(f"{options.seed}:{clip.sentence}".encode()).digest()
    place = int.from_bytes(digest[:8], "big") / 2**64
    if place < options.unseen_share:
        return "unseen_clips"
    return "validation" if place < options.unseen_share + options.validation_share else "training"


def _videos(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix in SUFFIXES)


def _found(clips: list[Clip], folder: Path, name: str, example: str) -> list[Clip]:
    if not clips:
        raise CorpusError(f"{folder} holds no clip of {name}: name the folder that has {example}.")
    return clips
