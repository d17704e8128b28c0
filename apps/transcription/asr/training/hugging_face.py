"""Data sets of Hugging Face: of speech, laid out as a manifest and sound files; of text, as a sentence a line."""

import importlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apps.transcription.asr.training.corpora import CorpusError

INSTALL = (
    "pip install datasets 'pandas<3' 'pyarrow<25' numpy==1.26.4"  # newer ones would replace the numpy that speech needs
)
TEXT_COLUMNS = ("text", "sentence", "transcription", "transcript", "normalized_text")


@dataclass(frozen=True)
class DatasetOptions:
    """`name` is an id on the hub or a folder; `split` one of its parts, as "train"."""

    name: str
    config: str | None = None
    split: str = "train"


def lay_out(options: DatasetOptions, folder: Path) -> Path:
    """Writes the recordings of a data set with a column `audio` to `folder`; the manifest. Once done, not done again.

    Raises CorpusError where the library is missing, or the data set cannot be had or has no speech and text.
    """
    manifest = folder / "recordings.jsonl"
    if manifest.exists():
        return manifest
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for number, row in enumerate(_speech(options)):
        sound = _sound(row["audio"], folder, number)
        text = row[next(column for column in TEXT_COLUMNS if column in row)]
        lines.append(json.dumps({"path": str(sound), "text": text}, ensure_ascii=False))
    manifest.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return manifest


def write_sentences(options: DatasetOptions, language: str, path: Path) -> None:
    """Writes the sentences of a data set with a column of text, or of a column `translation` those of `language`.

    Raises CorpusError where the library is missing, or the data set cannot be had or has no text.
    """
    rows = _rows(options)
    columns = rows.column_names
    column = next((name for name in ("translation", *TEXT_COLUMNS) if name in columns), None)
    if column is None:
        raise CorpusError(
            f"{options.name} has the columns {', '.join(columns)}: needed is translation or one of "
            f"{', '.join(TEXT_COLUMNS)}. Name a data set of text."
        )
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            text = row[column] if isinstance(row[column], str) else row[column].get(language)
            if text is None:
                raise CorpusError(
                    f"{options.name} has translations in {', '.join(sorted(row[column]))}, none in {language}."
                )
            file.write(" ".join(text.split()) + "\n")


def _speech(options: DatasetOptions) -> Any:
    """The rows of a data set of speech, their sound as it was published."""
    rows = _rows(options)
    columns = rows.column_names
    if "audio" not in columns or not set(TEXT_COLUMNS).intersection(columns):
        raise CorpusError(
            f"{options.name} has the columns {', '.join(columns)}: needed are audio and one of "
            f"{', '.join(TEXT_COLUMNS)}. Name a data set of speech."
        )
    # Not decoded by its library, which would want one more for that.
    return rows.cast_column("audio", importlib.import_module("datasets").Audio(decode=False))


def _rows(options: DatasetOptions) -> Any:
    try:
        datasets = importlib.import_module("datasets")
    except ImportError as error:
        raise CorpusError(f"To read data sets of Hugging Face: {INSTALL}") from error
    try:
        return datasets.load_dataset(options.name, options.config, split=options.split)
    except (OSError, ValueError, RuntimeError, datasets.exceptions.DatasetsError) as error:
        raise CorpusError(
            f"The data set {options.name}, {options.config or 'default'}, {options.split} cannot be had ({error}): "
            "look for its name and parts at the hub, and whether this machine reaches it."
        ) from error


def _sound(audio: dict[str, Any], folder: Path, number: int) -> Path:
    """Where the sound of a row lies: in its own file, or in one that is written here."""
    name = Path(audio.get("path") or "sound.wav")
    if audio.get("bytes") is None:
        return name.resolve()
    sound = folder / f"{number:07d}{name.suffix or '.wav'}"
    sound.write_bytes(audio["bytes"])
    return sound.resolve()
