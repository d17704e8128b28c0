"""New sentences of recorded words: `python -m scripts.splice_speech --help`.

For sentences of one grammar, as GRID's: each word of a new sentence is that of one recording at the same place, all of
one speaker (the folder that a recording lies in). What a network could learn by heart of few recordings, which word
comes with which, tells nothing here. Which recordings are cut depends on the seed alone.
"""

import argparse
import json
import wave
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from apps.media.audio import stream_samples
from apps.transcription.asr.recognizers.base import SAMPLE_RATE

AROUND_S = 0.06  # of the sound before a word, and after it, that is cut along, where nothing else is said
FADE = SAMPLE_RATE // 100  # samples over which one recording goes over into the next

Samples = NDArray[np.float32]


@dataclass(frozen=True)
class Recording:
    """The words of a recording, and of each its samples `(n_samples,)`."""

    words: tuple[str, ...]
    sounds: tuple[Samples, ...]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="recordings, a JSON object a line; others are not cut")
    parser.add_argument("--words", type=Path, required=True, help="JSON lines with the times of words, by clip")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--sentences", type=int, default=3_000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    asked.output.mkdir(parents=True, exist_ok=True)
    speakers = list(recordings(asked.data, asked.words).values())
    shares = np.array([len(each) for each in speakers]) / sum(map(len, speakers))
    random = np.random.default_rng(asked.seed)
    lines = []
    for number in range(asked.sentences):
        speaker = speakers[random.choice(len(speakers), p=shares)]
        n_words = len(speaker[0].words)
        chosen = [speaker[index] for index in random.integers(len(speaker), size=n_words)]
        samples = joined([each.sounds[place] for place, each in enumerate(chosen)])
        path = asked.output / f"{number:05d}.wav"
        write(path, samples)
        text = " ".join(each.words[place] for place, each in enumerate(chosen))
        lines.append(json.dumps({"path": path.name, "text": text, "duration_s": round(len(samples) / SAMPLE_RATE, 3)}))
    (asked.output / "spliced.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def recordings(data: Path, words: Path) -> dict[str, list[Recording]]:
    """By speaker, those of `data` whose words have times, and as many words as that speaker's first."""
    timed = {clip["clip"]: clip["words"] for clip in map(json.loads, words.read_text(encoding="utf-8").splitlines())}
    found: dict[str, list[Recording]] = defaultdict(list)
    for line in data.read_text(encoding="utf-8").splitlines():
        path = Path(json.loads(line)["path"])
        speaker = path.parent.name
        times = timed.get(f"{speaker}/{path.name}")
        if times and (speaker not in found or len(times) == len(found[speaker][0].words)):
            samples = np.concatenate(list(stream_samples(path)))
            found[speaker].append(Recording(tuple(word["word"] for word in times), tuple(cut(samples, times))))
    return dict(found)


def cut(samples: Samples, times: Sequence[dict[str, int]]) -> list[Samples]:
    """Of each word its samples, with half of the silence around it, `AROUND_S` at most."""
    sounds = []
    for index, word in enumerate(times):
        before_ms = times[index - 1]["end_ms"] if index else 0
        after_ms = times[index + 1]["start_ms"] if index + 1 < len(times) else round(len(samples) / SAMPLE_RATE * 1_000)
        start_s = max((before_ms + word["start_ms"]) / 2_000, word["start_ms"] / 1_000 - AROUND_S)
        end_s = min((word["end_ms"] + after_ms) / 2_000, word["end_ms"] / 1_000 + AROUND_S)
        sounds.append(samples[round(start_s * SAMPLE_RATE) : round(end_s * SAMPLE_RATE) + FADE])
    return sounds


def joined(sounds: Sequence[Samples]) -> Samples:
    """One after another, each faded into the next over `FADE` samples."""
    whole = sounds[0]
    rise = np.linspace(0, 1, FADE, dtype=np.float32)
    for sound in sounds[1:]:
        n_faded = min(FADE, len(whole), len(sound))
        over = whole[-n_faded:] * (1 - rise[:n_faded]) + sound[:n_faded] * rise[:n_faded]
        whole = np.concatenate([whole[:-n_faded], over, sound[n_faded:]])
    return whole


def write(path: Path, samples: Samples) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())


if __name__ == "__main__":
    main()
