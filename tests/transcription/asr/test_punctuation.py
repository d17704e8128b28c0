from pathlib import Path

import pytest

from apps.transcription.asr.punctuation import (
    PunctuationOptions,
    PunctuationUnavailableError,
    TokenPunctuator,
    read_label,
    read_labels,
)
from tests.transcription.asr.punctuation_checkpoints import save_punctuation_checkpoint


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_punctuation_checkpoint(tmp_path_factory.mktemp("punctuation") / "tiny")


@pytest.mark.parametrize(
    ("label", "mark", "case"),
    [
        ("0", "", None),
        ("O", "", None),
        (".", ".", None),
        ("?", "?", None),
        ("-", "", None),
        ("PERIOD", ".", None),
        ("QUESTIONMARK", "?", None),
        ("question_mark", "?", None),
        ("B-COMMA", ",", None),
        ("OU", "", "capital"),
        ("OO", "", "small"),
        (".U", ".", "capital"),
        ("'O", "", "small"),
        ("!O", "!", "small"),
        ("Upper_", "", "capital"),
        ("UPPER.", ".", "capitals"),
        ("lower,", ",", "small"),
        ("U_COMMA", ",", "capital"),
        ("PERIOD_LOWER", ".", "small"),
        ("Upper", "", "capital"),
    ],
)
def test_labels_are_read_by_their_names(label: str, mark: str, case: str | None) -> None:
    read = read_label(label)
    assert read is not None
    assert (read.mark, read.case) == (mark, case)


@pytest.mark.parametrize("label", ["LABEL_0", "B-PER", "NOUN", "U_VERB"])
def test_labels_of_other_tasks_are_refused_with_what_to_do(label: str) -> None:
    with pytest.raises(PunctuationUnavailableError, match=rf"ASR_PUNCTUATION_MODEL=a/b says '{label}'.*id2label"):
        read_labels(["O", label], "a/b")


def test_labels_without_a_mark_are_refused() -> None:
    with pytest.raises(PunctuationUnavailableError, match="no label for a mark, only O, 0"):
        read_labels(["O", "0"], "a/b")


def test_capitals_are_first_letters_where_the_model_knows_one_kind() -> None:
    assert [label.case for label in read_labels(["UPPER_PERIOD", "LOWER_O"], "a/b")] == ["capital", "small"]
    assert [label.case for label in read_labels(["UPPER.", "Upper_"], "a/b")] == ["capitals", "capital"]


def test_a_saved_checkpoint_marks_every_word_always_alike(checkpoint: Path) -> None:
    punctuator = TokenPunctuator(PunctuationOptions(str(checkpoint)))
    words = ["we", "met", "at", "noon", "and", "then", "it", "rained", "for", "hours"]
    marked = punctuator.punctuate(words)
    assert len(marked) == len(words)
    assert {each.mark for each in marked} <= {"", ".", ",", "?"}
    assert len(set(marked)) > 1
    assert TokenPunctuator(PunctuationOptions(str(checkpoint))).punctuate(words) == marked
    assert punctuator.punctuate([]) == []
    assert punctuator.name == "tiny"


@pytest.mark.parametrize("shared_words", [0, 4, 16])
def test_windows_read_each_word_once(tmp_path: Path, shared_words: int) -> None:
    """Of a network that looks at no neighbours every word has its mark whatever window it lies in."""
    checkpoint = save_punctuation_checkpoint(tmp_path / "blind", sees_neighbours=False)
    words = ("we met at noon and then it rained for hours unbelievably x y z q v k w " * 12).split()
    options = PunctuationOptions(str(checkpoint), window_pieces=64, shared_words=shared_words)
    windows = TokenPunctuator(options)
    alone = {word: windows.punctuate([word])[0] for word in set(words)}
    assert len(set(alone.values())) > 1
    assert windows.punctuate(words) == [alone[word] for word in words]


def test_a_word_of_many_pieces_does_not_stop_it(checkpoint: Path) -> None:
    punctuator = TokenPunctuator(PunctuationOptions(str(checkpoint), window_pieces=16, shared_words=4))
    assert len(punctuator.punctuate(["noon", "x" * 90, "y" * 300, "noon"])) == 4


def test_a_missing_one_is_named(tmp_path: Path) -> None:
    with pytest.raises(PunctuationUnavailableError, match=r"ASR_PUNCTUATION_MODEL=somebody/absent.*fetch_models"):
        TokenPunctuator(PunctuationOptions("somebody/absent", cache_dir=tmp_path))
    (tmp_path / "config.json").write_text('{"model_type": "wav2vec2"}')
    with pytest.raises(PunctuationUnavailableError, match="cannot be loaded as a token-classification model"):
        TokenPunctuator(PunctuationOptions(str(tmp_path)))


def test_foreign_labels_are_told_when_it_is_loaded(tmp_path: Path) -> None:
    with pytest.raises(PunctuationUnavailableError, match="says 'B-PER'"):
        TokenPunctuator(PunctuationOptions(str(save_punctuation_checkpoint(tmp_path / "ner", labels=("O", "B-PER")))))


def test_a_window_must_have_room() -> None:
    with pytest.raises(ValueError, match="four times"):
        PunctuationOptions("a/b", window_pieces=64, shared_words=32)
