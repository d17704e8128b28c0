"""Topics of articles that were read aloud by a machine and heard by the embedded recogniser.

    python -m benchmarks.heard_topics [--articles 60] [--words 175] [--kept FOLDER] [--csv docs/results/topics]

As many articles of each topic of BBC News (VIDEOPORTAL_DATA), drawn with a seed; the first words of each are spoken by
flite (Debian's package), by one voice after the other, and recognised as a video is. What was heard is classified
beside the same words as they were written, by what has not learned from the article (five folds). Heard texts and
vectors are kept in --kept, so that a run that was cut off goes on.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from apps.classification.bert.dataset import Article, read_articles, spoken_form, topics_of
from apps.results.tables import write_rows
from apps.transcription.asr.evaluation import Heard, Rate, word_error_rate
from apps.transcription.asr.recognizers.base import Recognizer
from apps.transcription.asr.recognizers.whisper import WhisperRecognizer
from apps.transcription.asr.transcriber import TranscribeOptions, transcribe_file
from apps.transcription.evaluating import normalizer_of
from benchmarks.search_corpus import REPOSITORY, data_folder
from benchmarks.synthetic_speech import VOICES, read_aloud
from benchmarks.topic_trainers import RememberingEncoder, figures, found_right, trainers

SEED = 11


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=60, help="in all")
    parser.add_argument("--words", type=int, default=175, help="of each, at most")
    parser.add_argument("--kept", type=Path, default=REPOSITORY / "var" / "experiments" / "heard-topics")
    parser.add_argument("--csv", type=Path, help="folder for heard.csv")
    options = parser.parse_args()
    articles = read_articles(data_folder() / "bbc_news" / "articles.jsonl")
    written = {
        number: " ".join(articles[number].body.split()[: options.words]) for number in drawn(articles, options.articles)
    }
    heard = heard_texts(written, len(topics_of(articles)[0]), options.kept)
    said = {number: spoken_form(text) for number, text in written.items()}
    forms = {"written": written, "without capitals and marks": said, "heard": heard}
    rates = {name: _word_error_rate(written, texts) for name, texts in forms.items()}
    rows = []
    for classifier, trainer in trainers(RememberingEncoder(options.kept)).items():
        right = found_right(articles, forms, trainer)
        for name, found in right.items():
            row = {"classifier": classifier, "form": name, "articles": str(len(found)), "words": str(rates[name].n)}
            rows.append(row | _percent(rates[name]) | figures(right["written"], found))
            print(rows[-1], flush=True)
    if options.csv:
        write_rows(options.csv / "heard.csv", rows)


def drawn(articles: Sequence[Article], n_articles: int) -> list[int]:
    """The numbers of as many articles of each topic, one topic after the other; of fewer, the first of more."""
    labels, targets = topics_of(articles)
    random = np.random.default_rng(SEED)
    of_topics = [random.permutation(np.flatnonzero(targets == topic)) for topic in range(len(labels))]
    return [int(numbers[rank]) for rank in range(n_articles // len(labels)) for numbers in of_topics]


def heard_texts(written: Mapping[int, str], n_topics: int, kept: Path) -> dict[int, str]:
    """What the recogniser makes of each text; what `kept` holds is not recognised again."""
    kept.mkdir(parents=True, exist_ok=True)
    path = kept / "heard.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    known: dict[str, str] = dict(json.loads(line) for line in lines)
    recognizer: Recognizer | None = None
    heard = {}
    with path.open("a", encoding="utf-8") as file, tempfile.TemporaryDirectory() as folder:
        for place, (number, text) in enumerate(written.items()):
            voice = VOICES[place // n_topics % len(VOICES)]  # each speaks of all topics
            key = hashlib.sha256(f"{voice} {text}".encode()).hexdigest()
            if key not in known:
                recognizer = recognizer or WhisperRecognizer()
                known[key] = _heard(text, voice, Path(folder) / "said.wav", recognizer)
                print(json.dumps([key, known[key]]), file=file, flush=True)
                print(f"  {place + 1} of {len(written)} heard", flush=True)
            heard[number] = known[key]
    return heard


def _heard(text: str, voice: str, path: Path, recognizer: Recognizer) -> str:
    read_aloud(text, voice, path)
    segments = transcribe_file(path, recognizer, TranscribeOptions())
    return " ".join(caption.text for segment in segments for caption in segment.captions)


def _word_error_rate(written: Mapping[int, str], heard: Mapping[int, str]) -> Rate:
    normalize = normalizer_of("en")
    return word_error_rate(
        [
            Heard("", tuple(normalize(text)), tuple(normalize(heard[number])), (), (), 0.0)
            for number, text in written.items()
        ]
    )


def _percent(rate: Rate) -> dict[str, str]:
    return {"wer": f"{rate.percent:.2f}", "wer_low": f"{rate.low:.2f}", "wer_high": f"{rate.high:.2f}"}


if __name__ == "__main__":
    main()
