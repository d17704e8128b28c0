"""The transcript beside the player: words that lead to their second, parts, and what is looked for in it."""

import re

import pytest
from django.test import Client

from apps.pages.transcript_panel import PART_CUES
from apps.transcription.models import Cue
from apps.videos.models import Video
from tests.pages.conftest import MakeVideo, add_transcript, watch

pytestmark = pytest.mark.django_db


def test_each_word_leads_to_its_second_without_scripts(client: Client, video: Video) -> None:
    add_transcript(video)
    html = watch(client, video)
    word = re.search(r'<a class="word doubtful"\s+href="\?t=2\.85s"[^>]*>number1</a>', html)
    assert word, "the second word of the second cue begins at 2.85 s and is marked, being doubtful"
    assert re.search(r'<a class="word"\s+href="\?t=2s"', html)


def test_what_was_said_is_no_markup(client: Client, video: Video) -> None:
    transcript = add_transcript(video, cues=1)
    Cue.objects.filter(transcript=transcript).update(text="<script>x</script> & so", words=[])
    html = watch(client, video)
    assert "<script>x" not in html
    assert "&lt;script&gt;x&lt;/script&gt; &amp; so" in html


def test_a_long_transcript_comes_in_parts(client: Client, make_video: MakeVideo) -> None:
    video = make_video(duration_ms=10_000_000)
    add_transcript(video, cues=PART_CUES + 5)
    first = watch(client, video)
    assert ">number0<" in first
    assert f">number{PART_CUES}<" not in first
    assert f">number{PART_CUES}<" in watch(client, video, "?part=2")
    assert f">number{PART_CUES}<" in watch(client, video, f"?t={PART_CUES * 2 + 2}"), "the part in which ?t= lies"


def test_the_transcript_can_be_read_in_another_language(client: Client, video: Video) -> None:
    add_transcript(video, cues=1)
    german = add_transcript(video, cues=1, language="de")
    html = watch(client, video, "?lang=de")
    assert f'data-transcript="{german.pk}"' in html
    assert "?lang=de&amp;t=0s" in html, "a word keeps the language that was chosen"


def test_words_are_found_in_the_video_without_scripts(client: Client, video: Video) -> None:
    add_transcript(video, cues=4)
    html = watch(client, video, "?q=ROSES")
    assert html.count("<mark>roses</mark>") == 4
    assert re.search(r"data-matches>1 of 4<", html)
    assert 'href="?q=ROSES&amp;match=2#match"' in html
    assert 'href="?q=ROSES&amp;match=4#match"' in html, "the one before the first is the last"
    third = watch(client, video, "?q=roses&match=3")
    assert re.search(r'class="cue is-chosen"\s+id="match"\s+data-position="2"', third)
    assert re.search(r"3 of 4", third)
    assert re.search(r"4 of 4", watch(client, video, "?q=roses&match=99"))
    assert re.search(r"3 of 4", watch(client, video, "?q=roses&t=5s")), "the first that is said then or later"


def test_a_match_goes_over_words_captions_and_accents(client: Client, video: Video) -> None:
    transcript = add_transcript(video, cues=2)
    Cue.objects.filter(transcript=transcript, position=1).update(text="Mașini & so", words=[])
    html = watch(client, video, "?q=number0+masini")
    assert "<mark>number0</mark>" in html
    assert "<mark>Mașini</mark> &amp; so" in html
    assert re.search(r"1 of 1", html)


def test_the_part_with_the_match_is_shown(client: Client, make_video: MakeVideo) -> None:
    video = make_video(duration_ms=10_000_000)
    add_transcript(video, cues=PART_CUES + 5)
    html = watch(client, video, f"?q=number{PART_CUES + 3}")
    assert f"<mark>number{PART_CUES + 3}</mark>" in html
    assert "Part 2 of 2" in html
    assert "<mark>" not in watch(client, video, f"?q=number{PART_CUES + 3}&part=1")


@pytest.mark.parametrize(
    "query", ["?q=%22", "?q=%00&match=x", "?q=" + "x" * 3_000, "?q=%3Cscript%3Ealert(1)", "?match=3"]
)
def test_nothing_that_one_can_look_for_in_a_video_breaks_it(client: Client, video: Video, query: str) -> None:
    assert client.get(f"/watch/{video.pk}/{query}").status_code == 200, "without captions"
    add_transcript(video)
    html = watch(client, video, query)
    assert "<mark>" not in html
    assert "<script>alert" not in html


def test_it_says_so_where_nothing_matches(client: Client, video: Video) -> None:
    add_transcript(video)
    assert "Not found" in watch(client, video, "?q=lilies")
    assert "Not found" not in watch(client, video)
