"""What word errors cost the topics: `python -m benchmarks.spoken_topics [--csv docs/results/topics] [--folder FOLDER]`.

The articles of BBC News (VIDEOPORTAL_DATA) as a recogniser without punctuation would write them, lower case, without
their titles, with 0, 5, 10 and 20 % of their words wrong (see `benchmarks.mishearing`). Five folds: no article is
classified by what learned from it, and what learns has met no errors. Vectors are kept in --folder.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

from apps.classification.bert.dataset import read_articles, spoken_form
from apps.results.tables import write_rows
from apps.transcription.asr.evaluation import n_edits
from benchmarks.mishearing import Mishearing
from benchmarks.search_corpus import REPOSITORY, data_folder
from benchmarks.topic_trainers import RememberingEncoder, figures, found_right, trainers

RATES = (0.0, 0.05, 0.1, 0.2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--csv", type=Path, help="folder for spoken.csv")
    parser.add_argument("--folder", type=Path, default=REPOSITORY / "var" / "experiments" / "spoken-topics")
    options = parser.parse_args()
    articles = read_articles(data_folder() / "bbc_news" / "articles.jsonl")
    said = [spoken_form(article.body) for article in articles]
    mishearing = Mishearing(said)
    forms = {
        f"{rate:.0%}": {number: mishearing.heard(text, rate, str(number)) for number, text in enumerate(said)}
        for rate in RATES
    }
    wrong = {name: _share_wrong(said, texts) for name, texts in forms.items()}
    rows = []
    for classifier, trainer in trainers(RememberingEncoder(options.folder)).items():
        right = found_right(articles, forms, trainer)
        for name, found in right.items():
            row = {"classifier": classifier, "word_errors": name, "word_error_rate": f"{wrong[name]:.4f}"}
            rows.append(row | {"articles": str(len(found))} | figures(right["0%"], found))
            print(rows[-1], flush=True)
    if options.csv:
        write_rows(options.csv / "spoken.csv", rows)


def _share_wrong(said: list[str], heard: Mapping[int, str]) -> float:
    edits = sum(n_edits(said[number].split(), text.split()) for number, text in heard.items())
    return edits / sum(len(said[number].split()) for number in heard)


if __name__ == "__main__":
    main()
