from pathlib import Path

import pytest

from apps.transcription.asr.training.networks import write_fresh
from apps.transcription.asr.training.spelling import Speller, SpellingError, letters_of, n_frames_needed
from tests.transcription.asr.checkpoints import save_checkpoint


@pytest.fixture(scope="module")
def speller(tmp_path_factory: pytest.TempPathFactory) -> Speller:
    folder = tmp_path_factory.mktemp("fresh")
    write_fresh(folder, "tiny", letters_of(["Ja, ça va?", "it's"]), seed=0)
    return Speller.of(folder)


def test_it_takes_its_letters_from_text() -> None:
    assert letters_of(["Ja, ça va? 12"]) == frozenset("jaçv")


def test_it_spells_what_it_can_read_again(speller: Speller) -> None:
    sentence = speller.sentence("It's, ça!")

    assert sentence == "it's ça"
    labels = [speller.alphabet.labels[label_id] for label_id in speller.label_ids(sentence)]
    assert "".join(labels) == "it's|ça"


def test_it_spells_in_the_case_of_a_published_checkpoint(tmp_path: Path) -> None:
    assert Speller.of(save_checkpoint(tmp_path)).sentence("Hello there") == "HELLO THERE"


@pytest.mark.parametrize(("text", "message"), [("at 9 it's", "^9 cannot be spelled"), (" ?! ", "there is no word")])
def test_it_refuses_what_cannot_be_spelled(speller: Speller, text: str, message: str) -> None:
    with pytest.raises(SpellingError, match=message):
        speller.sentence(text)


def test_equal_neighbours_need_a_blank_between_them() -> None:
    assert n_frames_needed([3, 3, 4]) == 4
