"""`python -m benchmarks.beam_search --text held_out.txt --language-model FOLDER`: decoders on the same log-probs.

Greedy, ours, and pyctcdecode, ctc-beam-decoder and flashlight-text where they are installed; the log-probs are
seeded and synthetic (see `benchmarks.synthetic_log_probs`).
"""

import argparse
import logging
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.transcription.asr.beam_search import BeamSearch, DecoderOptions
from apps.transcription.asr.decoder import Alphabet, greedy_words
from apps.transcription.asr.evaluation import n_edits
from apps.transcription.asr.language_model import LanguageModel, read_language_model
from apps.transcription.asr.normalization import Normalizer
from benchmarks.synthetic_log_probs import FRAME_S, LABELS, MILD, STRONG, Spoken, spoken

ALPHABET = Alphabet(("-", "|", *LABELS[2:]), blank_id=0, delimiter_id=1)
SENTENCE_WORDS = range(8, 41)
# What a decoder makes of log-probs: the words, and their frames where it knows them.
Decoded = tuple[list[str], list[tuple[float, float]]]
Decoder = Callable[[NDArray[np.float32]], Decoded]


def decoders(model: LanguageModel) -> Iterator[tuple[str, Decoder]]:
    def ours(log_probs: NDArray[np.float32], search: BeamSearch | None) -> Decoded:
        words = search.words(log_probs, frame_s=1.0) if search else greedy_words(log_probs, ALPHABET, frame_s=1.0)
        return [word.text for word in words], [(word.start_s, word.end_s) for word in words]

    yield "greedy", lambda log_probs: ours(log_probs, None)
    search = BeamSearch(ALPHABET, model)
    yield "ours", lambda log_probs: ours(log_probs, search)
    narrow = BeamSearch(ALPHABET, model, DecoderOptions(beam_prune=-10.0, token_prune=-5.0))
    yield "ours, pruned as the others", lambda log_probs: ours(log_probs, narrow)
    for name in ("ctc_beam_decoder", "pyctcdecode"):
        try:
            library = __import__(name)
        except ImportError:
            print(f"{name} is not installed")
            continue
        built = library.build_ctcdecoder(list(LABELS), str(model.path), list(model.unigrams or ()))
        yield name, lambda log_probs, built=built: _of_library(built, log_probs)  # type: ignore[misc]
    try:
        yield "flashlight", _flashlight(model)
    except ImportError:
        print("flashlight-text is not installed")


def _of_library(built: Any, log_probs: NDArray[np.float32]) -> Decoded:
    timed = built.decode_beams(log_probs, beam_width=100, prune_history=True)[0][2]
    return [word for word, _ in timed], [frames for _, frames in timed]


def _flashlight(model: LanguageModel) -> Decoder:
    from flashlight.lib.text import decoder as flashlight
    from flashlight.lib.text.decoder.kenlm import KenLM
    from flashlight.lib.text.dictionary import Dictionary

    words, tokens = Dictionary(), Dictionary([label or "-" for label in LABELS])
    for word in (*(model.unigrams or ()), "<unk>"):
        words.add_entry(word)
    language_model = KenLM(str(model.path), words)
    trie, start = flashlight.Trie(tokens.index_size(), 1), language_model.start(False)
    for word in model.unigrams or ():
        index = words.get_index(word)
        _, score = language_model.score(start, index)
        trie.insert([*(LABELS.index(char) for char in word), 1], index, score)
    trie.smear(flashlight.SmearingMode.MAX)
    weights = model.weights
    options = flashlight.LexiconDecoderOptions(
        beam_size=50, beam_size_token=len(LABELS) - 2, beam_threshold=25.0, lm_weight=weights.alpha * np.log(10),
        word_score=weights.beta, unk_score=-1e9, sil_score=0.0, log_add=True,
        criterion_type=flashlight.CriterionType.CTC,
    )  # fmt: skip
    built = flashlight.LexiconDecoder(options, trie, language_model, 1, 0, words.get_index("<unk>"), [], False)

    def decode(log_probs: NDArray[np.float32]) -> Decoded:
        best = built.decode(log_probs.ctypes.data, *log_probs.shape)[0]
        return [words.get_entry(index) for index in best.words if index >= 0], []

    return decode


def measure(name: str, decode: Decoder, said: list[Spoken]) -> None:
    started_s = time.perf_counter()
    decoded = [decode(each.log_probs) for each in said]
    seconds = time.perf_counter() - started_s
    edits = sum(n_edits(each.words, words) for each, (words, _) in zip(said, decoded, strict=True))
    errors_ms = [
        1000 * FRAME_S * abs(mine - true)
        for each, (words, frames) in zip(said, decoded, strict=True)
        if frames and tuple(words) == each.words
        for pair in zip(frames, each.frames, strict=True)
        for mine, true in zip(*pair, strict=True)
    ]
    sound_s = FRAME_S * sum(len(each.log_probs) for each in said)
    times = f"{np.mean(errors_ms):.1f} ms" if errors_ms else "none"
    rate = 100 * edits / sum(len(each.words) for each in said)
    print(f"  {name:28} WER {rate:5.2f} %   {sound_s / seconds:9,.0f} x real time   word times {times}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--text", type=Path, required=True, help="a sentence a line that the model has not seen")
    parser.add_argument("--language-model", type=Path, required=True, help="a folder of build_language_model")
    parser.add_argument("--sentences", type=int, default=40)
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    normalizer = Normalizer()
    lines = [" ".join(normalizer.words(line)) for line in options.text.read_text(encoding="utf-8").splitlines()]
    lines = [line for line in lines if len(line.split()) in SENTENCE_WORDS]
    random.Random(3).shuffle(lines)
    model = read_language_model(options.language_model, name=str(options.language_model))
    for noise in (MILD, STRONG):
        print(f"{noise.name} noise")
        generator = np.random.default_rng(7)
        said = [spoken(line, noise, generator) for line in lines[: options.sentences]]
        for name, decode in decoders(model):
            measure(name, decode, said)


if __name__ == "__main__":
    main()
