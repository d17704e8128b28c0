"""What words say beside vectors: terms and their weights, the mixture by length, and both as one answer."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.svm import LinearSVC

from apps.classification.bert.classifier import EMBEDDED_FOLDER, EmbeddedTopicClassifier, load_classifier
from apps.classification.bert.encoder import FloatArray, TextEncoder, unit_length
from apps.classification.bert.head import HeadError, LinearHead, softmax
from apps.classification.bert.mixture import Mixture, fit_mixture
from apps.classification.bert.new_topic import learn_topic
from apps.classification.bert.pair import pair_probabilities
from apps.classification.bert.pair_training import check_folds, material_of, train_pair, validate_pair
from apps.classification.bert.trainer import EncodedArticles, TrainingError, TrainingOptions
from apps.classification.bert.words import WORDS_NAME, WordsFacts, WordsHead, load_words
from apps.classification.bert.words_training import count_terms, fit_words
from tests.classification.tiny import tiny_options

OPTIONS = TrainingOptions(n_folds=3, training_views=("written",))
WORDS = ("film", "song", "vote", "party", "chip", "code", "vote chip", "film code")


def small_words(**changes: object) -> WordsHead:
    facts: dict[str, object] = {
        "labels": ("left", "right"),
        "encoder_sha256": "0" * 64,
        "c": 1.0,
        "mixture": Mixture(((1.0, 0.0), (1.0, 0.0))),
    }
    return WordsHead(
        WordsFacts(**(facts | changes)),  # type: ignore[arg-type]
        terms=("red", "red car", "été"),
        idf=np.array([2.0, 1.0, 1.0], dtype=np.float16),
        weights=np.array([[1.0, -1.0], [0.5, 0.0], [0.0, 2.0]], dtype=np.float16),
        bias=np.array([0.25, -0.25], dtype=np.float32),
    )


def test_logits_of_a_text_counted_by_hand() -> None:
    # "red" twice: (1 + log 2) * 2, "red car" once: 1, scaled to unit length. Capitals, marks and other words: nothing.
    red = (1 + np.log(2)) * 2
    length = np.hypot(red, 1)
    found = small_words().logits(["A RED car; and red?", "", "Été \ud800"])
    expected = [[red / length + 0.5 / length + 0.25, -red / length - 0.25], [0.25, -0.25], [0.25, 1.75]]
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert small_words().logits([]).shape == (0, 2)


def test_words_come_back_as_they_were_saved(tmp_path: Path) -> None:
    words = small_words()
    words.save(tmp_path / "one.safetensors")
    words.save(tmp_path / "two.safetensors")
    assert (tmp_path / "one.safetensors").read_bytes() == (tmp_path / "two.safetensors").read_bytes()
    loaded = load_words(tmp_path / "one.safetensors")
    assert (loaded.facts, loaded.terms) == (words.facts, words.terms)
    np.testing.assert_array_equal(loaded.weights, words.weights)
    np.testing.assert_array_equal(loaded.logits(["red car"]), words.logits(["red car"]))


def test_it_refuses_words_that_are_missing_damaged_or_of_another_kind(tmp_path: Path) -> None:
    path = tmp_path / WORDS_NAME
    with pytest.raises(HeadError, match=r"is missing or damaged.*train_topics"):
        load_words(path)
    path.write_bytes(b"not safetensors at all")
    with pytest.raises(HeadError, match="is missing or damaged"):
        load_words(path)
    from safetensors.numpy import save_file

    save_file({"weights": np.zeros(3, dtype=np.float32)}, path)
    with pytest.raises(HeadError, match="holds no words of topics"):
        load_words(path)
    replace(small_words(), terms=("red", "red car")).save(path)
    with pytest.raises(HeadError, match="do not fit together"):
        load_words(path)


def test_terms_of_one_article_alone_are_left_out_and_the_rest_are_weighed_as_scikit_learn_does() -> None:
    texts = ["red car goes", "red car stops here", "blue sea", "the blue sea and the red sun"]
    targets = np.array([0, 0, 1, 1])
    counts = count_terms({"written": texts})
    assert counts.terms.tolist() == ["blue", "blue sea", "car", "red", "red car", "sea"]
    everything = np.ones(4, dtype=bool)
    found = fit_words(counts, targets, everything, c=1.0)
    reference = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    machine = LinearSVC(random_state=0).fit(reference.fit_transform(texts), targets)
    expected = machine.decision_function(reference.transform(texts))
    np.testing.assert_allclose(
        found.logits(counts.views["written"]), np.stack([-expected, expected], axis=1), atol=1e-4
    )
    # Without the last article, "blue", "blue sea" and "sea" stand in one alone.
    fewer = fit_words(counts, np.array([0, 1, 1, 1]), np.array([True, True, True, False]), c=1.0)
    assert counts.terms[fewer.columns].tolist() == ["car", "red", "red car"]


def test_too_few_articles_and_articles_without_a_word_in_common_are_refused_with_the_cure() -> None:
    with pytest.raises(TrainingError, match=r"2 folds leave 1 of them.*--folds a larger number"):
        check_folds(np.array([0, 0, 1, 1]), TrainingOptions(n_folds=2))
    check_folds(np.array([0, 0, 0, 1, 1, 1]), TrainingOptions(n_folds=3))
    with pytest.raises(TrainingError, match="No word stands in 2 of the articles"):
        count_terms({"written": ["red", "blue"]})
    counts = count_terms({"written": ["red", "blue", "red"]})
    with pytest.raises(TrainingError, match="No word stands in 2 of the articles"):
        fit_words(counts, np.array([0, 1, 1]), np.array([True, True, False]), c=1.0)


def test_it_recovers_weights_that_depend_on_the_length() -> None:
    random = np.random.default_rng(0)
    parts = [random.normal(scale=2.0, size=(40_000, 3)) for _ in range(2)]
    n_words = random.integers(4, 1000, size=40_000)
    made = Mixture(((1.5, 0.5), (0.8, -0.2)))
    shares = softmax(made.logits(parts, n_words)).cumsum(axis=1)
    targets = (shares < random.random((40_000, 1))).sum(axis=1)
    np.testing.assert_allclose(fit_mixture(parts, n_words, targets).weights, made.weights, atol=0.05)
    level = fit_mixture(parts, n_words, targets, by_length=False)
    assert [each for _, each in level.weights] == [0.0, 0.0]


def test_weights_are_level_beyond_the_lengths_that_they_were_fitted_to() -> None:
    mixture = Mixture(((1.0, 0.5),))
    rows = mixture.logits([np.ones((4, 2))], np.array([0, 4, 1000, 100_000]))
    assert rows[0, 0] == rows[1, 0] < 1 < rows[2, 0] == rows[3, 0]


def articles_of(encoder: TextEncoder) -> tuple[EncodedArticles, dict[str, list[str]]]:
    texts = [f"{first} {second} {third}" for first, second in (("goal", "match"), ("bank", "share")) for third in WORDS]
    articles = EncodedArticles(
        labels=("sport", "business"),
        targets=np.repeat([0, 1], len(WORDS)),
        views={"written": encoder.encode(texts)},
        encoder=encoder.name,
        encoder_sha256=encoder.weights_sha256,
        pooling="mean",
    )
    return articles, {"written": texts}


@pytest.fixture(scope="module")
def encoder(tiny_bert: Path) -> TextEncoder:
    return TextEncoder(tiny_bert, tiny_options())


@pytest.fixture(scope="module")
def pair(encoder: TextEncoder) -> tuple[LinearHead, WordsHead]:
    head, words, validation = train_pair(*articles_of(encoder), OPTIONS)
    assert validation.views["written"].accuracy == 1.0
    return head, words


def test_a_label_taught_later_has_the_vectors_probability_and_the_pair_shares_out_the_rest(
    encoder: TextEncoder, pair: tuple[LinearHead, WordsHead]
) -> None:
    head, words = pair
    examples = unit_length(np.random.default_rng(0).normal(size=(6, 16)) + head.means.mean(axis=0) * 4)
    taught = learn_topic(head, "cookery", examples)
    texts = ["goal match film", "bank share vote", "chip"]
    vectors: FloatArray = encoder.encode(texts)
    before = pair_probabilities(head, words, vectors, texts)
    after = pair_probabilities(taught, words, vectors, texts)
    alone = taught.probabilities(vectors)
    np.testing.assert_allclose(after[:, 2], alone[:, 2], rtol=1e-5)
    np.testing.assert_allclose(after.sum(axis=1), 1.0, atol=1e-6)
    assert (before.argmax(axis=1)[:2] == [0, 1]).all()
    rows = EmbeddedTopicClassifier(encoder, taught, words, name="taught").classify(texts)
    np.testing.assert_allclose(rows, after, atol=1e-6)
    without = EmbeddedTopicClassifier(encoder, taught, name="vectors alone").classify(texts)
    np.testing.assert_allclose(without, alone, atol=1e-6)


def test_it_refuses_words_of_other_topics_and_of_another_encoder(
    encoder: TextEncoder, pair: tuple[LinearHead, WordsHead]
) -> None:
    head, words = pair
    for change in ({"labels": ("sport", "cookery")}, {"encoder_sha256": "1" * 64}):
        other = replace(words, facts=replace(words.facts, **change))  # type: ignore[arg-type]
        with pytest.raises(HeadError, match=r"train both again with `manage.py train_topics`"):
            EmbeddedTopicClassifier(encoder, head, other, name="wrong")


def test_it_measures_on_articles_that_no_part_of_the_pair_has_learned_from() -> None:
    """Labels without any pattern: learned by heart they would score 100 %, held out they score as a coin does."""
    random = np.random.default_rng(0)
    texts = [" ".join(f"w{number}" for number in random.integers(0, 60, size=20)) for _ in range(150)]
    vectors = unit_length(random.normal(size=(150, 16)))
    articles = EncodedArticles(("a", "b"), random.integers(0, 2, size=150), {"written": vectors}, "none", "0", "mean")
    validation = validate_pair(material_of(articles, {"written": texts}), OPTIONS)
    assert 0.3 < validation.views["written"].accuracy < 0.7


def test_the_embedded_words_are_small_and_match_their_metrics() -> None:
    classifier = load_classifier()
    assert isinstance(classifier, EmbeddedTopicClassifier)
    assert classifier.words is not None
    assert classifier.words.labels == ("business", "entertainment", "politics", "sport", "tech")
    assert max(len(term.split()) for term in classifier.words.terms) == 2
    assert (EMBEDDED_FOLDER / WORDS_NAME).stat().st_size < 3_000_000
    metrics = json.loads((EMBEDDED_FOLDER / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["words"]["terms"] == len(classifier.words.terms)
    assert metrics["views"]["written"]["accuracy"] > 0.975
