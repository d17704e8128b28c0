"""Finding words in one transcript."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.transcription.matching import MAX_MATCHES, find_in, marked_html, marks_in

CUES = ["The Lighthouse, keeper", "counts — every șhip", "…", "Ça va? don’t say c++ <now>"]


def marked(wanted: str, cues: list[str] = CUES) -> list[str]:
    """The cues that have a match, with the matches marked."""
    found = find_in(cues, wanted)
    shown = [marked_html(cue, marks_in(number, len(cue), found)) for number, cue in enumerate(cues)]
    return [text for text in shown if "<mark>" in text]


@pytest.mark.parametrize(
    ("wanted", "shown"),
    [
        ("lighthouse", ["The <mark>Lighthouse</mark>, keeper"]),
        ("house", ["The Light<mark>house</mark>, keeper"]),
        ("LIGHTHOUSE KEEPER", ["The <mark>Lighthouse, keeper</mark>"]),
        ("keeper counts", ["The Lighthouse, <mark>keeper</mark>", "<mark>counts</mark> — every șhip"]),
        (
            "ship ca va",
            ["counts — every <mark>șhip</mark>", "<mark>…</mark>", "<mark>Ça va</mark>? don’t say c++ &lt;now&gt;"],
        ),
        ('"don\'t"', ["Ça va? <mark>don’t</mark> say c++ &lt;now&gt;"]),
        ("c++", ["Ça va? don’t say <mark>c++</mark> &lt;now&gt;"]),
        ("<now>", ["Ça va? don’t say c++ <mark>&lt;now&gt;</mark>"]),
        ("nowhere", []),
        ("?!", []),
        ("", []),
    ],
)
def test_it_finds_words_as_they_were_said(wanted: str, shown: list[str]) -> None:
    assert marked(wanted) == shown


def test_what_is_said_nowhere_as_a_whole_is_found_by_its_telling_words() -> None:
    assert marked("the keeper of every key") == [
        "The Lighthouse, <mark>keeper</mark>",
        "counts — <mark>every</mark> șhip",
    ]
    assert marked("it va") == ["Ça <mark>va</mark>? don’t say c++ &lt;now&gt;"], (
        "short ones only where there are no others"
    )
    assert marked("keepers lighthouses") == [], "a beginning is found, not what goes on"


@pytest.mark.parametrize(
    ("cue", "wanted", "shown"),
    [
        ("Straße", "strasse", "<mark>Straße</mark>"),
        ("ΣΑΣ", "σας", "<mark>ΣΑΣ</mark>"),
        ("İstanbul", "istan", "<mark>İstan</mark>bul"),
        ("cafe\u0301 noir", "cafe", "<mark>cafe\u0301</mark> noir"),
        ("ﬁne", "fine", "<mark>ﬁne</mark>"),
        ("東京タワー", "京タ", "東<mark>京タ</mark>ワー"),
    ],
)
def test_letters_that_fold_into_others_are_marked_whole(cue: str, wanted: str, shown: str) -> None:
    assert marked(wanted, [cue]) == [shown]


def test_it_stops_counting_where_nobody_steps_through() -> None:
    assert len(find_in(["e " * 400] * 10, "e")) == MAX_MATCHES


@given(st.lists(st.text(max_size=20), max_size=6), st.text(max_size=12))
def test_it_takes_anything_and_its_places_lie_in_the_texts(cues: list[str], wanted: str) -> None:
    for match in find_in(cues, wanted):
        assert (match.first, match.start) < (match.last, match.end)
        assert match.start < len(cues[match.first])
        assert 0 < match.end <= len(cues[match.last])


@given(st.text(max_size=30))
def test_marks_change_nothing_but_themselves(text: str) -> None:
    import html

    found = find_in([text], text[3:9])
    shown = marked_html(text, marks_in(0, len(text), found))
    assert html.unescape(shown.replace("<mark>", "").replace("</mark>", "")) == html.unescape(html.escape(text))
