from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from pytest_django import Settings

from apps.accounts.models import User
from apps.transcription.asr.recognizers.base import Recognizer
from apps.transcription.expected_words import outdated_transcript
from apps.transcription.models import Cue, Transcript
from apps.transcription.recognition import LanguageNotRecognizedError
from apps.transcription.tracks import caption_tracks, served_transcript, transcript_text
from apps.transcription.transcribe import TranscriptTakenError, transcribe_video
from apps.transcription.uploading import delete_transcript
from apps.videos.files import original_path
from apps.videos.models import Video
from apps.videos.signals import video_changed
from apps.videos.stage import StageFailedError, StageSkippedError
from tests.factories import make_video
from tests.transcription.asr.sounds import speech
from tests.transcription.rows import make_transcript
from tests.transcription.voice import (
    BareSyllablesRecognizer,
    ManySyllablesRecognizer,
    SyllableRecognizer,
    babble,
    silence,
    write_video,
)

pytestmark = pytest.mark.django_db

# Longer than the pause that ends a segment.
PAUSE_S = 3.5


class KilledError(BaseException):
    """Ends a run as a kill would: nothing catches it."""


class Told:
    """Remembers what a stage says of its progress."""

    def __init__(self) -> None:
        self.fractions: list[float] = []
        self.messages: list[str] = []

    def __call__(self, fraction: float, message: str = "") -> None:
        self.fractions.append(fraction)
        self.messages.append(message)


def ignore(fraction: float, message: str = "") -> None:
    """Progress that nobody watches."""


def always(recognizer: Recognizer) -> Callable[[str], Recognizer]:
    return lambda language: recognizer


@pytest.fixture
def talk(owner: User, settings: Settings, tmp_path: Path) -> Video:
    """A video in which somebody babbles three times, with pauses that end a segment."""
    settings.MEDIA_ROOT = tmp_path
    video = make_video(owner)
    video.duration_ms = write_video(
        original_path(video),
        silence(1),
        babble(4, seed=1),
        silence(PAUSE_S),
        babble(5, pitch_hz=180, seed=2),
        silence(PAUSE_S),
        babble(4, pitch_hz=150, seed=3),
        silence(1),
    )
    video.save()
    return video


def transcribe(
    video: Video, recognizer: Recognizer | None = None, progress: Callable[..., None] = ignore
) -> SyllableRecognizer:
    recognizer = recognizer or SyllableRecognizer()
    transcribe_video(video, progress, recognizer_of=always(recognizer))
    assert isinstance(recognizer, SyllableRecognizer)
    return recognizer


def killed(video: Video, *, at_call: int, name: str = "syllables") -> None:
    with pytest.raises(KilledError):
        transcribe(video, SyllableRecognizer(name, fails_at=at_call, failure=KilledError()))


def cues(transcript: Transcript | None) -> list[tuple[int, int, str]]:
    assert transcript is not None
    return list(transcript.cues.order_by("position").values_list("start_ms", "end_ms", "text"))


def test_it_turns_sound_into_cues_with_words(talk: Video, changed: list[object]) -> None:
    told = Told()
    transcribe(talk, progress=told)

    transcript = Transcript.objects.get()
    assert (transcript.language, transcript.source, transcript.recogniser) == ("en", "auto", "syllables")
    assert transcript.is_complete
    assert transcript.mean_confidence == pytest.approx(0.8)
    assert abs(transcript.cursor_ms - talk.duration_ms) < 200

    rows = list(transcript.cues.all())
    assert [row.position for row in rows] == list(range(len(rows)))
    assert len(rows) >= 3
    for earlier, later in itertools.pairwise(rows):
        assert earlier.end_ms <= later.start_ms
    for row in rows:
        assert 500 <= row.start_ms < row.end_ms <= talk.duration_ms
        assert [word["text"] for word in row.words] == row.text.split()
        assert all(word["confidence"] == 0.8 for word in row.words)

    assert told.fractions == sorted(told.fractions)
    assert (told.fractions[0], told.fractions[-1]) == (0.0, 1.0)
    assert any(message.startswith("0:0") and message.endswith("of 0:22 recognised") for message in told.messages)
    assert set(changed) == {talk.pk}
    assert len(changed) >= 4  # three segments and the end


def test_it_commits_cues_while_it_goes_on(talk: Video) -> None:
    seen: list[tuple[int, int]] = []

    def look(fraction: float, message: str = "") -> None:
        transcript = served_transcript(talk, "en")
        if transcript and not transcript.is_complete:
            seen.append((transcript.cues.count(), transcript.cursor_ms))

    transcribe(talk, progress=look)

    assert seen == sorted(seen)
    assert len({count for count, _ in seen}) >= 3
    assert 0 < seen[0][0] < seen[-1][0]


@pytest.mark.parametrize("at_call", [1, 2, 3])
def test_it_goes_on_where_it_was_killed(talk: Video, at_call: int) -> None:
    uninterrupted = transcribe(talk)
    expected = cues(served_transcript(talk))
    Transcript.objects.all().delete()

    killed(talk, at_call=at_call)
    left = Transcript.objects.get()
    kept = cues(left)
    assert not left.is_complete
    assert kept == expected[: len(kept)]

    second = transcribe(talk)

    assert Transcript.objects.get() == left
    assert cues(left) == expected
    assert second.calls == uninterrupted.calls - (at_call - 1)


@pytest.mark.parametrize("at_call", [2, 3])
def test_a_batch_in_which_it_was_killed_is_heard_again_and_nothing_else(talk: Video, at_call: int) -> None:
    transcribe(talk)
    expected = cues(served_transcript(talk))
    Transcript.objects.all().delete()

    with pytest.raises(KilledError):
        transcribe(talk, ManySyllablesRecognizer(2, fails_at=at_call, failure=KilledError()))
    left = Transcript.objects.get()
    assert cues(left), "the first stretch came by itself"
    assert cues(left) == expected[: len(cues(left))]

    second = transcribe(talk, ManySyllablesRecognizer(2))
    assert cues(left) == expected
    assert second.calls == 2


def test_it_keeps_neither_cues_nor_cursor_of_a_segment_whose_transaction_fails(talk: Video) -> None:
    transcribe(talk)
    expected = cues(served_transcript(talk))
    Transcript.objects.all().delete()
    sent: list[object] = []

    def fail_at_the_second(**_: object) -> None:
        sent.append(None)
        if len(sent) == 2:
            raise KilledError

    video_changed.connect(fail_at_the_second)
    try:
        with pytest.raises(KilledError):
            transcribe(talk)
    finally:
        video_changed.disconnect(fail_at_the_second)
    left = Transcript.objects.get()
    assert 0 < len(cues(left)) < len(expected)
    assert left.cursor_ms <= expected[len(cues(left))][0]

    transcribe(talk)

    assert cues(Transcript.objects.get()) == expected


def test_it_serves_the_old_transcript_until_a_rerun_is_complete(talk: Video) -> None:
    old = make_transcript(talk, "auto", "old")

    killed(talk, at_call=3, name="better")
    assert Transcript.objects.count() == 2
    assert caption_tracks(talk) == [old]

    def still_old(fraction: float, message: str = "") -> None:
        if fraction < 1.0:
            assert transcript_text(talk) == "old"

    transcribe(talk, SyllableRecognizer("better"), still_old)
    new = Transcript.objects.get()
    assert new.recogniser == "better"
    assert caption_tracks(talk) == [new]
    assert not Cue.objects.filter(text="old").exists()


def test_it_fills_a_new_transcript_when_run_again_after_its_end(talk: Video) -> None:
    transcribe(talk)
    first = Transcript.objects.get()
    transcribe(talk)

    second = Transcript.objects.get()
    assert second != first
    assert cues(second)


def test_it_gives_up_what_another_recogniser_left_unfinished(talk: Video) -> None:
    killed(talk, at_call=2, name="worse")
    transcribe(talk, SyllableRecognizer("better"))

    assert Transcript.objects.get().recogniser == "better"


def test_it_replaces_what_was_heard_before_the_language_was_corrected(talk: Video) -> None:
    make_transcript(talk, "auto", "nonsense", language="de")

    transcribe(talk)

    assert [track.language for track in caption_tracks(talk)] == ["en"]


def test_it_never_touches_edited_and_uploaded_captions(talk: Video) -> None:
    kept = [
        make_transcript(talk, "uploaded", "brought"),
        make_transcript(talk, "edited", "corrected"),
        make_transcript(talk, "uploaded", "gebracht", language="de"),
    ]
    transcribe(talk)
    transcribe(talk)

    assert Transcript.objects.count() == 4
    for transcript, text in zip(kept, ("brought", "corrected", "gebracht"), strict=True):
        assert cues(transcript) == [(0, 1_000, text)]
    assert transcript_text(talk) == "corrected"


def test_it_lets_one_of_two_runs_write(talk: Video) -> None:
    other = SyllableRecognizer()

    def overtaken(fraction: float, message: str = "") -> None:
        if fraction > 0 and not other.calls:
            transcribe(talk, other)

    with pytest.raises(TranscriptTakenError):
        transcribe(talk, SyllableRecognizer(), overtaken)

    transcript = Transcript.objects.get()
    assert transcript.is_complete
    starts = [start_ms for start_ms, _, _ in cues(transcript)]
    assert starts == sorted(set(starts))


def test_it_writes_no_more_when_its_transcript_is_deleted_and_starts_afresh(talk: Video) -> None:
    def delete_once(fraction: float, message: str = "") -> None:
        if fraction > 0 and (transcript := Transcript.objects.filter(cues__isnull=False).first()):
            delete_transcript(transcript, by=transcript.video.owner)

    with pytest.raises(TranscriptTakenError):
        transcribe(talk, SyllableRecognizer(), delete_once)
    assert not Cue.objects.exists()

    transcribe(talk)
    assert Transcript.objects.get().is_complete


def test_it_says_that_a_video_has_no_sound(owner: User) -> None:
    video = make_video(owner, audio_codec="")

    with pytest.raises(StageSkippedError, match="This video has no sound"):
        transcribe(video)
    assert not Transcript.objects.exists()


def test_it_says_why_a_language_cannot_be_recognised(owner: User) -> None:
    def nobody(language: str) -> Recognizer:
        raise LanguageNotRecognizedError(f"Nobody here understands {language}. Upload captions instead.")

    with pytest.raises(StageSkippedError, match=r"Nobody here understands de\. Upload captions instead\."):
        transcribe_video(make_video(owner, language="de"), ignore, recognizer_of=nobody)
    assert not Transcript.objects.exists()


def test_it_deletes_nonsense_of_another_language_even_where_it_can_do_no_better(
    owner: User, changed: list[object]
) -> None:
    video = make_video(owner, language="de")
    make_transcript(video, "auto", "nonsense", language="en")
    brought = make_transcript(video, "uploaded", "brought", language="en")

    with pytest.raises(StageSkippedError, match="German"):
        transcribe_video(video, ignore)

    assert list(Transcript.objects.all()) == [brought]
    assert changed == [video.pk]


def test_it_skips_a_language_that_the_embedded_recogniser_does_not_know(owner: User) -> None:
    with pytest.raises(StageSkippedError, match="German"):
        transcribe_video(make_video(owner, language="de"), ignore)


def test_it_fails_in_plain_words_when_the_file_is_gone(video: Video) -> None:
    with pytest.raises(StageFailedError, match="upload it again"):
        transcribe(video)


def test_it_fails_in_plain_words_when_the_sound_cannot_be_read(video: Video) -> None:
    original_path(video).parent.mkdir(parents=True)
    original_path(video).write_bytes(b"no sound at all" * 100)

    with pytest.raises(StageFailedError, match="The sound of this video cannot be read"):
        transcribe(video)
    assert caption_tracks(video) == []


def test_it_is_content_with_a_video_without_speech(owner: User, settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path
    video = make_video(owner)
    video.duration_ms = write_video(original_path(video), silence(5))
    told = Told()

    recognizer = transcribe(video, progress=told)

    assert recognizer.calls == 0
    assert told.messages[-1] == "No speech was found."
    transcript = Transcript.objects.get()
    assert transcript.is_complete
    assert transcript.mean_confidence is None
    assert caption_tracks(video) == [transcript]


class ExpectantRecognizer(SyllableRecognizer):
    """Takes the words of a title that begin with a capital, and remembers what it was told."""

    expected: tuple[str, ...] = ()

    def choose_hotwords(self, texts: Sequence[str]) -> tuple[str, ...]:
        return tuple(word.lower() for text in texts for word in text.split() if word.istitle())

    def with_hotwords(self, hotwords: Sequence[str]) -> ExpectantRecognizer:
        self.expected = tuple(hotwords)
        return self


def test_the_recogniser_is_told_what_the_video_is_about(talk: Video, settings: Settings) -> None:
    talk.title, talk.description = "a walk through Cluj", "with Ana"
    talk.save()
    recognizer = ExpectantRecognizer()
    transcribe(talk, recognizer)
    assert recognizer.expected == ("cluj", "ana")
    assert Transcript.objects.get().hotwords == ["cluj", "ana"]
    assert outdated_transcript(talk) is None

    talk.title = "A Walk: through Cluj!"
    assert outdated_transcript(talk) is None, "the words are the same"
    talk.title = "a walk through Iași"
    assert outdated_transcript(talk) == Transcript.objects.get()
    settings.ASR_HOTWORDS = 0
    assert outdated_transcript(talk) is None, "nothing would be told to the recogniser"


def test_a_killed_run_goes_on_with_the_words_that_it_began_with(talk: Video) -> None:
    talk.title = "a walk through Cluj"
    talk.save()
    with pytest.raises(KilledError):
        transcribe(talk, ExpectantRecognizer(fails_at=2, failure=KilledError()))
    talk.title = "a walk through Deva"
    talk.save()
    recognizer = ExpectantRecognizer()
    transcribe(talk, recognizer)
    assert recognizer.expected == ("cluj",)
    assert outdated_transcript(talk) is not None


def test_the_embedded_recogniser_is_told_names_as_they_are_written(
    owner: User, settings: Settings, tmp_path: Path
) -> None:
    settings.MEDIA_ROOT = tmp_path
    video = make_video(owner, title="a walk with Ana through Timișoara", description="")
    video.duration_ms = write_video(original_path(video), speech(4))
    transcribe_video(video, ignore)
    transcript = Transcript.objects.get()
    assert cues(transcript)
    assert transcript.hotwords == ["Ana", "Timișoara"]
    assert outdated_transcript(video) is None
    video.title = "a walk with Ana through Iași"
    assert outdated_transcript(video) == transcript


class BareExpectantRecognizer(ExpectantRecognizer, BareSyllablesRecognizer):
    """Gives bare words, and takes hotwords: as CTC does."""


def test_bare_words_are_written_for_reading_after_a_kill_too(talk: Video) -> None:
    transcribe(talk, BareExpectantRecognizer())
    whole = cues(Transcript.objects.get())
    assert whole[0][2][0].isupper()
    assert whole[-1][2].endswith(".")
    a_word = next(word for word in whole[0][2].split()[1:] if word.isalpha())
    talk.title = f"we met {a_word.title()} at noon"
    talk.save()
    with pytest.raises(KilledError):
        transcribe(talk, BareExpectantRecognizer(fails_at=2, failure=KilledError()))
    transcribe(talk, BareExpectantRecognizer())
    again = cues(Transcript.objects.get())
    assert a_word.title() in again[0][2].split(), "a name is written as the title writes it"
    assert [text.lower() for _, _, text in again] == [text.lower() for _, _, text in whole]


def test_a_recogniser_that_takes_no_words_is_never_outdated(talk: Video) -> None:
    transcribe(talk)
    assert Transcript.objects.get().hotwords == []
    talk.title = "something else"
    assert outdated_transcript(talk) is None
