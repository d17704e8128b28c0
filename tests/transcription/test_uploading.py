import pytest
from pytest_django import Settings

from apps.accounts.models import User
from apps.transcription.models import Cue, Transcript
from apps.transcription.tracks import served_transcript, transcript_text
from apps.transcription.uploading import (
    CaptionsRefusedError,
    delete_transcript,
    remove_captions,
    store_uploaded_captions,
)
from apps.videos.models import ModerationEntry, Video
from tests.transcription.rows import make_transcript

pytestmark = pytest.mark.django_db

VTT = b"WEBVTT\n\n00:01.000 --> 00:02.500\nGood &amp; bad\n\n00:03.000 --> 00:04.000\n<v Ann>morning</v>\n"
SRT = b"1\n00:00:01,000 --> 00:00:02,500\nGood & bad\n\n2\n00:00:03,000 --> 00:00:04,000\n<i>morning</i>\n"


def refusal(video: Video, data: bytes, name: str = "talk.vtt", language: str = "en") -> CaptionsRefusedError:
    with pytest.raises(CaptionsRefusedError) as caught:
        store_uploaded_captions(video, language=language, data=data, name=name, by=video.owner)
    return caught.value


@pytest.mark.parametrize(
    ("data", "name"), [(VTT, "talk.vtt"), (VTT, "TALK.VTT"), (VTT, "captions"), (VTT, "x.srt"), (SRT, "../../talk.SRT")]
)
def test_it_takes_webvtt_and_srt(video: Video, changed: list[object], data: bytes, name: str) -> None:
    transcript = store_uploaded_captions(video, language="en", data=data, name=name, by=video.owner)

    transcript.refresh_from_db()
    assert transcript.source == Transcript.Source.UPLOADED
    assert transcript.is_complete
    assert transcript.mean_confidence is None
    cues = transcript.cues.values_list("position", "start_ms", "end_ms", "text", "words", "confidence")
    assert list(cues) == [(0, 1_000, 2_500, "Good & bad", [], None), (1, 3_000, 4_000, "morning", [], None)]
    assert changed == [video.pk]


def test_it_replaces_the_uploaded_one_of_the_same_language_alone(video: Video) -> None:
    automatic = make_transcript(video, "auto", "a")
    german = make_transcript(video, "uploaded", "g", language="de")
    edited = make_transcript(video, "edited", "e", language="fr")
    make_transcript(video, "uploaded", "old")

    new = store_uploaded_captions(video, language="en", data=VTT, name="talk.vtt", by=video.owner)

    assert set(Transcript.objects.all()) == {automatic, german, edited, new}
    assert transcript_text(video) == "Good & bad morning"
    assert not Cue.objects.filter(text="old").exists()


def test_it_refuses_captions_that_overlap_and_changes_nothing(video: Video, changed: list[object]) -> None:
    make_transcript(video, "uploaded", "old")

    error = refusal(video, b"WEBVTT\n\n00:01.000 --> 00:03.000\na\n\n00:02.000 --> 00:04.000\nb\n")

    assert [problem.line for problem in error.problems] == [6]
    assert str(error).startswith("Line 6: The caption starts at 00:00:02.000, while")
    assert error.status == 422
    assert transcript_text(video) == "old"
    assert changed == []


@pytest.mark.parametrize(
    ("data", "name", "line", "told"),
    [
        (b"", "talk.vtt", 0, "The file is empty"),
        (b" \r\n\n", "talk.srt", 0, "The file is empty"),
        (b"WEBVTT\n\nNOTE nothing yet\n", "talk.vtt", 0, "holds no captions"),
        (b"\x00\x00\x00\x18ftypmp42", "talk.mp4", 0, "WebVTT (.vtt) or SRT (.srt)"),
        (SRT, "talk.txt", 0, "WebVTT (.vtt) or SRT (.srt)"),
        (SRT, "talk.vtt", 1, "begins with a line that says WEBVTT"),
        (VTT.replace(b"Good", b"G\xf6\xf6d"), "talk.vtt", 4, "not in UTF-8"),
        (VTT.replace(b"00:04.000", b"00:02.000"), "talk.vtt", 6, "not after its start"),
    ],
)
def test_it_says_what_is_wrong_and_where(video: Video, data: bytes, name: str, line: int, told: str) -> None:
    [problem] = refusal(video, data, name).problems

    assert problem.line == line
    assert told in problem.message
    assert not Transcript.objects.exists()


def test_it_refuses_captions_past_the_end_of_the_video(video: Video) -> None:
    within_tolerance = VTT.replace(b"00:04.000", b"01:02.000")
    past_it = VTT.replace(b"00:04.000", b"01:02.001")

    [problem] = refusal(video, past_it).problems
    assert problem.line == 6
    assert "ends at 00:01:02.001, but the video ends at 00:01:00.000" in problem.message
    store_uploaded_captions(video, language="en", data=within_tolerance, name="talk.vtt", by=video.owner)


def test_it_refuses_files_that_are_too_large(video: Video, settings: Settings) -> None:
    settings.CAPTIONS_MAX_BYTES = 3_000
    error = refusal(video, VTT + b"\n" * 3_000)

    assert error.status == 413
    assert "larger than 3 kB" in str(error)


def test_it_refuses_too_many_captions(video: Video, settings: Settings) -> None:
    settings.CAPTIONS_MAX_CUES = 1

    assert "holds 2 captions; 1 are allowed" in str(refusal(video, VTT))


def test_it_refuses_a_language_that_is_not_on_the_list(video: Video) -> None:
    assert "Choose the language" in str(refusal(video, VTT, language="xx"))


def test_it_names_twenty_problems_and_counts_the_rest(video: Video) -> None:
    data = b"WEBVTT\n\n" + b"00:09.000 --> 00:01.000\nHi\n\n" * 1_500

    error = refusal(video, data)

    assert len(error.problems) == 21
    assert error.problems[0].line == 3
    assert str(error.problems[-1]) == "… and 1,480 more problems."


def test_it_removes_uploaded_captions_and_serves_what_lay_beneath(video: Video, changed: list[object]) -> None:
    automatic = make_transcript(video, "auto", "heard")
    make_transcript(video, "uploaded", "brought")

    assert remove_captions(video, "en", by=video.owner) is True
    assert served_transcript(video, "en") == automatic
    assert changed == [video.pk]

    assert remove_captions(video, "en", by=video.owner) is False
    assert remove_captions(video, "de", by=video.owner) is False
    assert changed == [video.pk]


def test_it_deletes_any_transcript_with_its_cues(video: Video, changed: list[object]) -> None:
    delete_transcript(make_transcript(video, "auto", "a", "b"), by=video.owner)

    assert not Cue.objects.exists()
    assert changed == [video.pk]


def test_it_refuses_captions_for_a_video_that_was_just_deleted(video: Video) -> None:
    Video.objects.filter(pk=video.pk).delete()

    with pytest.raises(Video.DoesNotExist):
        store_uploaded_captions(video, language="en", data=VTT, name="talk.vtt", by=video.owner)
    assert not Transcript.objects.exists()


def test_a_moderators_act_on_somebodys_captions_is_logged(video: Video, moderator: User) -> None:
    store_uploaded_captions(video, language="en", data=VTT, name="talk.vtt", by=video.owner)
    assert not ModerationEntry.objects.exists()

    store_uploaded_captions(video, language="de", data=VTT, name="talk.vtt", by=moderator)
    remove_captions(video, "en", by=moderator)

    entries = ModerationEntry.objects.order_by("created_at").values_list("moderator", "video", "act", "reason")
    assert list(entries) == [
        (moderator.pk, video.pk, "edited", "Uploaded: German captions, uploaded"),
        (moderator.pk, video.pk, "edited", "Deleted: English captions, uploaded"),
    ]
