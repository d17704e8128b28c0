import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from apps.avsync.syncnet.corpora import CorpusError, read_grid, read_lrw
from apps.avsync.syncnet.words import (
    GRID_KINDS,
    TimedWord,
    read_grid_words,
    read_lrw_words,
    spoken_words,
    vocabulary,
)
from tests.avsync.syncnet.mouthers import mouther


def test_words_of_grid_lie_in_the_middle_of_their_times(tmp_path: Path) -> None:
    for name in ("s1/bbaf2n.mp4", "s2/lwbz9s.mp4"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    line = {"clip": "s1/bbaf2n.mp4", "words": [{"word": "bin", "start_ms": 950, "end_ms": 1180}]}
    (tmp_path / "words.jsonl").write_text(json.dumps(line) + "\n")
    words = read_grid_words(tmp_path, read_grid(tmp_path))
    assert words == {tmp_path / "s1/bbaf2n.mp4": [TimedWord("bin", 1.065)]}


def test_a_folder_without_times_of_words_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"There is no .*words\.jsonl"):
        read_grid_words(tmp_path, [])


def test_a_clip_of_lrw_says_the_name_of_its_folder_in_its_middle_frame(tmp_path: Path) -> None:
    path = tmp_path / "ABOUT" / "train" / "ABOUT_00001.mp4"
    path.parent.mkdir(parents=True)
    path.touch()
    words = read_lrw_words(tmp_path, read_lrw(tmp_path))
    assert vocabulary(words, {}) == ("ABOUT",)
    assert [word.text for word in words[path]] == ["ABOUT"]
    example = mouther(("oh", "yes"), seed=0)
    example = replace(example, clip=replace(example.clip, path=path), crops=example.crops[:29])
    (word,) = spoken_words([example], words, ["ABOUT"], clip_frames=29)
    assert word.middle == 14
    np.testing.assert_array_equal(word.frames(29), np.arange(29))


def test_classes_come_from_the_labels_by_kind_and_alphabet() -> None:
    words = {Path("a.mp4"): [TimedWord(text, 0) for text in ("soon", "two", "blue", "hello", "bin", "again", "blue")]}
    assert vocabulary(words, GRID_KINDS) == ("bin", "blue", "two", "again", "soon", "hello")


def test_real_grid_has_its_51_words(data_dir: Path) -> None:
    words = read_grid_words(data_dir / "grid", read_grid(data_dir / "grid"))
    assert len(vocabulary(words, GRID_KINDS)) == 51 == sum(len(kind) for kind in GRID_KINDS.values())
    assert all(0 < word.middle_s < 3 for of_clip in words.values() for word in of_clip)


def test_a_word_at_the_end_of_a_clip_repeats_its_last_frame() -> None:
    example = mouther(("oh", "yes"), seed=0)
    (word,) = spoken_words([example], {example.clip.path: [TimedWord("oh", 1.13)]}, ["oh"], clip_frames=30)
    np.testing.assert_array_equal(word.frames(7), [25, 26, 27, 28, 29, 29, 29])


def test_faces_that_are_not_seen_from_the_start_are_left_out() -> None:
    example = mouther(("oh", "yes"), seed=0)
    assert not spoken_words([example], {example.clip.path: [TimedWord("oh", 1)]}, ["oh"], clip_frames=31)
