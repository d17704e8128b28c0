"""English words that are known -> when they were said: forced alignment with PocketSphinx's US-English model.

A hidden Markov model of phones, whose wheel carries it with CMU's dictionary (Huggins-Daines et al., "PocketSphinx: A
Free, Real-Time Continuous Speech Recognition System for Hand-Held Devices", 2006). A word that the dictionary does not
have is spelled out roughly, a phone a letter: its neighbours hold it in place.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.transcription.asr.recognizers.base import SAMPLE_RATE
from apps.transcription.asr.words import Word

FRAME_S = 0.01
# A frame's features are those of 25.6 ms from its start on: a boundary lies behind the frame that it is found at.
BOUNDARY_S = 0.008
MAX_MOVE_S = 1.0  # farther from where the recogniser heard it, a word was not found but squeezed in
SILENCES = frozenset({"<sil>", "[NOISE]", "[SPEECH]", "(NULL)", "<s>", "</s>"})
ALTERNATIVE = re.compile(r"\(\d+\)$")  # "the(2)": another way to say "the"
PHONES = {
    "a": "AE", "b": "B", "c": "K", "d": "D", "e": "EH", "f": "F", "g": "G", "h": "HH", "i": "IH", "j": "JH", "k": "K",
    "l": "L", "m": "M", "n": "N", "o": "AA", "p": "P", "q": "K", "r": "R", "s": "S", "t": "T", "u": "AH", "v": "V",
    "w": "W", "x": "K S", "y": "Y", "z": "Z", "0": "Z IH R OW", "1": "W AH N", "2": "T UW", "3": "TH R IY",
    "4": "F AO R", "5": "F AY V", "6": "S IH K S", "7": "S EH V AH N", "8": "EY T", "9": "N AY N",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Part:
    """What is aligned: a word of the dictionary, and the index of the heard word that it is (a part of)."""

    text: str
    index: int


class ForcedAlignment:
    """Loads the model (0.2 s, 50 MB) at once. Raises ImportError where pocketsphinx is not installed."""

    def __init__(self) -> None:
        import pocketsphinx

        # cmn: the spectrum's mean over the whole sound. ds: every other frame is judged as the one before it, a third
        # less work and 1 ms less precise. Wide beams: a word that was misheard fits badly, and must be passed.
        beams = {"beam": 1e-100, "pbeam": 1e-100, "wbeam": 1e-80}
        self._decoder: Any = pocketsphinx.Decoder(
            samprate=SAMPLE_RATE, lm=None, bestpath=False, cmn="batch", ds=2, loglevel="FATAL", **beams
        )

    def timed(self, words: Sequence[Word], samples: NDArray[np.float32]) -> list[Word]:
        """The words with the times at which they are found in `samples`: float32 `(n_samples,)`, 16 kHz.

        Those that cannot be found keep their own.
        """
        parts = [_Part(text, index) for index, word in enumerate(words) for text in self._spelled(word.text)]
        found: dict[int, tuple[float, float]] = {}
        for part, (start_s, end_s) in zip(parts, self._aligned(parts, samples), strict=False):
            found[part.index] = (found.get(part.index, (start_s, end_s))[0], end_s)
        return [_moved(word, found.get(index)) for index, word in enumerate(words)]

    def _spelled(self, text: str) -> Iterator[str]:
        """The words of the dictionary that `text` consists of; what it does not have is added to it."""
        for part in re.findall(r"[a-z0-9']+", text.lower().replace("’", "'")):
            known = part if self._decoder.lookup_word(part) else part.strip("'")
            phones = " ".join(PHONES[char] for char in known if char in PHONES)
            if self._decoder.lookup_word(known):
                yield known
            elif phones:
                self._decoder.add_word(known, phones, True)
                yield known

    def _aligned(self, parts: Sequence[_Part], samples: NDArray[np.float32]) -> list[tuple[float, float]]:
        """Start and end of each part in seconds; nothing where they cannot all be found."""
        if not parts:
            return []
        decoder = self._decoder
        decoder.reinit_feat()  # else times depend on what was heard before: on its noise
        decoder.set_align_text(" ".join(part.text for part in parts))
        decoder.start_utt()
        decoder.process_raw((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes(), full_utt=True)
        decoder.end_utt()
        found = [segment for segment in decoder.seg() or () if segment.word not in SILENCES]
        if [ALTERNATIVE.sub("", segment.word) for segment in found] != [part.text for part in parts]:
            return []
        return [
            (FRAME_S * segment.start_frame + BOUNDARY_S, FRAME_S * (segment.end_frame + 1) + BOUNDARY_S)
            for segment in found
        ]


def _moved(word: Word, found_s: tuple[float, float] | None) -> Word:
    if found_s is None or abs(sum(found_s) - word.start_s - word.end_s) > 2 * MAX_MOVE_S:
        return word
    return Word(word.text, *found_s, word.confidence)
