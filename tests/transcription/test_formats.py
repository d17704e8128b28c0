import itertools
import json
import unicodedata

from hypothesis import given

from apps.transcription.asr.captions import Caption, CaptionWord
from apps.transcription.formats import clean_text, format_time, to_json, to_srt, to_text, to_webvtt
from apps.transcription.parsing import parse_srt, parse_webvtt
from tests.transcription.captions import as_read_back, caption_lists, texts


def test_it_writes_webvtt() -> None:
    captions = [Caption(0, 1_500, "Good morning,\neverybody."), Caption(3_723_004, 3_725_000, "Thank you.")]

    assert "".join(to_webvtt(captions)) == (
        "WEBVTT\n"
        "\n00:00:00.000 --> 00:00:01.500\nGood morning,\neverybody.\n"
        "\n01:02:03.004 --> 01:02:05.000\nThank you.\n"
    )


def test_it_writes_the_header_alone_without_captions() -> None:
    assert "".join(to_webvtt([])) == "WEBVTT\n"
    assert "".join(to_srt([])) == ""
    assert "".join(to_text([])) == ""
    assert json.loads("".join(to_json([]))) == {"cues": []}


def test_it_escapes_what_webvtt_would_take_for_markup() -> None:
    written = "".join(to_webvtt([Caption(0, 1_000, "a < b && b > c --> <i>so</i> &amp;")]))

    assert "a &lt; b &amp;&amp; b &gt; c --&gt; &lt;i&gt;so&lt;/i&gt; &amp;amp;" in written
    assert written.count("-->") == 1


def test_it_lets_no_blank_line_end_a_caption() -> None:
    captions = [Caption(0, 1_000, "one\n\n \r\n\u2028two")]

    assert "one\ntwo\n" in "".join(to_webvtt(captions))
    assert "one\ntwo\n" in "".join(to_srt(captions))


def test_it_writes_srt_and_escapes_only_what_would_be_lost() -> None:
    captions = [
        Caption(0, 1_500, "AT&T says a < b & 3 > 2"),
        Caption(1_500, 2_000, "   "),
        Caption(2_000, 3_000, "<i> --> &lt; {\\an8}"),
    ]

    assert "".join(to_srt(captions)) == (
        "1\n00:00:00,000 --> 00:00:01,500\nAT&T says a < b & 3 > 2\n\n"
        "2\n00:00:02,000 --> 00:00:03,000\n&lt;i> --&gt; &amp;lt; &#123;\\an8}\n\n"
    )


def test_it_writes_text_in_paragraphs_broken_at_pauses() -> None:
    captions = [
        Caption(0, 1_000, "One\nsentence,"),
        Caption(1_200, 2_000, "and its end."),
        Caption(4_000, 5_000, "Another."),
    ]

    assert "".join(to_text(captions)) == "One sentence, and its end.\n\nAnother.\n"


def test_it_writes_json_with_words_and_confidences() -> None:
    words = (CaptionWord("Bonjour", 100, 600, 0.912345), CaptionWord("“là”", 600, 900, 1.0))
    captions = [Caption(100, 900, "Bonjour “là”", words, 0.9561725), Caption(1_000, 2_000, "x")]

    written = "".join(to_json(captions, head={"language": "fr", "is_complete": False}, first_position=7))

    assert "“là”" in written
    assert json.loads(written) == {
        "language": "fr",
        "is_complete": False,
        "cues": [
            {
                "position": 7,
                "start_ms": 100,
                "end_ms": 900,
                "text": "Bonjour “là”",
                "confidence": 0.9562,
                "words": [
                    {"text": "Bonjour", "start_ms": 100, "end_ms": 600, "confidence": 0.9123},
                    {"text": "“là”", "start_ms": 600, "end_ms": 900, "confidence": 1.0},
                ],
            },
            {"position": 8, "start_ms": 1_000, "end_ms": 2_000, "text": "x", "confidence": None, "words": []},
        ],
    }


def test_it_writes_while_captions_still_come() -> None:
    endless = (Caption(second * 1_000, second * 1_000 + 500, "on and on") for second in itertools.count())

    for writer in (to_webvtt, to_srt, to_text, to_json):
        pieces = list(itertools.islice(writer(endless), 10))
        assert "on and on" in "".join(pieces)


def test_it_formats_times_past_a_day() -> None:
    assert format_time(0) == "00:00:00.000"
    assert format_time(360_000_001, fraction_mark=",") == "100:00:00,001"


@given(texts)
def test_it_cleans_text_without_losing_what_can_be_seen(text: str) -> None:
    cleaned = clean_text(text)

    assert clean_text(cleaned) == cleaned
    assert all(line and line == line.strip() for line in cleaned.split("\n") if cleaned)

    def seen(any_text: str) -> str:
        return "".join(char for char in any_text if not char.isspace() and unicodedata.category(char) != "Cc")

    assert seen(cleaned) == seen(text)


@given(caption_lists())
def test_it_reads_back_the_webvtt_it_writes(captions: list[Caption]) -> None:
    parsed = parse_webvtt("".join(to_webvtt(captions)).encode())

    assert parsed.problems == ()
    assert parsed.captions == as_read_back(captions)


@given(caption_lists())
def test_it_reads_back_the_srt_it_writes(captions: list[Caption]) -> None:
    parsed = parse_srt("".join(to_srt(captions)).encode())

    assert parsed.problems == ()
    assert parsed.captions == as_read_back(captions)


@given(caption_lists())
def test_it_puts_blank_lines_between_captions_and_nowhere_else(captions: list[Caption]) -> None:
    blocks = "".join(to_webvtt(captions)).split("\n\n")

    assert all(block.strip() for block in blocks)
    assert len(blocks) == len(as_read_back(captions)) + 1  # the header
