"""Networks held against each other, and against what needs no network, on clips that none of them learned from."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.avsync.syncnet.accuracy import (
    CLIP_LENGTHS,
    REACH,
    Rights,
    Share,
    gain,
    offset_distances,
    rights,
    share,
)
from apps.avsync.syncnet.dataset import Example, inner
from apps.avsync.syncnet.mfcc import STEPS_PER_FRAME
from apps.avsync.syncnet.offset import INPUT_FRAMES
from apps.avsync.syncnet.streams import SyncNetwork
from apps.avsync.syncnet.voicing import voiced_frames
from apps.avsync.syncnet.weights import TrainedNetwork
from apps.results.charts import Chart, Line

MEASURED_FRAMES = 75  # of a clip by which speed is measured
MEASUREMENTS = 5
Signal = Callable[[NDArray[np.uint8]], NDArray[np.float32]]  # crops (n, H, W[, C]) -> a value for each: (n,)
Found = dict[str, dict[int, Rights]]  # of each method and each number of frames


def compare(
    networks: Mapping[str, TrainedNetwork],
    examples: Sequence[Example],
    report: Callable[[str], None] = lambda _: None,
) -> Found:
    """What each network, and each correlation, gets right on the same places of the same clips."""
    found: Found = {}
    for name, trained in networks.items():
        distances = [_distances(trained.network, example) for example in examples]
        found[name] = {length: [rights(each, length) for each in distances] for length in CLIP_LENGTHS}
        report(name)
    for name, signal in SIGNALS.items():
        found[name] = {
            length: [correlation_rights(example, length, signal) for example in examples] for length in CLIP_LENGTHS
        }
        report(name)
    return found


def _distances(network: SyncNetwork, example: Example) -> NDArray[np.float32]:
    return offset_distances(network.embed_video(inner(example.crops)), network.embed_audio(example.coefficients))


def while_speaking(found: Found, examples: Sequence[Example]) -> Found:
    """The same without the places where less than half of the pictures have a voice: there lips tell nothing."""
    voiced = [voiced_frames(example.samples) for example in examples]
    return {
        method: {
            length: [
                of_clip[_is_spoken(frames, length)[: len(of_clip)]]
                for of_clip, frames in zip(clips, voiced, strict=True)
            ]
            for length, clips in of_method.items()
        }
        for method, of_method in found.items()
    }


def _is_spoken(voiced: NDArray[np.bool_], n_frames: int) -> NDArray[np.bool_]:
    """Of each place as `rights` counts them, the first of which begins REACH frames into the clip."""
    stretches = np.lib.stride_tricks.sliding_window_view(voiced[REACH:], n_frames)
    return np.asarray(stretches.mean(1) >= 0.5)


def by_speaker(found: Found, examples: Sequence[Example], *, method: str) -> list[dict[str, Any]]:
    """A row for each speaker: how many clips, and how often `method` is right on them, in per cent."""
    rows = []
    for speaker in sorted({example.clip.speaker for example in examples}):
        own = [index for index, example in enumerate(examples) if example.clip.speaker == speaker]
        shares = {
            f"right_{length}": round(100 * share([found[method][length][index] for index in own]).mean, 2)
            for length in (5, 15)
        }
        rows.append({"method": method, "speaker": speaker, "clips": len(own), **shares})
    return rows


def movement(crops: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The mean change of levels since the picture before."""
    levels = crops.astype(np.float32)
    return np.asarray(np.abs(np.diff(levels, axis=0, prepend=levels[:1])).reshape(len(levels), -1).mean(1))


def darkness(crops: NDArray[np.uint8]) -> NDArray[np.float32]:
    """How dark the middle of the mouth is: how far it is open."""
    rows, columns = (slice(side * 3 // 8, side * 5 // 8) for side in crops.shape[1:3])
    return np.asarray(-crops[:, rows, columns].astype(np.float32).reshape(len(crops), -1).mean(1))


# What needs no network: how far loudness goes with what the mouth does.
SIGNALS: Mapping[str, Signal] = {"movement": movement, "darkness": darkness}


def correlation_rights(example: Example, n_frames: int, signal: Signal = movement) -> NDArray[np.bool_]:
    """The same by how far loudness goes with a signal of the crops, picture by picture; places as `rights` has them.

    Loudness is the first MFCC; the nearest sound is that of the highest Pearson correlation over `n_frames`.
    """
    levels = inner(example.crops)
    moved = signal(levels)
    loud = example.coefficients[: STEPS_PER_FRAME * len(levels), 0].reshape(-1, STEPS_PER_FRAME).mean(1)
    n_places = len(levels) - n_frames + 1 - 2 * REACH
    if n_places < 1:
        return np.zeros(0, np.bool_)
    movements, sounds = (_standardised(values, n_frames) for values in (moved, loud))
    own = movements[REACH : REACH + n_places]
    distances = np.stack(
        [-(own * sounds[shift : shift + n_places]).sum(1) for shift in range(2 * REACH + 1)], axis=1
    ).astype(np.float32)
    return rights(distances, INPUT_FRAMES)  # one row is one place already


def _standardised(values: NDArray[np.float32], length: int) -> NDArray[np.float32]:
    """All stretches of `length` values, `(n, length)`, each with mean 0 and norm 1."""
    stretches = np.lib.stride_tricks.sliding_window_view(values, length)
    centred = stretches - stretches.mean(1, keepdims=True)
    return np.asarray(centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-6), np.float32)


def table(part: str, found: Found) -> list[dict[str, Any]]:
    """Table 1: a row for each method and number of frames, in per cent with 95 % intervals over clips."""
    return [
        {"part": part, "method": method, "frames": length, **_per_cent(share(of_method[length]))}
        for method, of_method in found.items()
        for length in CLIP_LENGTHS
    ]


def gains(part: str, found: Found, *, over: str) -> list[dict[str, Any]]:
    """By how many per cent `over` is more often right than each other method on the same places: paired bootstrap."""
    return [
        {
            "part": part,
            "method": over,
            "compared_with": method,
            "frames": length,
            **_per_cent(gain(found[over][length], found[method][length])),
        }
        for method in found
        if method != over
        for length in CLIP_LENGTHS
    ]


def draw(part: str, found: Found, path: Path) -> None:
    """Figure 6: shares that are right over the number of frames, a line for each method."""
    lengths = [float(length) for length in CLIP_LENGTHS]
    lines = [
        Line(method, lengths, [100 * share(of_method[length]).mean for length in CLIP_LENGTHS])
        for method, of_method in found.items()
    ]
    chart = Chart(f"right within a frame, % ({part.replace('_', ' ')})", "frames", lines)
    chart.lines(lines, names="left")
    chart.save(path)


@dataclass(frozen=True)
class Speed:
    """Milliseconds of the processor, all threads together, a window of five pictures: medians."""

    video_ms: float
    audio_ms: float


def speed(trained: TrainedNetwork) -> Speed:
    options = trained.network.options
    generator = np.random.default_rng(0)
    shape = (MEASURED_FRAMES, options.size, options.size, options.channels)
    crops = generator.integers(0, 256, shape, dtype=np.uint8)
    coefficients = generator.standard_normal((STEPS_PER_FRAME * MEASURED_FRAMES, 13)).astype(np.float32)
    n_windows = MEASURED_FRAMES - INPUT_FRAMES + 1
    return Speed(
        _median_ms(lambda: trained.network.embed_video(crops)) / n_windows,
        _median_ms(lambda: trained.network.embed_audio(coefficients)) / n_windows,
    )


def facts_of(name: str, trained: TrainedNetwork, training: Sequence[Example], found: Found) -> dict[str, Any]:
    """A row for the choice of N: how many candidates it learned with, how many clips are long enough for them."""
    facts = trained.facts
    wanted = int(facts["gap"]) * (int(facts["ways"]) - 1) + INPUT_FRAMES
    return {
        "network": name,
        "objective": facts["objective"],
        "ways": facts["ways"],
        "gap": facts["gap"],
        "steps": facts["steps"],
        "usable_clips": sum(len(example.crops) >= wanted for example in training),
        **{f"right_{length}": round(100 * share(found[name][length]).mean, 2) for length in (5, 15)},
    }


def _median_ms(call: Callable[[], object]) -> float:
    call()
    taken = []
    for _ in range(MEASUREMENTS):
        started_s = time.process_time()
        call()
        taken.append(1000 * (time.process_time() - started_s))
    return float(np.median(taken))


def _per_cent(value: Share) -> dict[str, Any]:
    facts = asdict(value)
    n_clips = facts.pop("n_clips")
    return {**{name: round(100 * number, 2) for name, number in facts.items()}, "n_clips": n_clips}
