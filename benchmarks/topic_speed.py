"""How long a transcript of 10,000 words takes to be filed, and the encoder in int8: `python -m benchmarks.topic_speed`.

With the passages that spoke for its topic, as the stage `classify` asks for them; beside it, what a user would take:
`pipeline("text-classification")` over windows of 256 tokens, with a network as large as the embedded encoder. Nothing
else should run meanwhile. The transcript is made of articles of BBC News (VIDEOPORTAL_DATA).

With --quality, what the arithmetic costs instead: held-out articles of --folds, read by each of --networks.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from apps.classification.bert.classifier import EmbeddedTopicClassifier
from apps.classification.bert.dataset import VIEWS, Article, read_articles, spoken_form
from apps.classification.bert.encoder import EncoderOptions, embedded_encoder
from apps.classification.bert.encoding import encode_articles
from apps.classification.bert.head import LinearHead, load_head
from apps.classification.bert.head_header import EMBEDDED_FOLDER, HEAD_NAME
from apps.classification.bert.metrics import wilson_interval
from apps.classification.bert.pair import pair_probabilities
from apps.classification.bert.pair_training import fit_pair, material_of
from apps.classification.bert.trainer import EncodedArticles, TrainingOptions, stratified_folds
from apps.classification.bert.weights import checked_embedded_folder
from apps.classification.bert.words import WORDS_NAME, WordsHead, load_words
from apps.results.tables import write_rows
from benchmarks.search_corpus import REPOSITORY, data_folder
from benchmarks.topic_networks import NETWORKS, BenchmarkEncoder

WORDS_OF_TRANSCRIPT = 10_000
PIPELINE = "transformers pipeline over windows"
MAX_READ, PASSAGE_WORDS = 48, 40  # as in `apps.classification.passages`, whose import needs a configured Django
N_RUNS = 3
OPTIONS = TrainingOptions()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--quality", action="store_true", help="measure the accuracy instead of the time")
    parser.add_argument("--folds", type=int, nargs="+", default=list(range(OPTIONS.n_folds)), help="with --quality")
    parser.add_argument("--cache", type=Path, default=REPOSITORY / "var" / "experiments" / "topics" / "vectors.npz")
    parser.add_argument("--csv", type=Path, help="folder for speed.csv, or for networks.csv with --quality")
    options = parser.parse_args()
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    articles = read_articles(data_folder() / "bbc_news" / "articles.jsonl")
    if options.quality:
        rows = list(_quality(articles, options.networks, options.folds, options.cache))
    else:
        rows = list(_speed(articles, options.networks))
    if options.csv:
        write_rows(options.csv / ("networks.csv" if options.quality else "speed.csv"), rows)


def _speed(articles: list[Article], networks: list[str]) -> Iterator[dict[str, str]]:
    words = " ".join(spoken_form(article.body) for article in articles[::20]).split()[:WORDS_OF_TRANSCRIPT]
    transcript = " ".join(words)
    ways = [(PIPELINE, _pipeline(), False)] + [(network, _embedded(network), True) for network in networks]
    usual = 0.0
    for name, classify, with_passages in ways:
        seconds = _seconds(lambda classify=classify: classify([transcript]))  # type: ignore[misc]
        usual = usual or seconds
        both = seconds + (_seconds(lambda classify=classify: classify(_passages(words))) if with_passages else 0.0)  # type: ignore[misc]
        row = {
            "way": name,
            "words": str(len(words)),
            "threads": str(torch.get_num_threads()),
            "topic_s": f"{seconds:.2f}",
            "with_passages_s": f"{both:.2f}" if with_passages else "",
            "times_as_fast": f"{usual / seconds:.2f}",
        }
        print(row, flush=True)
        yield row


def _seconds(work: Callable[[], object]) -> float:
    """The median of N_RUNS, after one that is not counted."""
    work()
    taken = []
    for _ in range(N_RUNS):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return median(taken)


def _passages(words: list[str]) -> list[str]:
    """As many as the stage reads of a transcript of this length."""
    passages = [" ".join(words[first : first + PASSAGE_WORDS]) for first in range(0, len(words), PASSAGE_WORDS)]
    return [passages[index * len(passages) // MAX_READ] for index in range(MAX_READ)]


def _embedded(network: str) -> Callable[[list[str]], object]:
    head, words = load_head(EMBEDDED_FOLDER / HEAD_NAME), load_words(EMBEDDED_FOLDER / WORDS_NAME)
    encoder = BenchmarkEncoder(network)
    encoder.weights_sha256 = head.facts.encoder_sha256  # what int8 changes is what is measured
    return EmbeddedTopicClassifier(encoder, head, words, name=network).classify


def _pipeline() -> Callable[[list[str]], object]:
    from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline

    folder = str(checked_embedded_folder())
    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    network = AutoModelForSequenceClassification.from_pretrained(folder, num_labels=5)
    with tempfile.TemporaryDirectory() as saved:
        network.save_pretrained(saved)
        tokenizer.save_pretrained(saved)
        classify: Any = pipeline("text-classification", model=saved, tokenizer=saved, device="cpu", top_k=None)
    size = EncoderOptions().window_tokens

    def over_windows(texts: list[str]) -> object:
        ids = tokenizer(texts[0], add_special_tokens=False, verbose=False)["input_ids"]
        windows = [tokenizer.decode(ids[first : first + size - 2]) for first in range(0, len(ids), size - 2)]
        return classify(windows, batch_size=8, truncation=True, max_length=size)

    return over_windows


def _quality(articles: list[Article], networks: list[str], folds: list[int], cache: Path) -> Iterator[dict[str, str]]:
    """Pairs that were trained over bfloat16 vectors, asked of articles that are new to them, read by each network."""
    texts = {name: [view(article) for article in articles] for name, view in VIEWS.items()}
    encoded = encode_articles(articles, embedded_encoder(), cache=cache)
    fold_of = stratified_folds(encoded.targets, OPTIONS.n_folds, OPTIONS.seed)
    right: dict[tuple[str, str], list[bool]] = {}
    for fold in folds:
        asked = np.flatnonzero(fold_of == fold)
        head, words = _trained_on(encoded, texts, fold_of != fold)
        for network in networks:
            encoder = BenchmarkEncoder(network)
            for view, written in texts.items():
                chosen = [written[number] for number in asked]
                found = pair_probabilities(head, words, encoder.encode(chosen), chosen).argmax(axis=1)
                right.setdefault((network, view), []).extend((found == encoded.targets[asked]).tolist())
    for (network, view), found_right in right.items():
        low, high = wilson_interval(sum(found_right), len(found_right))
        before = right[networks[0], view]
        row = {
            "network": network,
            "view": view,
            "articles": str(len(found_right)),
            "accuracy": f"{np.mean(found_right):.4f}",
            "low": f"{low:.4f}",
            "high": f"{high:.4f}",
            "wrong_now": str(sum(was and not is_now for was, is_now in zip(before, found_right, strict=True))),
            "right_now": str(sum(is_now and not was for was, is_now in zip(before, found_right, strict=True))),
        }
        print(row, flush=True)
        yield row


def _trained_on(
    encoded: EncodedArticles, texts: dict[str, list[str]], chosen: npt.NDArray[np.bool_]
) -> tuple[LinearHead, WordsHead]:
    numbers = np.flatnonzero(chosen)
    learned = replace(
        encoded, targets=encoded.targets[chosen], views={name: rows[chosen] for name, rows in encoded.views.items()}
    )
    return fit_pair(
        material_of(learned, {name: [view[number] for number in numbers] for name, view in texts.items()}), OPTIONS
    )


if __name__ == "__main__":
    main()
