"""`python -m benchmarks.chunking --checkpoint FOLDER --data MANIFEST`: heard whole and in chunks, the same sounds.

Joins utterances into longer sounds, and compares the error rate of greedy decoding where the network hears each
whole with that where it hears chunks whose log-probs are joined.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from apps.media.audio import stream_samples
from apps.transcription.asr.evaluation import Heard, difference, word_error_rate
from apps.transcription.asr.language_model import NO_LANGUAGE_MODEL
from apps.transcription.asr.recognizers.base import SAMPLE_RATE
from apps.transcription.asr.recognizers.wav2vec2 import Wav2Vec2Options, Wav2Vec2Recognizer
from apps.transcription.evaluating import normalizer_of, read_manifest

WHOLE_S = 60.0  # longer than any sound here


def joined(manifest: Path, longest_s: float) -> tuple[list[NDArray[np.float32]], list[str]]:
    """Neighbouring utterances as sounds of at most `longest_s`, and what is said in each."""
    sounds: list[list[NDArray[np.float32]]] = []
    texts: list[list[str]] = []
    length = longest_s * SAMPLE_RATE
    for utterance in read_manifest(manifest):
        samples = np.concatenate(list(stream_samples(utterance.path)))
        if not sounds or sum(map(len, sounds[-1])) + len(samples) > length:
            sounds.append([])
            texts.append([])
        sounds[-1].append(samples)
        texts[-1].append(utterance.text)
    return [np.concatenate(pieces) for pieces in sounds], [" ".join(said) for said in texts]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--whole-s", type=float, default=27.0, help="how long the joined sounds are")
    parser.add_argument("--chunks-s", type=float, nargs="+", default=[6.0, 10.0, 15.0])
    parser.add_argument("--cache-dir", type=Path, default=Path("var/benchmarks/models"))
    options = parser.parse_args()
    normalize = normalizer_of("en")
    sounds, texts = joined(options.data, options.whole_s)
    whole = Wav2Vec2Options(
        options.checkpoint, device="cpu", cache_dir=options.cache_dir.resolve(), language_model=NO_LANGUAGE_MODEL
    )
    heard = {}
    for chunk_s in (WHOLE_S, *options.chunks_s):
        words = Wav2Vec2Recognizer(replace(whole, chunk_s=chunk_s)).transcribe_many(sounds)
        heard[chunk_s] = [
            Heard("joined", tuple(normalize(text)), tuple(normalize(" ".join(word.text for word in each))), (), (), 0.0)
            for text, each in zip(texts, words, strict=True)
        ]
    rate = word_error_rate(heard[WHOLE_S])
    print(f"whole: {rate.percent:.2f} % WER over {rate.n} words in {len(sounds)} sounds")
    for chunk_s in options.chunks_s:
        change = difference(heard[WHOLE_S], heard[chunk_s])
        print(f"chunks of {chunk_s:g} s: {change.percent:+.2f} points ({change.low:+.2f} to {change.high:+.2f})")


if __name__ == "__main__":
    main()
