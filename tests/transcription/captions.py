"""Strategies that make captions of any text, and the captions that reading them back must give."""

from hypothesis import strategies as st

from apps.transcription.asr.captions import Caption
from apps.transcription.formats import clean_text

# What is markup, an end or an escape in one of the formats, or hard to keep: alone it must survive as well.
AWKWARD = (
    "-->",
    "->",
    "&",
    "&amp;",
    "&lt;",
    "&#10;",
    "&#x3c;",
    "&nbsp",
    "<",
    ">",
    "<b>",
    "</b>",
    "<00:01.000>",
    "<v Ann>",
    "<3",
    "{\\an8}",
    "{",
    "\\",
    "\n",
    "\r\n",
    "\n\n",
    "\u2028",
    "\x0b",
    "\0",
    "\ufeff",
    "1",
    "WEBVTT",
    "NOTE",
    "STYLE",
    "00:00:01.000 --> 00:00:02.000",
    "00:00:01,000 --> 00:00:02,000",
    "שלום עולם",
    "\u202bمرحبا\u202c",
    "👩‍👩‍👧",
    "é",
    " ",
)

texts = st.lists(st.one_of(st.sampled_from(AWKWARD), st.text(max_size=12)), max_size=8).map("".join)


@st.composite
def caption_lists(draw: st.DrawFn) -> list[Caption]:
    """Captions in order of time that do not overlap; some touch, some have no visible text, some start after 100 h."""
    captions: list[Caption] = []
    end_ms = draw(st.sampled_from([0, 59_999, 3_599_000, 360_000_000]))
    for pause_ms, length_ms, text in draw(
        st.lists(st.tuples(st.integers(0, 5_000), st.integers(1, 7_000), texts), max_size=8)
    ):
        start_ms = end_ms + pause_ms
        end_ms = start_ms + length_ms
        captions.append(Caption(start_ms, end_ms, text))
    return captions


def as_read_back(captions: list[Caption]) -> tuple[Caption, ...]:
    """The same captions with their texts in normal form, without those that show nothing."""
    normal = (Caption(caption.start_ms, caption.end_ms, clean_text(caption.text)) for caption in captions)
    return tuple(caption for caption in normal if caption.text)
