import tracemalloc
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from apps.transcription.asr.segments import SegmentOptions, Stretch, stretches
from tests.transcription.asr.sounds import RATE, noise, speech, tone, utterances
from tests.transcription.voice import silence


def blocks_of(samples: NDArray[np.float32], size: int = RATE) -> Iterator[NDArray[np.float32]]:
    for start in range(0, len(samples), size):
        yield samples[start : start + size]


def cut(samples: NDArray[np.float32], *, size: int = RATE, start_ms: int = 0, **options: float) -> list[Stretch]:
    return list(stretches(blocks_of(samples, size), SegmentOptions(**options), start_ms=start_ms))


def said(found: list[Stretch]) -> list[tuple[int, int]]:
    return [(stretch.start_ms, stretch.end_ms) for stretch in found if stretch.is_speech]


def test_it_finds_what_is_said_and_where() -> None:
    found = said(cut(np.concatenate([silence(3), speech(2), silence(4), speech(3), silence(2.5)])))
    assert len(found) == 2
    for (start_ms, end_ms), (spoken_from, spoken_to) in zip(found, [(3000, 5000), (9000, 12000)], strict=True):
        assert spoken_from - 400 <= start_ms <= spoken_from + 50
        assert spoken_to - 50 <= end_ms <= spoken_to + 500


@pytest.mark.parametrize("sound", [silence(20), noise(20, loudness=0.01), tone(20)], ids=["silence", "noise", "tone"])
def test_it_finds_nothing_where_nobody_speaks_but_tells_how_far_it_is(sound: NDArray[np.float32]) -> None:
    found = cut(sound)
    assert said(found) == []
    assert len(found) >= 2
    assert found[-1].position_ms == 20_000


def test_it_yields_nothing_of_nothing() -> None:
    assert cut(silence(0)) == []


def test_samples_are_those_of_the_times() -> None:
    sound = np.concatenate([silence(2), speech(2), silence(3)])
    [stretch] = [stretch for stretch in cut(sound, start_ms=10_000) if stretch.is_speech]
    start, end = (stretch.start_ms - 10_000) * 16, (stretch.end_ms - 10_000) * 16
    assert np.array_equal(stretch.samples, sound[start:end])


def test_no_segment_is_longer_than_the_most_and_no_sound_between_them_is_lost() -> None:
    """Half a minute without a pause."""
    found = cut(speech(30), max_segment_s=8)
    assert len(found) >= 4
    assert max(len(stretch.samples) for stretch in found) <= 8 * RATE
    assert all(before.end_ms == after.start_ms for before, after in pairwise(said_only(found)))


def said_only(found: list[Stretch]) -> list[Stretch]:
    return [stretch for stretch in found if stretch.is_speech]


def test_it_cuts_where_it_is_most_silent_when_nobody_pauses() -> None:
    """Here only half a second is a pause."""
    sound = speech(12)
    sound[int(6.0 * RATE) : int(6.12 * RATE)] = 0
    first = cut(sound, max_segment_s=8, min_pause_ms=500)[0]
    assert 5_980 <= first.end_ms <= 6_140


def test_it_cuts_at_the_longest_pause_when_somebody_does() -> None:
    sound = np.concatenate([speech(4), silence(0.2), speech(1), silence(0.7), speech(1), silence(0.2), speech(4)])
    first = cut(sound, max_segment_s=9)[0]
    assert 5_150 <= first.end_ms <= 5_950
    assert 5_200 <= first.position_ms <= 5_900


def test_it_keeps_sentences_together_that_follow_each_other_soon() -> None:
    assert len(said(cut(np.concatenate([speech(3), silence(0.8), speech(3), silence(0.8), speech(3)])))) == 1


def test_a_click_is_no_speech() -> None:
    sound = silence(6)
    sound[3 * RATE : 3 * RATE + 200] = 0.9
    assert said(cut(sound)) == []


def test_positions_go_on_and_stretches_do_not_overlap() -> None:
    sound = np.concatenate([silence(9), speech(25), silence(1), speech(3), silence(12), speech(1)])
    found = cut(sound, max_segment_s=10)
    assert all(before.position_ms <= after.start_ms for before, after in pairwise(found))
    assert all(stretch.start_ms < stretch.end_ms <= stretch.position_ms for stretch in found)
    assert found[-1].position_ms == 51_000
    moves = [0, *(stretch.position_ms for stretch in found)]
    assert max(after - before for before, after in pairwise(moves)) <= 30_000


@pytest.mark.parametrize("size", [160, 1_000, 16_000, 100_000])
def test_cuts_do_not_depend_on_the_size_of_blocks(size: int) -> None:
    sound = np.concatenate([silence(1), speech(12), silence(0.3), speech(6), silence(3), speech(2)])
    assert places(cut(sound, size=size, max_segment_s=8)) == places(cut(sound, max_segment_s=8))


def places(found: list[Stretch]) -> list[tuple[int, int, int]]:
    return [(stretch.start_ms, stretch.end_ms, stretch.position_ms) for stretch in found]


def test_a_run_that_goes_on_makes_the_same_cuts(data_dir: Path) -> None:
    sound, _ = utterances(data_dir, "kathleen", 12)
    sound = np.concatenate([noise(10, loudness=0.02), sound, silence(5), sound[: 10 * RATE]])
    whole = cut(sound, max_segment_s=7)
    assert len(whole) >= 6
    for index, stretch in enumerate(whole[:-1]):
        rest = cut(sound[stretch.position_ms * 16 :], start_ms=stretch.position_ms, max_segment_s=7)
        assert places(rest) == places(whole[index + 1 :])
        assert all(np.array_equal(a.samples, b.samples) for a, b in zip(rest, whole[index + 1 :], strict=True))


def test_all_real_speech_is_in_some_segment(data_dir: Path) -> None:
    """Each utterance, loud in its middle, lies in a segment."""
    pause_s = 0.6
    lengths = [len(utterances(data_dir, "ljspeech", n, pause_s=pause_s)[0]) for n in range(5)]
    sound, _ = utterances(data_dir, "ljspeech", 4, pause_s=pause_s)
    found = said(cut(sound))
    for start, end in pairwise(lengths):
        begin_ms, end_ms = start / 16 + 200, end / 16 - 1000 * pause_s - 200
        covered = sum(max(0, min(to, end_ms) - max(since, begin_ms)) for since, to in found)
        assert covered >= 0.97 * (end_ms - begin_ms)


def test_its_memory_does_not_grow_with_the_length() -> None:
    minute = np.concatenate([speech(25), silence(5), noise(30, loudness=0.01)])

    def peak_of(minutes: int) -> int:
        tracemalloc.start()
        sound = (block for _ in range(minutes) for block in blocks_of(minute))
        for stretch in stretches(sound, SegmentOptions()):
            assert stretch.position_ms
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return peak

    short = peak_of(1)
    assert peak_of(6) < 1.2 * short
    assert short < 20_000_000


def test_with_patience_a_segment_goes_on_to_the_next_pause() -> None:
    sound = np.concatenate([speech(9), silence(0.5), speech(3, from_s=9)])
    assert min(end for _, end in said(cut(sound, max_segment_s=5))) < 6_000
    [first, _] = said(cut(sound, max_segment_s=5, patience_s=30))
    assert first[1] == pytest.approx(9_250, abs=300)
    assert max(end - start for start, end in said(cut(sound, max_segment_s=5, patience_s=2))) <= 7_100


@pytest.mark.parametrize("max_segment_s", [0, 31])
def test_it_refuses_lengths_that_no_recogniser_takes(max_segment_s: float) -> None:
    with pytest.raises(ValueError, match="1 to 29 seconds"):
        SegmentOptions(max_segment_s=max_segment_s)
