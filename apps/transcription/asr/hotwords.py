"""What a video is about -> the words that its recogniser should expect: names and rare words of title and tags.

A hotword that is not said costs little and one that is common gains nothing, so few and rare ones are taken.
"""

import hashlib
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from apps.transcription.asr.captions import NO_BREAK_AFTER
from apps.transcription.asr.language_model import LanguageModel
from apps.transcription.asr.normalization import Normalizer
from apps.transcription.asr.reading import name_key

SENTENCE_END = re.compile(r"[.!?:;\n]\s*|\n+")
SMALL_LETTERS = 4  # shorter words ("of", "the") are small in headlines, too
UNSPOKEN_ENDS = re.compile(r"^\W+|(['’]s)?\W*$")  # of a written word: marks around it, and "Ana's"
ENGLISH_I = re.compile(r"I\b")  # "I'm": written so, and no name
ADDRESS = re.compile(r"\S+://\S+|www\.\S+|\S+@\S+")  # nobody says those as they are written


@dataclass(frozen=True)
class HotwordOptions:
    """How many there may be, and of which words.

    With a language model, those that it finds rarer than `max_log10_probability` (-4.5: once in thirty thousand words)
    or does not know. Without one, those that are written with a capital where a sentence does not ask for it.
    """

    max_words: int = 40
    min_letters: int = 3
    max_letters: int = 30
    max_log10_probability: float = -4.5

    def __post_init__(self) -> None:
        if self.max_words < 0:
            raise ValueError(f"max_words={self.max_words}: write 0 or more.")


def choose_hotwords(
    texts: Sequence[str],
    normalizer: Normalizer,
    language_model: LanguageModel | None,
    options: HotwordOptions = HotwordOptions(),
) -> tuple[str, ...]:
    """The hotwords of `texts`, which are given in order of weight (title, tags, description).

    They are written in the recogniser's letters. Of too many the rarest are kept; without a language model, the first.
    """
    candidates: dict[str, bool] = {}  # word -> whether it is written as a name is
    for text in texts:
        for form, is_name in _written(text):
            for word in normalizer.words(form):
                if options.min_letters <= len(word) <= options.max_letters:
                    candidates[word] = candidates.get(word, False) or is_name
    if language_model is None:
        return tuple([word for word, is_name in candidates.items() if is_name][: options.max_words])
    rarity = {word: language_model.log10_probability(word) for word in candidates}
    # An unknown word in small letters may be a slip of the pen; it still is what the owner will look for.
    rare = [word for word in candidates if rarity[word] <= options.max_log10_probability]
    rare.sort(key=lambda word: (not candidates[word], rarity[word] if math.isfinite(rarity[word]) else -math.inf))
    return tuple(rare[: options.max_words])


def digest_of(texts: Iterable[str]) -> str:
    """Tells whether the words of title, tags and description have changed: not their order, case or punctuation."""
    words = {word for text in texts for word in re.findall(r"\w+", text.casefold())}
    return hashlib.sha256(" ".join(sorted(words)).encode()).hexdigest()


def written_names(texts: Sequence[str], hotwords: Iterable[str]) -> dict[str, str]:
    """Of `hotwords` those that `texts` write as names, always: `{name_key: as it is written}`."""
    wanted = {name_key(word) for word in hotwords}
    return {key: form for key, form in names_in(texts).items() if key in wanted}


def names_in(texts: Sequence[str]) -> dict[str, str]:
    """What `texts` write as names, always, in their order: `{name_key: as it is written}`."""
    forms: dict[str, str] = {}
    small: set[str] = set()
    for text in texts:
        for form, is_name in _written(text):
            bare = UNSPOKEN_ENDS.sub("", form)
            key = name_key(bare)
            if bare.islower():
                small.add(key)
            elif is_name and key not in NO_BREAK_AFTER:
                forms.setdefault(key, bare)
    return {key: form for key, form in forms.items() if key not in small}


def _written(text: str) -> Iterable[tuple[str, bool]]:
    """Each word as it stands in the text, and whether it is written as names are."""
    for sentence in SENTENCE_END.split(ADDRESS.sub(" ", text)):
        written = sentence.split()
        capitals = [word[:1].isupper() for word in written]
        # "How Rivers Shape Valleys", "ALL ABOUT RIVERS": where every word has a capital, capitals tell nothing.
        has_small = any(len(word) >= SMALL_LETTERS and word.islower() for word in written)
        tells = has_small or sum(capitals) <= len(written) // 2 or len(written) <= 2
        for index, (form, is_capital) in enumerate(zip(written, capitals, strict=True)):
            has_inner_capital = any(char.isupper() for char in form[1:]) and not form.isupper()
            is_name = has_inner_capital or (is_capital and tells and (index > 0 or len(written) <= 2))
            yield form, is_name and not ENGLISH_I.match(form)
