"""Sentences of a text, spoken by flite: `python -m scripts.synthesize_speech --text europarl.txt.xz --output folder`.

For `finetune_asr --more`: it leaves out itself whatever sentence is kept for validation or test. Which sentences are
spoken, and by whom, depends on the seed alone; started again, it goes on where it was.
"""

import argparse
import json
import lzma
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np

from apps.transcription.asr.normalization import Normalizer

LIMIT_S = 60
MIN_WORDS, MAX_WORDS = 4, 14
# Debian's flite: two voices made of whole sentences of a woman and of a man, and two lesser ones.
VOICES = ("slt", "slt", "rms", "awb", "kal16")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--text", type=Path, required=True, help="a sentence a line; .xz, too")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--sentences", type=int, default=1_500)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    asked.output.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(asked.seed)
    sentences = spoken_sentences(asked.text)
    lines = []
    for number, index in enumerate(random.permutation(len(sentences))[: asked.sentences]):
        voice, stretch = VOICES[random.integers(len(VOICES))], random.uniform(0.85, 1.15)
        sound = asked.output / f"{number:05d}-{voice}.wav"
        if not sound.exists():
            speak(sentences[index], voice, stretch, sound)
        with wave.open(str(sound)) as file:
            duration_s = file.getnframes() / file.getframerate()
        lines.append(json.dumps({"path": sound.name, "text": sentences[index], "duration_s": round(duration_s, 3)}))
    (asked.output / "synthetic.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def spoken_sentences(path: Path) -> list[str]:
    """The different sentences of MIN_WORDS to MAX_WORDS words that letters alone can write, in order."""
    with lzma.open(path, "rt", encoding="utf-8") if path.suffix == ".xz" else path.open(encoding="utf-8") as file:
        lines = file.read().splitlines()
    normalizer = Normalizer()
    found: dict[str, None] = {}
    for line in lines:
        if MIN_WORDS <= line.count(" ") + 1 <= MAX_WORDS and not normalizer.unspelled(line):
            found[" ".join(normalizer.words(line))] = None
    return list(found)


def speak(sentence: str, voice: str, stretch: float, sound: Path) -> None:
    """Writes a WAV of 16 kHz; `stretch` is how much longer than usual it lasts."""
    partial = sound.with_suffix(".partial")
    command = [
        "flite",
        "-voice",
        voice,
        "--setf",
        f"duration_stretch={stretch:.3f}",
        "-t",
        sentence,
        "-o",
        str(partial),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    if done.returncode or not partial.exists():
        sys.exit(f"flite failed ({done.stderr[-500:]}): on Debian, sudo apt-get install flite")
    partial.rename(sound)


if __name__ == "__main__":
    main()
