import pytest

from apps.transcription.asr.normalization import ENGLISH_LETTERS, Normalizer, case_of


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        ("The Act, as amended.", ["the act as amended"]),
        ("Mr Antoni Gutiérrez Díaz", ["mr antoni gutierrez diaz"]),
        ("Parliament’s ‘own’ rules", ["parliament's own rules"]),
        ("'quoted' and don't", ["quoted and don't"]),
        ("Nordic-Green — Left", ["nordic green left"]),
        ("from 1987 to 1999.", ["from", "to"]),
        ("(Applause) Thank you [sic]", ["thank you"]),
        ("你好 hello", ["hello"]),
        (" . – ", []),
    ],
)
def test_text_is_written_as_it_is_said(text: str, runs: list[str]) -> None:
    assert [" ".join(run) for run in Normalizer().runs(text)] == runs


def test_capitals_stay_capitals_and_known_marks_stay() -> None:
    assert Normalizer(frozenset("ABCĂȚ")).words("bacă Ță") == ["BACĂ", "ȚĂ"]
    assert Normalizer(ENGLISH_LETTERS).words("bacă") == ["baca"]


def test_the_case_of_words() -> None:
    assert case_of(["ab", "it's"]) == "lower"
    assert case_of(["AB"]) == "upper"
    assert case_of(["aB"]) == "mixed"
    assert case_of(["你好"]) == "lower"
