from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.transcription.asr.captions import Caption
from apps.transcription.parsing import MAX_PROBLEMS, ParsedCaptions, is_webvtt, parse_srt, parse_webvtt

SPOKEN = (Caption(1_000, 2_500, "Good morning."), Caption(2_500, 4_000, "And good\nnight."))


def problems(parsed: ParsedCaptions) -> list[tuple[int, str]]:
    return [(problem.line, problem.message) for problem in parsed.problems]


# --- WebVTT ---


def test_it_reads_a_published_webvtt_file(data_dir: Path) -> None:
    parsed = parse_webvtt((data_dir / "video" / "friday.vtt").read_bytes())

    assert parsed.problems == ()
    assert len(parsed.captions) == 5
    assert parsed.captions[2] == Caption(1_500, 2_999, "Tell me, is the lord of the universe in?")
    assert parsed.lines == (3, 6, 9, 12, 15)


@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_it_reads_webvtt_with_any_line_ends(line_end: str, bom: bytes) -> None:
    text = (
        "WEBVTT - a talk\n\n00:01.000 --> 00:02.500\nGood morning.\n\n\n00:00:02.500 --> 00:00:04.000\nAnd good\nnight."
    )

    parsed = parse_webvtt(bom + text.replace("\n", line_end).encode())

    assert (parsed.captions, parsed.lines, parsed.problems) == (SPOKEN, (3, 7), ())


def test_it_passes_over_what_is_no_caption() -> None:
    parsed = parse_webvtt(
        b"WEBVTT\nKind: captions\nLanguage: en\n\n"
        b"STYLE\n::cue { color: lime }\n\n"
        b"REGION\nid:fred\nwidth:40%\n\n"
        b"NOTE\na remark\nof two lines\n\n"
        b"NOTE 00:00:00.500 --> 00:00:00.700\nleft out on purpose\n\n"
        b"intro\n00:00:01.000 --> 00:00:02.500 position:10%,line-left align:left size:35%\nGood morning.\n\n"
        b"2\n00:00:02.500 --> 00:00:04.000 line:0\nAnd good\nnight.\n\n"
        b"00:00:05.000 --> 00:00:06.000\n\n"
    )

    assert (parsed.captions, parsed.problems) == (SPOKEN, ())


def test_it_reads_a_caption_right_below_the_header_and_one_below_another() -> None:
    parsed = parse_webvtt(
        b"WEBVTT\n00:00:01.000 --> 00:00:02.500\nGood morning.\n00:00:02.500 --> 00:00:04.000\nAnd good\nnight.\n"
    )

    assert (parsed.captions, parsed.problems) == (SPOKEN, ())


@pytest.mark.parametrize(
    ("marked_up", "plain"),
    [
        ("<v.loud Roger Bingham>We are in <i>New&nbsp;York</i> City</v>", "We are in New\xa0York City"),
        ("Now <00:00:01.500><c.yellow>it</c> <00:01.800>comes", "Now it comes"),
        ("<ruby>東京<rt>とうきょう</rt></ruby>", "東京とうきょう"),
        ("a &lt; b &amp;&amp; c --&gt; d &amp;lt;", "a < b && c --> d &lt;"),
        ("I <3 you, a < b", "I <3 you, a < b"),
        ("&rlm;שלום&lrm;", "\u200fשלום\u200e"),
    ],
)
def test_it_strips_tags_and_resolves_references(marked_up: str, plain: str) -> None:
    parsed = parse_webvtt(f"WEBVTT\n\n00:01.000 --> 00:02.000\n{marked_up}\n".encode())

    assert parsed.problems == ()
    assert [caption.text for caption in parsed.captions] == [plain]


@pytest.mark.parametrize("data", [b"", b"1\n00:00:01,000 --> 00:00:02,000\nHello\n", b"WEBVTTX\n\n", b" WEBVTT\n"])
def test_it_refuses_webvtt_without_its_header(data: bytes) -> None:
    assert not is_webvtt(data) or data == b"WEBVTTX\n\n"
    [(line, message)] = problems(parse_webvtt(data))

    assert line == 1
    assert "begins with a line that says WEBVTT" in message


@pytest.mark.parametrize(
    "time_line",
    [
        "00:00:61.000 --> 00:01:02.000",
        "00:61:01.000 --> 01:01:02.000",
        "1.0 --> 2.0",
        "00:00:01.000 -> 00:00:02.000",
        "00:00:01.000 --> soon",
        "--> 00:00:02.000",
        "00:00:01.000 → 00:00:02.000",
        "00:00:01.000 --> 00:00:02.0004",
    ],
)
def test_it_names_the_line_of_a_bad_time(time_line: str) -> None:
    vtt = f"WEBVTT\n\nintro\n{time_line}\nHello\n\n00:01:05.000 --> 00:01:06.000\nWorld\n"
    srt = f"1\n{time_line}\nHello\n\n2\n00:01:05,000 --> 00:01:06,000\nWorld\n"

    for parsed, form_line in ((parse_webvtt(vtt.encode()), (3, 4)), (parse_srt(srt.encode()), (2,))):
        [problem] = parsed.problems
        assert problem.line in form_line
        assert [caption.text for caption in parsed.captions] == ["World"]
    assert f"“{time_line}” is not a time line" in problems(parse_srt(srt.encode()))[0][1]


def test_it_names_the_line_of_text_without_a_time() -> None:
    parsed = parse_webvtt(b"WEBVTT\n\nHello\n\n00:01.000 --> 00:02.000\none\n\ntwo\n")

    assert [line for line, _ in problems(parsed)] == [3, 8]
    assert "“Hello” has no time line above it" in problems(parsed)[0][1]


def test_it_names_both_lines_of_overlapping_and_backward_times() -> None:
    parsed = parse_webvtt(
        b"WEBVTT\n\n00:05.000 --> 00:07.000\none\n\n00:06.999 --> 00:08.000\ntwo\n\n"
        b"00:04.000 --> 00:04.500\nthree\n\n00:04.500 --> 00:05.000\nfour\n"
    )

    (overlap_line, overlap), (backward_line, backward) = problems(parsed)
    assert overlap_line == 6
    assert "starts at 00:00:06.999, while the one above it (line 3) is shown until 00:00:07.000" in overlap
    assert backward_line == 9
    assert "starts at 00:00:04.000, before the one above it (line 6), which starts at 00:00:06.999" in backward


@pytest.mark.parametrize("end", ["00:00:03.000", "00:00:02.999"])
def test_it_names_the_line_of_an_end_that_is_not_after_the_start(end: str) -> None:
    time_line = f"00:00:03.000 --> {end}"

    for parsed in (
        parse_webvtt(f"WEBVTT\n\n{time_line}\nHi\n".encode()),
        parse_srt(f"1\n\n{time_line}\nHi\n".encode()),
    ):
        [(line, message)] = problems(parsed)
        assert line == 3
        assert f"ends at {end}, which is not after its start at 00:00:03.000" in message


def test_it_gives_up_on_a_file_with_no_end_of_problems() -> None:
    data = b"WEBVTT\n\n" + b"a\n\n" * 200_000

    parsed = parse_webvtt(data)

    assert len(parsed.problems) == MAX_PROBLEMS
    assert parsed.problems[-1].line == 2 * MAX_PROBLEMS + 1


def test_it_survives_a_character_reference_of_thousands_of_digits() -> None:
    [caption] = parse_webvtt(f"WEBVTT\n\n00:00.000 --> 00:01.000\nA &#{'9' * 5_000}; &#66;\n".encode()).captions

    assert caption.text == "A \ufffd B"


# --- encodings ---


@pytest.mark.parametrize("parse", [parse_webvtt, parse_srt])
def test_it_names_the_line_where_utf8_ends(parse: object) -> None:
    data = "WEBVTT\r\n\r\n00:01.000 --> 00:02.000\r\nnaïve\r\nEnfin à Paris\r\n".encode("latin-1")
    assert callable(parse)

    [problem] = parse(data).problems

    assert problem.line == 4
    assert "Save it as UTF-8" in problem.message


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
def test_it_refuses_wide_encodings(encoding: str) -> None:
    [problem] = parse_srt("1\n00:00:01,000 --> 00:00:02,000\nHello\n".encode(encoding)).problems

    assert "UTF-8" in problem.message


@given(st.binary(max_size=300))
def test_it_never_raises_whatever_the_bytes(data: bytes) -> None:
    for parsed in (parse_webvtt(data), parse_webvtt(b"WEBVTT\n\n" + data), parse_srt(data)):
        assert len(parsed.captions) == len(parsed.lines)


@given(
    st.lists(
        st.sampled_from(["", "1", "-->", "00:00:01,000 --> 00:00:02.000", "00:01.0 -->", "Hi", "NOTE", "WEBVTT", "<b"]),
        max_size=12,
    )
)
def test_it_drops_no_text_in_silence(lines: list[str]) -> None:
    data = "\n".join(lines).encode()
    # A line alone above a time line is the caption's name in WebVTT, which nobody sees.
    names = sum(
        line == "Hi" and not before and "-->" in after
        for before, line, after in zip(["", *lines], lines, lines[1:], strict=False)
    )
    for parsed, unseen in ((parse_webvtt(b"WEBVTT\n\n" + data), names), (parse_srt(data), 0)):
        if parsed.problems or "NOTE" in lines:
            continue
        assert sum(caption.text.count("Hi") for caption in parsed.captions) == lines.count("Hi") - unseen


# --- SRT ---


@pytest.mark.parametrize(
    "text",
    [
        "1\n00:00:01,000 --> 00:00:02,500\nGood morning.\n\n2\n00:00:02,500 --> 00:00:04,000\nAnd good\nnight.\n",
        "\ufeff1\r\n00:00:01,000 --> 00:00:02,500\r\nGood morning.\r\n\r\n"
        "7\r\n0:0:2.5 --> 0:0:4.0\r\nAnd good\r\nnight.",
        "\n\n1\n\n00:01,000 --> 00:02,500\nGood morning.\n2\n00:02,500 --> 00:04,000\nAnd good\nnight.\n",
        "00:00:01,000 --> 00:00:02,500  X1:10 X2:20\n<i>Good</i> morning.\n \n"
        "00:00:02,500 --> 00:00:04,000\n{\\an8}And good\n\n<font color=red>night.</font>\n",
    ],
)
def test_it_reads_srt_as_it_is_found(text: str) -> None:
    parsed = parse_srt(text.encode())

    assert (parsed.captions, parsed.problems) == (SPOKEN, ())


def test_it_keeps_a_number_that_is_said() -> None:
    parsed = parse_srt(b"1\n00:00:01,000 --> 00:00:02,000\nIn the year\n1984\n\n2\n00:00:02,000 --> 00:00:03,000\n42\n")

    assert [caption.text for caption in parsed.captions] == ["In the year\n1984", "42"]


def test_it_refuses_srt_that_begins_without_a_time() -> None:
    [(line, message)] = problems(parse_srt(b"Good morning.\n\nHow are you?\n"))[:1]

    assert line == 1
    assert "has no time line above it" in message
