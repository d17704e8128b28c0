"""A language that anybody can learn in seconds: each letter is a tone, words are parted by silence."""

import json
import wave
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

RATE = 16_000
LETTER_S = 0.14
SENTENCES = ("ab ba", "cab", "a c b", "bca ac")


def spoken(sentence: str, *, rate: int = RATE) -> NDArray[np.float32]:
    times_s = np.arange(round(LETTER_S * rate)) / rate
    window = np.hanning(len(times_s))
    pieces = [np.zeros(len(times_s))]
    for letter in sentence:
        hz = 0 if letter == " " else 400 * 1.6 ** (ord(letter) - ord("a"))
        pieces += [0.5 * window * np.sin(2 * np.pi * hz * times_s)]
    noise = 0.002 * np.random.default_rng(1).standard_normal(sum(map(len, pieces)) + len(times_s))
    noise[: sum(map(len, pieces))] += np.concatenate(pieces)
    return noise.astype(np.float32)


def write_sound(path: Path, samples: NDArray[np.float32], *, rate: int = RATE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((samples * 32_767).astype("<i2").tobytes())
    return path


def write_corpus(folder: Path, sentences: Sequence[str] = SENTENCES) -> Path:
    """Sounds and a manifest of them; the manifest."""
    lines = []
    for number, sentence in enumerate(sentences):
        sound = write_sound(folder / f"{number}.wav", spoken(sentence.lower()))
        lines.append(json.dumps({"path": sound.name, "text": sentence}))
    manifest = folder / "tones.jsonl"
    manifest.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return manifest
