import pytest

from apps.search.backends.terms import MAX_TERMS, Term, clean, fold, parse


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("solar eclipse", [Term("solar"), Term("eclipse", is_prefix=True)]),
        ('solar "total eclipse"', [Term("solar"), Term("total eclipse", is_phrase=True)]),
        ("“total eclipse” so", [Term("total eclipse", is_phrase=True), Term("so", is_prefix=True)]),
        ('a "lone quote', [Term("a"), Term("lone"), Term("quote", is_prefix=True)]),
        ("c++", [Term("c++")]),
        ("a-b", [Term("a-b")]),
        ("re-enter", [Term("re-enter", is_prefix=True)]),
        ("one ! two", [Term("one"), Term("two", is_prefix=True)]),
        ("Same same SAME", [Term("Same", is_prefix=True)]),
        ("x", [Term("x")]),
        ("水", [Term("水", is_prefix=True)]),
        ('""', []),
        ("\x00 😀 ?!", []),
    ],
)
def test_it_reads_queries(text: str, terms: list[Term]) -> None:
    assert list(parse(text)) == terms


def test_it_reads_a_bounded_number_of_terms() -> None:
    assert len(parse(" ".join(f"word{number}" for number in range(1_000)))) == MAX_TERMS


def test_it_cleans_text_of_what_an_index_cannot_store() -> None:
    assert clean(" a\x00b\ud800c\n\td\x02 ") == "a b c d"


def test_it_folds_case_and_diacritics() -> None:
    assert fold("Ça VÀ Ñandú") == "ca va nandu"
