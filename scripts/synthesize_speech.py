"""Sentences, spoken by flite and espeak-ng: `python -m scripts.synthesize_speech --text sentences.txt --output folder`.

`--grid` speaks sentences of GRID's grammar instead. For `finetune_asr --more`: it leaves out itself whatever sentence
is kept for validation or test. Which sentences are spoken, and by whom, depends on the seed alone; started again, it
goes on where it was.
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
# Of Debian's flite: two voices that were cut from a woman's and a man's sentences, the first oftener, and two lesser.
FLITE = ("slt", "slt", "rms", "awb", "kal16")
# Of espeak-ng: British, as GRID's speakers are.
ESPEAK = tuple(
    f"{accent}+{voice}"
    for accent in ("en-gb", "en-gb-x-rp", "en-gb-scotland", "en-gb-x-gbclan")
    for voice in ("m1", "m2", "m3", "m4", "m7", "f1", "f2", "Andy", "Lee", "Mike", "john", "rob", "Michael", "ed")
)
GRID = (
    ("bin", "lay", "place", "set"),
    ("blue", "green", "red", "white"),
    ("at", "by", "in", "with"),
    tuple("abcdefghijklmnopqrstuvxyz"),
    ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    ("again", "now", "please", "soon"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--text", type=Path, help="a sentence a line; .xz, too")
    source.add_argument("--grid", action="store_true", help="sentences of GRID's grammar, by British voices")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--sentences", type=int, default=1_500)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    asked.output.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(asked.seed)
    if asked.grid:
        sentences = [" ".join(str(random.choice(words)) for words in GRID) for _ in range(asked.sentences)]
    else:
        found = spoken_sentences(asked.text)
        sentences = [found[index] for index in random.permutation(len(found))[: asked.sentences]]
    lines = []
    for number, sentence in enumerate(sentences):
        voices = ESPEAK if asked.grid else FLITE
        voice, slowness = voices[random.integers(len(voices))], random.uniform(0.85, 1.15)
        sound = asked.output / f"{number:05d}-{voice}.wav"
        if not sound.exists():
            speak(sentence, voice, slowness, sound)
        with wave.open(str(sound)) as file:
            duration_s = file.getnframes() / file.getframerate()
        lines.append(json.dumps({"path": sound.name, "text": sentence, "duration_s": round(duration_s, 3)}))
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


def speak(sentence: str, voice: str, slowness: float, sound: Path) -> None:
    """Writes a WAV; `slowness` is how many times longer than usual it lasts."""
    partial = sound.with_suffix(".partial")
    if voice in FLITE:
        slowly = f"duration_stretch={slowness:.3f}"
        command = ["flite", "-voice", voice, "--setf", slowly, "-t", sentence, "-o", str(partial)]
    else:
        spelled = " ".join("[[eI]]" if word == "a" else word for word in sentence.split())  # the letter, no article
        command = ["espeak-ng", "-v", voice, "-s", str(round(175 / slowness)), "-w", str(partial), spelled]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    if done.returncode or not partial.exists():
        sys.exit(f"{command[0]} failed ({done.stderr[-500:]}): on Debian, sudo apt-get install flite espeak-ng")
    partial.rename(sound)


if __name__ == "__main__":
    main()
