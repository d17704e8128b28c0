"""`python -m benchmarks.asr_memory [--minutes 10 600] [--checkpoint FOLDER]`: peak memory by the length of the file.

Speech of the sample video and pauses, over and over, is written to a file of each length and transcribed as the stage
does, in a process of its own. Without `--checkpoint` the recogniser costs nothing, so that hours take minutes: what is
measured is decoding, voice activity, segments and captions.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from apps.transcription.asr.recognizers.base import SAMPLE_RATE, Recognizer
from apps.transcription.asr.recognizers.wav2vec2 import Wav2Vec2Options, Wav2Vec2Recognizer
from apps.transcription.asr.transcriber import TranscribeOptions, transcribe_file
from apps.transcription.asr.words import Word
from tests.transcription.asr.sounds import speech, write_long_sound

WORD_S = 0.4


class FreeRecognizer:
    """Says a word each 0.4 s, several sounds at once, whatever it hears."""

    name = "free"
    languages = None
    batch_size = 4

    def transcribe(self, samples: NDArray[np.float32]) -> list[Word]:
        n_words = int(len(samples) / SAMPLE_RATE / WORD_S)
        return [Word("word", index * WORD_S, (index + 0.9) * WORD_S, 0.5) for index in range(n_words)]

    def transcribe_many(self, sounds: list[NDArray[np.float32]]) -> list[list[Word]]:
        return [self.transcribe(samples) for samples in sounds]


def measured(path: Path, checkpoint: str, cache_dir: str) -> dict[str, float]:
    """Peak memory in MB of transcribing the file in this process, when half of it was done and at the end."""
    recognizer: Recognizer = FreeRecognizer()
    if checkpoint:
        recognizer = Wav2Vec2Recognizer(Wav2Vec2Options(checkpoint, device="cpu", cache_dir=Path(cache_dir)))
    began = time.perf_counter()
    first_s = n_captions = 0.0
    for segment in transcribe_file(path, recognizer, TranscribeOptions()):
        n_captions += len(segment.captions)
        if n_captions and not first_s:
            first_s = time.perf_counter() - began
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    seconds = time.perf_counter() - began
    return {"peak_mb": peak_mb, "seconds": seconds, "first_caption_s": first_s, "captions": n_captions}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", nargs="+", type=int, default=[10, 600])
    parser.add_argument("--checkpoint", default="", help="a CTC checkpoint's folder")
    parser.add_argument("--cache-dir", default="var/benchmarks/models")
    parser.add_argument("--of", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.of:
        print(json.dumps(measured(options.of, options.checkpoint, options.cache_dir)))
        return
    pauses = [np.zeros(int(seconds * SAMPLE_RATE), dtype=np.float32) for seconds in (0.3, 1.0, 3.0)]
    block = np.concatenate(
        [piece for index, pause in enumerate(pauses) for piece in (speech(18, from_s=index * 20), pause)]
    )
    first_mb = 0.0
    with tempfile.TemporaryDirectory() as folder:
        for minutes in options.minutes:
            path = write_long_sound(Path(folder) / "long.wav", minutes, block)
            command = [sys.executable, "-m", "benchmarks.asr_memory", "--of", str(path)]
            command += ["--checkpoint", options.checkpoint, "--cache-dir", options.cache_dir]
            found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            first_mb = first_mb or found["peak_mb"]
            print(
                f"{minutes:4} minutes: {found['peak_mb']:6.0f} MB at most, {found['peak_mb'] / first_mb:.2f} times the "
                f"first; first caption after {found['first_caption_s']:.1f} s, all {found['captions']:.0f} after "
                f"{found['seconds']:.0f} s",
                flush=True,
            )


if __name__ == "__main__":
    main()
