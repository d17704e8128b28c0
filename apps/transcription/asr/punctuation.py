"""A token-classification checkpoint of transformers as `Punctuator`: which mark follows a word, how it is written.

Checkpoints name their labels in several ways; see `read_label`. A word's mark is what the model says of its first
piece, as checkpoints of this kind are trained (Devlin et al., "BERT", 2019, section 5.3).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from apps.transcription.asr.downloads import folder_of
from apps.transcription.asr.reading import Marked, WordCase
from apps.transcription.asr.recognizers.base import RecognizerUnavailableError

NO_PUNCTUATION = "none"
MARK_NAMES = {
    # A dash stands between words, and an apostrophe or a hyphen inside one, which is another word then: left out.
    "": ("", "_", "0", "O", "NONE", "SPACE", "OTHER", "-", "–", "—", "'", "DASH", "HYPHEN", "APOSTROPHE"),
    ".": (".", "PERIOD", "FULLSTOP", "STOP", "DOT"),
    ",": (",", "COMMA"),
    "?": ("?", "QUESTION", "QUESTIONMARK"),
    "!": ("!", "EXCLAMATION", "EXCLAMATIONMARK"),
    ":": (":", "COLON"),
    ";": (";", "SEMICOLON"),
    "…": ("…", "...", "ELLIPSIS"),
}
CASE_NAMES: dict[WordCase, tuple[str, ...]] = {
    "small": ("LOWER", "LOWERCASE", "LC", "L", "SMALL"),
    "capital": ("CAP", "CAPITAL", "CAPITALIZED", "TITLE", "TITLECASE", "UC", "U", "C"),
    "capitals": ("UPPER", "UPPERCASE", "ALLCAPS", "AC"),
}
MARKS = {name: mark for mark, names in MARK_NAMES.items() for name in names}
CASES = {name: case for case, names in CASE_NAMES.items() for name in names}
SEPARATORS = "_- |+"


class PunctuationUnavailableError(RecognizerUnavailableError):
    """The punctuation model cannot be loaded. The message names the setting and says what to do."""


@dataclass(frozen=True)
class PunctuationOptions:
    """Which checkpoint, a folder or downloaded hub id, and how it is run over long texts.

    A window holds at most `window_pieces` of the tokenizer's pieces; of the words that two windows share, each reads
    those that are farther from its edge.
    """

    model: str
    cache_dir: Path | None = None
    device: str = "auto"  # auto: a GPU where there is one; cpu; cuda
    window_pieces: int = 256
    shared_words: int = 32

    def __post_init__(self) -> None:
        if self.shared_words < 0 or self.window_pieces < 4 * self.shared_words:
            raise ValueError("Let windows hold four times as many pieces as they share words, or more.")


class TokenPunctuator:
    """`Punctuator`. Loads the checkpoint at once: never make one before a fork. Raises PunctuationUnavailableError."""

    def __init__(self, options: PunctuationOptions) -> None:
        import torch

        self._options = options
        folder = folder_of(options.model, options.cache_dir)
        if folder is None:
            raise PunctuationUnavailableError(
                f"ASR_PUNCTUATION_MODEL={options.model} is neither a folder nor a model that was downloaded to "
                f"{options.cache_dir}: run `python manage.py fetch_models`, name a folder that holds one, or set "
                "ASR_PUNCTUATION_MODEL=none."
            )
        self._device = "cuda" if torch.cuda.is_available() and options.device != "cpu" else "cpu"
        try:
            self._tokenizer, self._network = _load(folder)
        except (OSError, ValueError, KeyError, TypeError, ImportError, RuntimeError) as error:
            raise PunctuationUnavailableError(
                f"ASR_PUNCTUATION_MODEL={options.model} cannot be loaded as a token-classification model ({error}). "
                "Name the folder or hub id of one with its tokenizer, or set ASR_PUNCTUATION_MODEL=none."
            ) from error
        labels = self._network.config.id2label
        self._labels = read_labels([labels[index] for index in range(len(labels))], options.model)
        self._network.to(self._device)

    @property
    def name(self) -> str:
        """As an operator would write it; of a folder only its name."""
        model = self._options.model
        return Path(model).name if Path(model).expanduser().is_dir() else model

    def punctuate(self, words: Sequence[str]) -> list[Marked]:
        """See `Punctuator.punctuate`."""
        if not words:
            return []
        marked: list[Marked] = []
        windows = self._windows(words)
        # Between two windows the one before reads the first half of what they share, the one behind the other.
        seams = [0, *((before[1] + behind[0]) // 2 for before, behind in pairwise(windows)), len(words)]
        for (start, end), (first, last) in zip(windows, pairwise(seams), strict=True):
            marked += self._marked(words[start:end])[first - start : last - start]
        return marked

    def _windows(self, words: Sequence[str]) -> list[tuple[int, int]]:
        """`[start, end)` of the windows: as many words in each as its pieces allow, each begun within the last."""
        special = self._tokenizer.num_special_tokens_to_add()
        room = min(self._options.window_pieces, self._max_pieces()) - special
        sizes = [len(self._tokenizer.tokenize(word)) for word in words]
        windows, start = [], 0
        while True:
            end, size = start, 0
            while end < len(words) and (end == start or size + sizes[end] <= room):
                size += sizes[end]
                end += 1
            windows.append((start, end))
            if end == len(words):
                return windows
            start = max(start + 1, end - min(self._options.shared_words, (end - start) // 2))

    def _max_pieces(self) -> int:
        positions = getattr(self._network.config, "max_position_embeddings", 512)
        return int(positions) - 2  # RoBERTa's positions begin behind the padding's

    def _marked(self, words: Sequence[str]) -> list[Marked]:
        import torch

        inputs = self._tokenizer(
            list(words), is_split_into_words=True, truncation=True, max_length=self._max_pieces(), return_tensors="pt"
        )
        with torch.inference_mode():
            logits = self._network(**inputs.to(self._device)).logits[0]  # (n_pieces, n_labels)
        said = logits.argmax(dim=-1).tolist()
        marked = [Marked("", None)] * len(words)  # of a word without pieces nothing is known
        for position, index in reversed(list(enumerate(inputs.word_ids()))):
            if index is not None:
                marked[index] = self._labels[said[position]]  # the first piece comes last here, and stays
        return marked


def read_label(label: str) -> Marked | None:
    """What a checkpoint's label says; None where it is none of marks.

    `.`, `0`, `O`, `PERIOD`, `B-COMMA`, `QUESTION_MARK`; with a case: `.U` and `OO` (mark, then U or O), `Upper.`,
    `UPPER_`, `lower,` (case, then mark), `U_COMMA`, `PERIOD_LOWER`.
    """
    stem = re.sub(r"^[BI]-", "", label)
    if (mark := _mark(stem)) is not None:
        return Marked(mark, None)
    if (case := _case(stem)) is not None:
        return Marked("", case)
    if len(stem) == 2 and stem[1] in "UO" and (mark := _mark(stem[0])) is not None:
        return Marked(mark, "capital" if stem[1] == "U" else "small")
    for cut in range(1, len(stem)):
        for case_name, mark_name in ((stem[:cut], stem[cut:]), (stem[cut:], stem[:cut])):
            case, mark = _case(case_name), _mark(mark_name)
            if case is not None and mark is not None:
                return Marked(mark, case)
    return None


def _mark(name: str) -> str | None:
    return MARKS.get(name if len(name) < 2 else "".join(char for char in name.upper() if char not in SEPARATORS))


def _case(name: str) -> WordCase | None:
    plain = name.strip(SEPARATORS)
    return "capital" if plain == "Upper" else CASES.get(plain.upper())


def read_labels(labels: Sequence[str], model: str) -> list[Marked]:
    """What each label of a checkpoint says. Raises PunctuationUnavailableError where one is none of marks."""
    read = []
    for label in labels:
        if (its := read_label(label)) is None:
            raise PunctuationUnavailableError(
                f"ASR_PUNCTUATION_MODEL={model} says {label!r}, which is not known as a mark or a case. Take a model "
                "whose labels are marks (. , ? !) or their names (PERIOD, COMMA, QUESTION), or name them so in the "
                "id2label of its config.json."
            )
        read.append(its)
    if not any(label.mark for label in read):
        raise PunctuationUnavailableError(
            f"ASR_PUNCTUATION_MODEL={model} has no label for a mark, only {', '.join(labels)}: name a punctuation "
            "model, or set ASR_PUNCTUATION_MODEL=none."
        )
    if any(label.case == "capital" for label in read):
        return read
    # Who knows one kind of capitals alone means the first letter, whatever it is called.
    return [Marked(label.mark, "capital" if label.case == "capitals" else label.case) for label in read]


def _load(folder: Path) -> tuple[Any, Any]:
    from transformers import AutoModelForTokenClassification, AutoTokenizer
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()  # workers write to logs
    # Byte-level tokenizers take words that are already parted only with a space before each.
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, add_prefix_space=True)
    if not tokenizer.is_fast:
        raise ValueError("its tokenizer is not a fast one, which can tell the pieces of a word")
    network = AutoModelForTokenClassification.from_pretrained(folder, local_files_only=True)
    return tokenizer, network.eval()
