"""What a recogniser says of its words -> what is true of them on average: how sure it may be, and when they are said.

Confidence: logistic regression on the log-odds of the recogniser's own figure (Platt, "Probabilistic Outputs for
Support Vector Machines", 1999) and on the mean of those of the words around: in a stretch that is heard badly, a word
of which the recogniser is sure is wrong oftener than elsewhere. It grows with both. Times: `asr.word_times`.

Both are fitted by `manage.py calibrate_asr` on speech whose words are known, and applied to every recogniser's words
by `recognizers.base.transcribe_all`.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from os import W_OK, access
from pathlib import Path
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from apps.transcription.asr import word_times
from apps.transcription.asr.evaluation import Heard
from apps.transcription.asr.word_times import TimeMap
from apps.transcription.asr.words import Word

FILE_NAME = "calibration.json"
N_AROUND = 5  # words on either side; 3 to 12 do about as well
MIN_ODDS_CONFIDENCE = 1e-3  # figures beyond it, and 1 minus it, are not told apart
MIN_WORDS = 200  # with fewer, the fit says more about them than about the recogniser
MIN_TIMED_WORDS = 200
PRIOR_WEIGHT = 1.0  # in words: how strongly a map is held to leave confidences as they are
N_FOLDS = 5


class CalibrationError(ValueError):
    """There is too little speech to fit on, or a file of it cannot be read. The message says what to do."""


@dataclass(frozen=True)
class ConfidenceMap:
    """Log-odds of a word: `offset + own * its own + around * the mean of those around`. `own` and `around` are >= 0."""

    offset: float = 0.0
    own: float = 1.0
    around: float = 0.0

    def of(self, raw: NDArray[np.float64]) -> NDArray[np.float64]:
        """The probabilities that words are right, from the recogniser's figures for them: `(n,)`, in order."""
        return _probability(self.offset + features(raw) @ np.array([self.own, self.around]))


@dataclass(frozen=True)
class Calibration:
    """Of one recogniser with one way of decoding. `times` is None where too few words were timed."""

    confidence: ConfidenceMap
    times: TimeMap | None = None
    n_words: int = 0  # that it was fitted on, and
    fitted_on: str = ""  # of which speech

    def applied(self, words: Sequence[Word], duration_s: float) -> list[Word]:
        """The words of one stretch of sound that lasts `duration_s`, corrected; their texts stay."""
        if not words:
            return []
        confidences = self.confidence.of(np.array([word.confidence for word in words])).tolist()
        surer = [replace(word, confidence=its) for word, its in zip(words, confidences, strict=True)]
        return self.times.applied(surer, duration_s) if self.times else surer


def features(raw: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log-odds of each word and the mean of those around it (of a lone word its own): `(n, 2)`."""
    bounded = np.clip(raw, MIN_ODDS_CONFIDENCE, 1 - MIN_ODDS_CONFIDENCE)
    odds = np.log(bounded / (1 - bounded))
    sums = np.concatenate([[0.0], np.cumsum(odds)])
    places = np.arange(len(odds))
    first, last = np.maximum(places - N_AROUND, 0), np.minimum(places + N_AROUND + 1, len(odds))
    n_others = last - first - 1
    around = np.where(n_others > 0, (sums[last] - sums[first] - odds) / np.maximum(n_others, 1), odds)
    return np.stack([odds, around], axis=1)


def fit(utterances: Sequence[Heard], *, fitted_on: str = "") -> Calibration:
    """What to make of a recogniser's own figures, from what it heard with them. Raises CalibrationError."""
    n_words = sum(len(each.words) for each in utterances)
    if n_words < MIN_WORDS:
        raise CalibrationError(f"{n_words} words were heard, and a calibration needs {MIN_WORDS}: give it more speech.")
    return Calibration(_fitted(utterances), _fitted_times(utterances), n_words, fitted_on)


def cross_calibrated(utterances: Sequence[Heard]) -> list[Heard]:
    """The utterances, each as a calibration corrects it that was fitted on those with other texts (5 folds)."""
    folds = [crc32(" ".join(each.said).encode()) % N_FOLDS for each in utterances]
    fitted = []
    for fold in range(N_FOLDS):
        others = [each for each, its in zip(utterances, folds, strict=True) if its != fold]
        fitted.append(Calibration(_fitted(others), _fitted_times(others)))
    return [
        replace(each, words=tuple(fitted[fold].applied(each.words, each.duration_s)))
        for each, fold in zip(utterances, folds, strict=True)
    ]


def _judged(each: Heard) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The figure of each word that was heard and whether it is right, 0 or 1: twice `(n,)`."""
    right = np.zeros(len(each.words))
    for pair in each.pairs():
        if pair.heard is not None:
            right[pair.heard] = each.is_right(pair)
    return np.array([word.confidence for word in each.words]), right


def _fitted(utterances: Sequence[Heard]) -> ConfidenceMap:
    """The most probable map; one that would sink where confidences grow goes without what sinks."""
    judged = [_judged(each) for each in utterances if each.words]
    if not judged:
        return ConfidenceMap()
    x = np.concatenate([features(raw) for raw, _ in judged])
    right = np.concatenate([its for _, its in judged])
    used = [0, 1, 2]
    while True:
        weights = np.array([0.0, 0.0, 0.0])
        weights[used] = _newton(np.c_[np.ones(len(x)), x][:, used], right, np.array([0.0, 1.0, 0.0])[used])
        sinking = [index for index in used if index and weights[index] < 0]
        if not sinking:
            return ConfidenceMap(*map(float, weights))
        used.remove(sinking[-1])


def _newton(x: NDArray[np.float64], y: NDArray[np.float64], prior: NDArray[np.float64]) -> NDArray[np.float64]:
    """The weights of `x` `(n, k)` by Newton's method, with `prior` as the centre of a normal prior: `(k,)`."""

    def loss(weights: NDArray[np.float64]) -> float:
        odds = x @ weights
        return float((np.logaddexp(0.0, odds) - y * odds).sum() + PRIOR_WEIGHT / 2 * np.square(weights - prior).sum())

    weights = prior.copy()
    for _ in range(100):
        p = _probability(x @ weights)
        gradient = x.T @ (p - y) + PRIOR_WEIGHT * (weights - prior)
        curvature = (x * (p * (1 - p))[:, None]).T @ x + PRIOR_WEIGHT * np.eye(len(prior))
        step = np.linalg.solve(curvature, gradient)
        while loss(weights - step) > loss(weights) and np.abs(step).max() > 1e-9:
            step = step / 2  # where the curve is flat a whole step goes too far
        weights = weights - step
        if np.abs(step).max() < 1e-6:
            break
    return np.asarray(weights)


def _probability(odds: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.exp(-np.logaddexp(0.0, -odds)))


def _fitted_times(utterances: Sequence[Heard]) -> TimeMap | None:
    """By the words that were heard right; None where too few of them are timed."""
    x, off_s = [], []
    for each in utterances:
        if not each.said_times_s or not each.words:
            continue
        its = word_times.features(each.words)
        for pair in each.pairs():
            if pair.said is not None and pair.heard is not None and each.is_right(pair):
                start_s, end_s = each.said_times_s[pair.said]
                word = each.words[pair.heard]
                x.append(its[pair.heard])
                off_s.append((start_s - word.start_s, end_s - word.end_s))
    return word_times.fitted_times(np.array(x), np.array(off_s)) if len(x) >= MIN_TIMED_WORDS else None


def calibration_file(model: str, folder: Path, cache_dir: Path | None) -> Path:
    """Where the calibration of a checkpoint is: in its folder, where that is the operator's own; else in `cache_dir`.

    What was downloaded of a hub's id is a copy that the next download may replace.
    """
    is_own = Path(model).expanduser().is_dir()
    if cache_dir is None or (folder / FILE_NAME).exists() or (is_own and access(folder, W_OK)):
        return folder / FILE_NAME
    return cache_dir / "calibration" / f"{re.sub(r'[^0-9A-Za-z_.-]+', '--', model).strip('-')}.json"


def read_calibrations(file: Path) -> dict[str, Calibration]:
    """By way of decoding; empty where there is no such file. Raises CalibrationError."""
    if not file.exists():
        return {}
    try:
        entries = json.loads(file.read_text(encoding="utf-8"))
        return {
            decoding: Calibration(
                ConfidenceMap(**entry["confidence"]),
                TimeMap(**{end: tuple(weights) for end, weights in entry["times"].items()}) if entry["times"] else None,
                entry["n_words"],
                entry["fitted_on"],
            )
            for decoding, entry in entries.items()
        }
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise CalibrationError(
            f"{file} cannot be read ({error!r}): delete it, and write it anew with `python manage.py calibrate_asr`"
        ) from error


def write_calibrations(file: Path, calibrations: Mapping[str, Calibration]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({decoding: asdict(its) for decoding, its in calibrations.items()}, indent=2, ensure_ascii=False)
    unfinished = file.with_name(f".{file.name}.unfinished")
    unfinished.write_text(text + "\n", encoding="utf-8")
    unfinished.replace(file)
