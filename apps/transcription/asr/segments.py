"""A stream of sound -> stretches that a recogniser can take at once, cut where nobody speaks.

Neighbouring sentences are kept together up to `max_segment_s`, since a recogniser hears better in context and
Whisper computes 30 s whatever it is given; a longer pause always ends a segment. After each cut the detector starts
anew at the cut, with no memory: so a run that goes on at a cut makes the same cuts as one that was never interrupted.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from apps.transcription.asr.recognizers.base import SAMPLE_RATE
from apps.transcription.asr.voice_activity import BATCH_SAMPLES, WINDOW_SAMPLES, VoiceActivity

SAMPLES_PER_MS = SAMPLE_RATE // 1000
WINDOW_MS = WINDOW_SAMPLES / SAMPLES_PER_MS
# How much of a pause is kept before the cut's next run: the fresh detector needs to hear some silence first.
WARM_UP_WINDOWS = 16
# Speech that is found this soon after a cut is taken from the cut on: the fresh detector may have been late.
SOON_WINDOWS = 20
# A segment is not cut at a pause in its first part, where the cut would waste the recogniser's window: of 0.4, 0.6 and
# 0.75 this has the fewest wrong words (6.1, 5.4 and 6.5 % on ten minutes of kathleen) and 2 % less work than the first.
EARLIEST_CUT = 0.6
CUT_SEARCH_WINDOWS = 156  # 5 s


@dataclass(frozen=True)
class SegmentOptions:
    """How sound is cut.

    `speech_threshold` and `silence_threshold` are probabilities: a window is speech from the first on, and stays so
    down to the second.
    """

    max_segment_s: float = 20.0
    patience_s: float = 0.0  # so much longer it may become where there is no pause to cut at
    max_pause_s: float = 2.0  # a longer one ends the segment
    min_pause_ms: float = 96.0  # a shorter one is no place to cut
    min_speech_ms: float = 160.0  # less is a click or a cough
    burst_pause_ms: float = 320.0  # the pause after which so little speech is given up
    padding_ms: float = 250.0  # of sound kept before and after speech
    report_silence_s: float = 8.0  # silence is handed on in stretches of this length, so that progress is seen
    speech_threshold: float = 0.5
    silence_threshold: float = 0.35

    def __post_init__(self) -> None:
        if not 1.0 <= self.max_segment_s <= 29.0:
            raise ValueError(f"max_segment_s={self.max_segment_s}: write 1 to 29 seconds, what a recogniser can take.")


@dataclass(frozen=True, slots=True)
class Stretch:
    """Speech with its samples (float32 `(n,)`, starting at `start_ms`), or silence without any.

    Everything before `position_ms` is dealt with; the next stretch starts there or later. Before `quiet_until_ms`
    nobody speaks again, as far as the next stretch tells.
    """

    start_ms: int
    end_ms: int
    position_ms: int
    samples: NDArray[np.float32]
    quiet_until_ms: int = 0

    @property
    def is_speech(self) -> bool:
        return len(self.samples) > 0


def stretches(
    blocks: Iterable[NDArray[np.float32]], options: SegmentOptions, *, start_ms: int = 0
) -> Iterator[Stretch]:
    """Cuts sound, given in blocks of any size with the first sample at `start_ms`. Holds some 30 s of it at most.

    The last stretch's `position_ms` is the end of the sound.
    """
    run = _Run(start_ms, options)
    for block in blocks:
        run.feed(block)
        while stretch := run.next_stretch():
            yield stretch
            run = run.restarted(stretch.position_ms)
    while stretch := run.last_stretch():
        yield stretch
        run = run.restarted(stretch.position_ms)


@dataclass
class _Run:
    """What is heard since a cut. Indices are windows of 32 ms from `origin_ms` on."""

    origin_ms: int
    options: SegmentOptions
    samples: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, dtype=np.float32))
    detector: VoiceActivity = field(default_factory=VoiceActivity)
    probabilities: list[float] = field(default_factory=list)
    next_window: int = 0  # the first that is not looked at
    is_voiced: bool = False
    first: int | None = None  # voiced window of the segment
    last: int = 0  # voiced window so far
    n_voiced: int = 0
    pauses: list[tuple[int, int]] = field(default_factory=list)  # [from, to) inside the segment

    def feed(self, block: NDArray[np.float32]) -> None:
        self.samples = np.concatenate([self.samples, block])

    def restarted(self, position_ms: int) -> "_Run":
        offset = (position_ms - self.origin_ms) * SAMPLES_PER_MS
        return _Run(position_ms, self.options, self.samples[offset:].copy())

    def next_stretch(self) -> Stretch | None:
        """The first stretch whose end is certain from what was heard."""
        self._detect(len(self.samples) - len(self.samples) % BATCH_SAMPLES)
        while self.next_window < len(self.probabilities):
            window = self.next_window
            self.next_window += 1
            self._hear(window)
            if stretch := self._cut_after(window):
                return stretch
        return None

    def last_stretch(self) -> Stretch | None:
        """As `next_stretch`, when no more sound will come."""
        if len(self.samples) < SAMPLES_PER_MS:
            return None
        self._detect(len(self.samples))
        if stretch := self.next_stretch():
            return stretch
        if self.first is not None and self.n_voiced >= self._windows(self.options.min_speech_ms):
            return self._speech(end=self.last + 1, position=len(self.samples))
        return self._silence(len(self.samples))

    def _detect(self, up_to: int) -> None:
        done = len(self.probabilities) * WINDOW_SAMPLES
        if done < up_to:
            self.probabilities.extend(self.detector.probabilities(self.samples[done:up_to]).tolist())

    def _hear(self, window: int) -> None:
        threshold = self.options.silence_threshold if self.is_voiced else self.options.speech_threshold
        self.is_voiced = self.probabilities[window] >= threshold
        if self.is_voiced:
            if self.first is None:
                self.first, self.n_voiced, self.pauses = window, 0, []
            elif window > self.last + 1:
                self.pauses.append((self.last + 1, window))
            self.last = window
            self.n_voiced += 1

    def _cut_after(self, window: int) -> Stretch | None:
        options = self.options
        if self.first is None:
            if window + 1 >= self._windows(1000 * options.report_silence_s):
                return self._silence((window + 1 - WARM_UP_WINDOWS) * WINDOW_SAMPLES)
            return None
        n_quiet = window - self.last
        is_burst = self.n_voiced < self._windows(options.min_speech_ms)
        if is_burst and n_quiet >= self._windows(options.burst_pause_ms):
            self.first = None
        elif n_quiet >= self._windows(1000 * options.max_pause_s):
            return self._speech(end=self.last + 1, position=(window + 1 - WARM_UP_WINDOWS) * WINDOW_SAMPLES)
        elif window + 1 >= self._longest_end():
            return self._cut_within(window + 1)
        return None

    def _cut_within(self, end: int) -> Stretch | None:
        """Cuts a segment that is as long as should be at its longest pause; without one, when patience has an end,
        where it is least loud.
        """
        assert self.first is not None
        pauses = [*self.pauses, (self.last + 1, end)]
        earliest = self.first + EARLIEST_CUT * (end - self.first)
        length, start = max((to - start, start) for start, to in pauses if start >= earliest or to == end)
        if length >= self._windows(self.options.min_pause_ms):
            kept = min(length / 2, WARM_UP_WINDOWS)
            return self._speech(end=start, position=int((start + length - kept) * WINDOW_SAMPLES))
        if end < self._longest_end() + int(1000 * self.options.patience_s / WINDOW_MS):
            return None
        first = max(self.first + 1, end - CUT_SEARCH_WINDOWS)
        quietest = first + int(np.argmin(self._loudness(first, end)))
        return self._speech(end=quietest + 1, position=quietest * WINDOW_SAMPLES + WINDOW_SAMPLES // 2)

    def _longest_end(self) -> int:
        """The window at which a segment is as long as should be, padding included."""
        assert self.first is not None
        length = self._windows(1000 * self.options.max_segment_s - 2 * self.options.padding_ms)
        return length + (0 if self.first <= SOON_WINDOWS else self.first)

    def _loudness(self, first: int, end: int) -> NDArray[np.float32]:
        """Power of each window with its neighbours: `(end - first,)`."""
        windows = self.samples[: end * WINDOW_SAMPLES].reshape(-1, WINDOW_SAMPLES)[first:end]
        power = np.pad(np.mean(np.square(windows), axis=1), 1, mode="edge")
        return np.asarray(power[:-2] + 2 * power[1:-1] + power[2:], dtype=np.float32)

    def _speech(self, *, end: int, position: int) -> Stretch:
        """Speech from the first voiced window up to the window `end`, with padding; cut at the sample `position`."""
        assert self.first is not None
        padding = int(self.options.padding_ms) * SAMPLES_PER_MS
        position -= position % SAMPLES_PER_MS
        start = 0 if self.first <= SOON_WINDOWS else self.first * WINDOW_SAMPLES - padding
        start = max(0, start - start % SAMPLES_PER_MS)
        stop = min(position, end * WINDOW_SAMPLES + padding)
        return Stretch(
            start_ms=self.origin_ms + start // SAMPLES_PER_MS,
            end_ms=self.origin_ms + stop // SAMPLES_PER_MS,
            position_ms=self.origin_ms + position // SAMPLES_PER_MS,
            samples=self.samples[start:stop].copy(),
        )

    def _silence(self, position: int) -> Stretch:
        end_ms = self.origin_ms + position // SAMPLES_PER_MS
        return Stretch(self.origin_ms, end_ms, end_ms, np.zeros(0, dtype=np.float32))

    @staticmethod
    def _windows(duration_ms: float) -> int:
        return max(1, round(duration_ms / WINDOW_MS))
