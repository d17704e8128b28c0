"""What moderators said, as training data."""

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from apps.accounts.models import User
from apps.classification.bert.classifier import load_classifier
from apps.classification.bert.dataset import read_articles
from apps.classification.corrections import articles_to_train_on
from apps.classification.models import Topic, TopicCorrection
from apps.classification.topics import confirm_topic
from apps.videos.models import Video
from tests.classification.tiny import WORDS
from tests.factories import make_video


@pytest.fixture
def corrected(owner: User, moderator: User) -> dict[str, Video]:
    """A video corrected twice, one in German, one about none of the topics."""
    videos = {
        "wires": make_video(owner, title="Words on the wire", description="A talk\nabout telegraphs — and “wires”."),
        "cup": make_video(owner, title="Der Pokal", language="de"),
        "dough": make_video(owner, title="Bread"),
    }
    for name, label in (("wires", "business"), ("wires", "tech"), ("cup", "sport"), ("dough", None)):
        confirm_topic(videos[name], Topic.objects.get(label=label) if label else None, by=moderator)
    Video.objects.update(title="Changed since")
    return videos


def exported(path: Path, **options: bool) -> dict[str, dict[str, str | None]]:
    out = StringIO()
    call_command("export_topic_corrections", output=path, stdout=out, **options)
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert f"{len(rows)} corrections in" in out.getvalue()
    return {row["id"]: row for row in rows}


def test_the_last_word_on_each_video_is_exported(corrected: dict[str, Video], tmp_path: Path) -> None:
    rows = exported(tmp_path / "said.jsonl")
    assert set(rows) == {str(corrected["wires"].pk), str(corrected["cup"].pk)}
    wires = rows[str(corrected["wires"].pk)]
    assert wires.pop("at") is not None
    assert wires == {
        "id": str(corrected["wires"].pk),
        "topic": "tech",
        "title": "Words on the wire",
        "body": "A talk\nabout telegraphs — and “wires”.",
        "by": "moderator",
    }
    assert {article.topic for article in read_articles(tmp_path / "said.jsonl")} == {"tech", "sport"}


def test_none_of_them_is_exported_when_asked_for(corrected: dict[str, Video], tmp_path: Path) -> None:
    rows = exported(tmp_path / "said.jsonl", with_none=True)
    assert rows[str(corrected["dough"].pk)]["topic"] is None


def test_it_says_where_it_cannot_write(db: None, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="Name another --output"):
        call_command("export_topic_corrections", output=tmp_path / "nowhere" / "said.jsonl")


@pytest.mark.usefixtures("corrected")
def test_training_takes_corrections_in_its_language_when_asked(tmp_path: Path) -> None:
    path = tmp_path / "articles.jsonl"
    path.write_text(
        "".join(json.dumps({"topic": topic, "title": "t", "body": "b"}) + "\n" for topic in ("tech", "sport")),
        encoding="utf-8",
    )
    alone = articles_to_train_on(path, with_corrections=False, language="en")
    assert len(alone) == 2
    more = articles_to_train_on(path, with_corrections=True, language="en")
    assert more[:2] == alone
    assert [(article.topic, article.title) for article in more[2:]] == [("tech", "Words on the wire")]
    german = articles_to_train_on(path, with_corrections=True, language="de")
    assert [(article.topic, article.title) for article in german[2:]] == [("sport", "Der Pokal")]


@pytest.mark.usefixtures("corrected")
def test_the_command_trains_with_corrections(tmp_path: Path) -> None:
    path, out = tmp_path / "articles.jsonl", StringIO()
    lines = [
        json.dumps({"topic": topic, "title": f"{word} {n}", "body": f"The {word} was shown again."})
        for topic, word in (("tech", "browser"), ("sport", "cup final"))
        for n in range(4)
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    call_command("train_topics", data=path, output=tmp_path / "head", folds=2, with_corrections=True, stdout=out)
    assert "9 articles, topics: sport, tech" in out.getvalue()


def fine_tune(articles: Path, network: Path, checkpoint: Path) -> str:
    command = ["train_topics", "--data", str(articles), "--output", str(network), "--fine-tune", str(checkpoint)]
    out = StringIO()
    call_command(*command, "--learning-rate", "0.01", "--max-epochs", "6", "--with-corrections", stdout=out)
    return out.getvalue()


@pytest.fixture
def two_topics(tmp_path: Path) -> Path:
    """Articles about sport and business, and none about tech."""
    lines = [
        json.dumps({"topic": topic, "title": f"{word} {other}", "body": f"{other} {word}"})
        for topic, word, other in (("sport", *WORDS[:2]), ("business", *WORDS[2:4]))
        for _ in range(10)
    ]
    path = tmp_path / "articles.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_fine_tuning_learns_a_topic_from_corrections_alone(
    owner: User, moderator: User, two_topics: Path, tiny_bert: Path, tmp_path: Path
) -> None:
    title = " ".join(WORDS[8:10])
    for _ in range(10):
        confirm_topic(make_video(owner, title=title), Topic.objects.get(label="tech"), by=moderator)
    assert "30 articles" in fine_tune(two_topics, tmp_path / "network", tiny_bert)
    classifier = load_classifier(tmp_path / "network")
    found = classifier.classify([title, WORDS[0], WORDS[2]]).argmax(axis=1)
    assert [classifier.labels[column] for column in found] == ["tech", "sport", "business"]


def test_fine_tuning_refuses_a_topic_that_a_single_correction_brings(
    owner: User, moderator: User, two_topics: Path, tiny_bert: Path, tmp_path: Path
) -> None:
    """It would choose the checkpoint, and nothing would be learned from it."""
    confirm_topic(make_video(owner), Topic.objects.get(label="tech"), by=moderator)
    with pytest.raises(CommandError, match=r"A single article is about tech.*add more, or leave it out"):
        fine_tune(two_topics, tmp_path / "network", tiny_bert)
    assert not (tmp_path / "network" / "config.json").exists()


def test_a_training_is_not_taken_up_with_other_corrections(
    owner: User, moderator: User, two_topics: Path, tiny_bert: Path, tmp_path: Path
) -> None:
    video = make_video(owner, title=WORDS[0])
    confirm_topic(video, Topic.objects.get(label="sport"), by=moderator)
    fine_tune(two_topics, tmp_path / "network", tiny_bert)
    TopicCorrection.objects.update(text=f"{WORDS[1]}\n")
    with pytest.raises(CommandError, match="holds another training: name another --output"):
        fine_tune(two_topics, tmp_path / "network", tiny_bert)
