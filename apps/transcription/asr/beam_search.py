"""CTC beam search with a language model and hotwords: log-probs -> words with times.

The search (prefixes merged as Hannun et al., "First-Pass Large Vocabulary Continuous Speech Recognition using
Bi-Directional Recurrent DNNs", 2014) is the library ctc-beam-decoder's, which gives pyctcdecode's words and frames.
"""

import functools
import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from ctc_beam_decoder import BeamSearchDecoder
from numpy.typing import NDArray

from apps.transcription.asr.alignment import AlignmentError, align
from apps.transcription.asr.decoder import WORD_BEGIN, Alphabet
from apps.transcription.asr.language_model import LanguageModel, LanguageModelUnavailableError, Weights
from apps.transcription.asr.normalization import LetterCase, case_of, in_case
from apps.transcription.asr.words import Word

MAX_HOTWORD_WEIGHT = 20.0  # far above what drowns the sound
Timed = tuple[str, tuple[int, int]]  # a word and its frames [start, end)

PROBED_UNIGRAMS = 1_000
MIN_SPELLABLE_SHARE = 0.5


@dataclass(frozen=True)
class DecoderOptions:
    """How beams are scored and which are given up. Natural logarithms.

    `alpha` and `beta` take the place of the language model's own (see `Weights`) where they are given. A beam is given
    up when its score is `beam_prune` below the best; a label, when its log-prob on a frame is below `token_prune` and
    it is not the frame's best; with `prune_history`, of beams that the language model cannot tell apart any more, all
    but the best. A hotword adds `hotword_weight` to a beam that holds it.
    """

    alpha: float | None = None
    beta: float | None = None
    beam_width: int = 100
    beam_prune: float = -12.0
    token_prune: float = -6.0
    hotword_weight: float = 6.0
    prune_history: bool = True

    def __post_init__(self) -> None:
        if self.beam_width < 1:
            raise ValueError(f"beam_width={self.beam_width}: write 1 or more.")
        if self.beam_prune > 0 or self.token_prune > 0:
            raise ValueError("beam_prune and token_prune are logarithms of shares: write 0 or less.")
        if self.alpha is not None and self.alpha < 0:
            raise ValueError(f"alpha={self.alpha}: write 0 or more.")
        if not 0 <= self.hotword_weight <= MAX_HOTWORD_WEIGHT:
            raise ValueError(f"hotword_weight={self.hotword_weight}: write 0 to {MAX_HOTWORD_WEIGHT:g}.")


class BeamSearch:
    """The beams of one alphabet and language model. One object serves many calls, from one thread at a time.

    Raises LanguageModelUnavailableError where the model's words cannot be spelled in the alphabet.
    """

    def __init__(
        self, alphabet: Alphabet, language_model: LanguageModel | None, options: DecoderOptions = DecoderOptions()
    ) -> None:
        self._options = options
        self._prunes_history = options.prune_history and language_model is not None
        self._case = _case(alphabet, language_model)
        self._reads_lower = case_of(sorted(alphabet.letters)) != "mixed"
        self._labels, self._sources = _columns(alphabet, self._case)
        self._has_pieces = any(len(label) > 1 for label in self._labels)
        if language_model is not None:
            self._check_spelling(language_model)
        weights = language_model.weights if language_model else Weights()
        self._search = BeamSearchDecoder(
            self._labels,
            kenlm_model_path=language_model.path if language_model else None,
            unigrams=list(language_model.unigrams) if language_model and language_model.unigrams else None,
            alpha=weights.alpha if options.alpha is None else options.alpha,
            beta=weights.beta if options.beta is None else options.beta,
            unk_score_offset=weights.unknown_offset,
            score_boundary=weights.score_boundary,
        )

    def words(self, log_probs: NDArray[np.float32], *, frame_s: float, hotwords: Sequence[str] = ()) -> list[Word]:
        """The words of the best beam of log-probs float32 `(n_frames, n_labels)` with a frame each `frame_s`.

        A word lasts from its first label's first frame to its last label's last; its confidence is the geometric mean
        of what the network gave its labels, whatever the language model made of them.
        """
        if not len(log_probs):
            return []
        columns = self._regrouped(log_probs)
        beams = self._search.decode_beams(
            self._ended(columns),
            beam_width=self._options.beam_width,
            beam_prune_logp=self._options.beam_prune,
            token_min_logp=self._options.token_prune,
            prune_history=self._prunes_history,
            hotwords=[in_case(word, self._case) for word in hotwords],
            hotword_weight=self._options.hotword_weight,
        )
        timed = beams[0][2] if beams else []
        words = self._pieced(timed, columns) if self._has_pieces else self._aligned(timed, columns)
        return [
            Word(text.lower() if self._reads_lower else text, start * frame_s, end * frame_s, confidence)
            for text, start, end, confidence in words
        ]

    def _aligned(self, timed: Sequence[Timed], columns: NDArray[np.float32]) -> list[tuple[str, int, int, float]]:
        """Each word of the text with the frames of its letters on the text's most probable path, and its confidence.

        The search's own frames are those of one of the many paths that it merged, and not the best.
        """
        label_ids = [self._labels.index(char) for char in " ".join(text for text, _ in timed)]
        try:
            tokens = align(columns, label_ids, 0)
        except AlignmentError:
            return self._pieced(timed, columns)  # it read the text from paths that it could not have gone to the end
        words, position = [], 0
        for text, _ in timed:
            letters = tokens[position : position + len(text)]
            position += len(text) + 1  # and the space
            confidence = math.exp(min(0.0, sum(token.log_prob for token in letters) / len(letters)))
            words.append((text, letters[0].start, letters[-1].end, confidence))
        return words

    def _pieced(self, timed: Sequence[Timed], columns: NDArray[np.float32]) -> list[tuple[str, int, int, float]]:
        """As `_aligned`, where nobody knows of which pieces the search made a word: by its frames."""
        words = []
        for text, (start, end) in timed:
            best = columns[start:end, 1:].max(axis=1)
            spoken = best[best > columns[start:end, 0]]
            log_prob = float(spoken.mean()) if len(spoken) else float(best.max())
            words.append((text, start, end, math.exp(min(0.0, log_prob))))
        return words

    def _regrouped(self, log_probs: NDArray[np.float32]) -> NDArray[np.float32]:
        """`(n_frames, len(self._labels))`: columns that read alike as one. Those never read count as blanks."""
        columns = [
            log_probs[:, source[0]] if len(source) == 1 else np.logaddexp.reduce(log_probs[:, source], axis=1)
            for source in self._sources
        ]
        return np.stack(columns, axis=1)

    def _ended(self, columns: NDArray[np.float32]) -> NDArray[np.float32]:
        """The columns with one more frame, on which a space is certain.

        The search, as pyctcdecode does, takes the nothing behind a space at the end for one more word, an unknown one,
        and where a beam with that space and one without it read alike it counts the worse of the two. So it would hear
        other last words just because no pause follows them. Behind a certain space every beam pays the same.
        """
        if " " not in self._labels:
            return columns
        end = np.full((1, columns.shape[1]), -np.inf, dtype=np.float32)
        end[0, self._labels.index(" ")] = 0.0
        return np.concatenate([columns, end])

    def _check_spelling(self, language_model: LanguageModel) -> None:
        unigrams = language_model.unigrams or ()
        probed = unigrams[:: max(1, len(unigrams) // PROBED_UNIGRAMS)]
        letters = set("".join(self._labels))
        n_spellable = sum(letters.issuperset(word) for word in probed)
        if n_spellable < MIN_SPELLABLE_SHARE * len(probed):
            raise LanguageModelUnavailableError(
                f"ASR_LANGUAGE_MODEL: of the words of {language_model.name} only {n_spellable} in {len(probed)} can be "
                "spelled in the letters of ASR_MODEL. Build it with `python manage.py build_language_model "
                "--alphabet-from CHECKPOINT`, or set ASR_LANGUAGE_MODEL=none."
            )


class BeamSearches:
    """A `BeamSearch` for each thread that asks, made when it first does: so many sounds are searched side by side."""

    def __init__(
        self, alphabet: Alphabet, language_model: LanguageModel | None, options: DecoderOptions = DecoderOptions()
    ) -> None:
        self._make = functools.partial(BeamSearch, alphabet, language_model, options)
        self._own = threading.local()
        self._own.search = self._make()  # what cannot work is told at once

    def words(self, log_probs: NDArray[np.float32], *, frame_s: float, hotwords: Sequence[str] = ()) -> list[Word]:
        """See `BeamSearch.words`."""
        if not hasattr(self._own, "search"):
            self._own.search = self._make()
        search: BeamSearch = self._own.search
        return search.words(log_probs, frame_s=frame_s, hotwords=hotwords)


def _case(alphabet: Alphabet, language_model: LanguageModel | None) -> LetterCase:
    """The case of the labels as the search is given them: the language model's, where the alphabet has but one."""
    own = case_of(sorted(alphabet.letters))
    if own == "mixed" or language_model is None:
        return own
    return language_model.case or own


def _columns(alphabet: Alphabet, case: LetterCase) -> tuple[list[str], list[list[int]]]:
    """The search's labels, the blank ("") first, and of which of the alphabet's columns each is made."""
    sources: dict[str, list[int]] = {"": [alphabet.blank_id, *sorted(alphabet.silent_ids)]}
    for index, label in enumerate(alphabet.labels):
        if index in sources[""]:
            continue
        is_space = index == alphabet.delimiter_id or label.isspace() or label == WORD_BEGIN
        text = " " if is_space else in_case("".join(label.split()), case)
        sources.setdefault(text, []).append(index)
    return list(sources), list(sources.values())
