import itertools
import json
import uuid

import pytest
from django.http.response import HttpResponseBase
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from apps.accounts.models import User
from apps.transcription.models import Cue, Transcript
from apps.transcription.parsing import parse_webvtt
from apps.videos.models import ModerationState, Video, Visibility
from tests.transcription.rows import make_transcript

pytestmark = pytest.mark.django_db

FORMS = ("vtt", "srt", "txt", "json")


def url(video: Video, form: str = "vtt", language: str = "en") -> str:
    return reverse("transcription:captions", args=[video.pk, language, form])


def body(response: HttpResponseBase) -> str:
    return b"".join(response).decode()


def test_it_has_the_address_that_players_are_given(video: Video) -> None:
    assert url(video) == f"/videos/{video.pk}/captions.en.vtt"


def test_it_serves_what_is_said_in_each_form(client: Client, video: Video) -> None:
    transcript = make_transcript(video, "auto", "Q&A", "x --> <b>", recogniser="syllables", words=True)

    vtt, srt, text, data = (client.get(url(video, form)) for form in FORMS)

    assert vtt.headers["Content-Type"] == "text/vtt; charset=utf-8"
    assert [cue.text for cue in parse_webvtt(body(vtt).encode()).captions] == ["Q&A", "x --> <b>"]
    assert srt.headers["Content-Type"] == "application/x-subrip; charset=utf-8"
    assert body(srt).startswith("1\n00:00:00,000 --> 00:00:01,000\nQ&A\n\n2\n")
    assert text.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert body(text) == "Q&A x --> <b>\n"
    assert data.headers["Content-Type"] == "application/json"
    assert json.loads(body(data)) == {
        "id": str(transcript.pk),
        "language": "en",
        "source": "auto",
        "recogniser": "syllables",
        "is_complete": True,
        "cursor_ms": 2_000,
        "mean_confidence": None,
        "cues": [
            {
                "position": position,
                "start_ms": position * 1_000,
                "end_ms": position * 1_000 + 1_000,
                "text": text,
                "confidence": 0.5,
                "words": [
                    {
                        "text": text,
                        "start_ms": position * 1_000,
                        "end_ms": position * 1_000 + 900,
                        "confidence": 0.5,
                    }
                ],
            }
            for position, text in enumerate(["Q&A", "x --> <b>"])
        ],
    }


def test_it_serves_the_cues_that_come_while_recognition_runs(client: Client, video: Video) -> None:
    transcript = make_transcript(video, "auto", "one", "two", is_complete=False)
    first = json.loads(body(client.get(url(video, "json"))))
    assert (first["is_complete"], [cue["text"] for cue in first["cues"]]) == (False, ["one", "two"])

    Cue.objects.create(transcript=transcript, position=2, start_ms=2_000, end_ms=3_000, text="three")
    Transcript.objects.filter(pk=transcript.pk).update(cursor_ms=3_000)

    later = json.loads(body(client.get(url(video, "json") + "?after=1")))
    assert (later["cursor_ms"], [(cue["position"], cue["text"]) for cue in later["cues"]]) == (3_000, [(2, "three")])
    assert "three" in body(client.get(url(video)))


@pytest.mark.parametrize(("after", "expected"), [("-1", [0, 1]), ("-99", [0, 1]), ("0", [1]), ("9" * 40, [])])
def test_it_takes_any_position_to_go_on_from(client: Client, video: Video, after: str, expected: list[int]) -> None:
    make_transcript(video, "auto", "one", "two")

    cues = json.loads(body(client.get(url(video, "json"), {"after": after})))["cues"]

    assert [cue["position"] for cue in cues] == expected


@pytest.mark.parametrize("after", ["", "x", "1.5", "9" * 5_000])
def test_it_says_what_a_position_is(client: Client, video: Video, after: str) -> None:
    make_transcript(video, "auto", "one")

    response = client.get(url(video, "json"), {"after": after})

    assert response.status_code == 400
    assert "a whole number" in response.content.decode()


def test_it_knows_other_languages_and_forms_not(client: Client, video: Video) -> None:
    make_transcript(video, "auto", "one")

    assert client.get(url(video)).status_code == 200
    for path in (url(video, "vtt", "de"), url(video, "exe"), url(video, "vtt", "pt.BR"), url(video, "VTT")):
        assert client.get(path).status_code == 404
    assert client.get(f"/videos/{uuid.uuid4()}/captions.en.vtt").status_code == 404


def test_it_answers_reads_only(client: Client, video: Video) -> None:
    make_transcript(video, "auto", "one")

    assert client.post(url(video)).status_code == 405
    head = client.head(url(video))
    assert (head.status_code, body(head)) == (200, "")
    assert head.headers["ETag"] == client.get(url(video)).headers["ETag"]


@pytest.mark.parametrize(
    ("visibility", "state", "openers"),
    [
        (Visibility.PUBLIC, ModerationState.PUBLISHED, {"anonymous", "stranger", "owner", "moderator"}),
        (Visibility.UNLISTED, ModerationState.PUBLISHED, {"anonymous", "stranger", "owner", "moderator"}),
        (Visibility.PRIVATE, ModerationState.PUBLISHED, {"owner", "moderator"}),
        (Visibility.PUBLIC, ModerationState.PENDING, {"owner", "moderator"}),
        (Visibility.PUBLIC, ModerationState.REJECTED, {"owner", "moderator"}),
    ],
)
def test_it_shows_captions_to_whom_the_video_is_shown(
    video: Video,
    owner: User,
    stranger: User,
    moderator: User,
    visibility: Visibility,
    state: ModerationState,
    openers: set[str],
) -> None:
    Video.objects.filter(pk=video.pk).update(visibility=visibility, moderation_state=state)
    make_transcript(video, "auto", "a secret")

    for (role, user), form in itertools.product(
        {"anonymous": None, "stranger": stranger, "owner": owner, "moderator": moderator}.items(), FORMS
    ):
        client = Client()
        if user:
            client.force_login(user)
        response = client.get(url(video, form))
        assert response.status_code == (200 if role in openers else 404), role
        assert ("a secret" in body(response)) is (role in openers)
        if role in openers:
            assert ("public" in response.headers["Cache-Control"]) is (
                visibility == Visibility.PUBLIC and state == ModerationState.PUBLISHED
            )


def test_it_tells_a_browser_that_nothing_changed_until_something_did(client: Client, video: Video) -> None:
    transcript = make_transcript(video, "auto", "one", is_complete=False)
    first = client.get(url(video))
    tag = first.headers["ETag"]
    assert "no-cache" in first.headers["Cache-Control"]

    again = client.get(url(video), headers={"If-None-Match": tag})
    assert (again.status_code, body(again)) == (304, "")

    transcript.cursor_ms = 30_000
    transcript.save()
    changed = client.get(url(video), headers={"If-None-Match": tag})
    assert (changed.status_code, changed.headers["ETag"] != tag) == (200, True)

    make_transcript(video, "uploaded", "brought")
    assert "brought" in body(client.get(url(video), headers={"If-None-Match": changed.headers["ETag"]}))


def test_it_has_a_tag_of_its_own_for_each_form(client: Client, video: Video) -> None:
    make_transcript(video, "auto", "one")

    tags = {client.get(url(video, form)).headers["ETag"] for form in FORMS}
    tags.add(client.get(url(video, "json") + "?after=0").headers["ETag"])

    assert len(tags) == 5


@pytest.mark.parametrize(
    ("title", "told"),
    [
        ("A talk", 'attachment; filename="A talk.en.srt"'),
        ('../etc/"x"\r\nSet-Cookie: a', 'attachment; filename="etc x Set-Cookie a.en.srt"'),
        ("Ça 🎬", "attachment; filename*=utf-8''%C3%87a%20%F0%9F%8E%AC.en.srt"),
        ("///", 'attachment; filename="captions.en.srt"'),
    ],
)
def test_it_names_the_file_to_take_away_after_the_video(client: Client, video: Video, title: str, told: str) -> None:
    Video.objects.filter(pk=video.pk).update(title=title)
    make_transcript(video, "auto", "one")

    response = client.get(url(video, "srt"), {"download": "1"})

    assert response.headers["Content-Disposition"] == told
    assert "Content-Disposition" not in client.get(url(video, "srt")).headers


def test_it_asks_the_database_thrice_however_many_cues(
    client: Client, video: Video, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    make_transcript(video, "auto", *(f"cue {number}" for number in range(1_200)))

    with django_assert_num_queries(3):
        response = client.get(url(video))
        assert body(response).count("-->") == 1_200
