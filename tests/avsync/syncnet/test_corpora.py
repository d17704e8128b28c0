from pathlib import Path

import pytest

from apps.avsync.syncnet.corpora import (
    Clip,
    CorpusError,
    SplitOptions,
    check_speakers,
    read_grid,
    read_lrs2,
    read_lrw,
    split,
)


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


def test_grid_names_speakers_by_folder_or_by_file(tmp_path: Path) -> None:
    names = ("s1/bbaf2n.mp4", "other_speakers/s10_bbab8n.mpg", "other_speakers/u1_upload_5b5d.mpg")
    clips = read_grid(touch(tmp_path, *names, "damaged/brwa4p.mpg", "words.jsonl"))
    assert {(clip.speaker, clip.sentence) for clip in clips} == {("s1", "bbaf2n"), ("s10", "bbab8n"), ("u1", "5b5d")}


def test_lrs2_takes_a_broadcast_for_a_speaker(tmp_path: Path) -> None:
    clips = read_lrs2(touch(tmp_path, "main/5535415699068794046/00001.mp4", "main/5535415699068794046/00001.txt"))
    assert [(clip.speaker, clip.part) for clip in clips] == [("5535415699068794046", None)]


def test_lrw_keeps_its_published_parts(tmp_path: Path) -> None:
    names = ("ABOUT/train/ABOUT_00001.mp4", "ABOUT/val/ABOUT_00002.mp4", "ABOUT/test/ABOUT_00003.mp4")
    parts = split(read_lrw(touch(tmp_path, *names)), SplitOptions())
    found = {part: [clip.sentence for clip in clips] for part, clips in parts.items()}
    assert found == {
        "training": ["ABOUT_00001"],
        "validation": ["ABOUT_00002"],
        "unseen_clips": ["ABOUT_00003"],
        "unseen_speakers": [],
    }


def test_a_folder_without_clips_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"name the folder that has s1/bbaf2n\.mp4"):
        read_grid(tmp_path)


def clips_of(speakers: tuple[str, ...]) -> list[Clip]:
    return [Clip(Path(f"{name}/{n}.mp4"), name, f"sentence {n}") for name in speakers for n in range(200)]


def test_no_sentence_is_in_two_parts_whoever_says_it() -> None:
    parts = split(clips_of(("a", "b", "c")), SplitOptions(held_out=("c",)))
    assert {clip.speaker for clip in parts["unseen_speakers"]} == {"c"}
    assert "c" not in {clip.speaker for part in ("training", "validation", "unseen_clips") for clip in parts[part]}
    said = [{clip.sentence for clip in parts[part]} for part in ("training", "validation", "unseen_clips")]
    assert sum(len(each) for each in said) == len(set.union(*said)) == 200
    assert 15 < len(said[2]) < 50


def test_more_clips_move_no_sentence_to_another_part() -> None:
    few, many = (split(clips_of(names), SplitOptions()) for names in (("a",), ("a", "b")))
    assert {clip.sentence for clip in few["unseen_clips"]} == {clip.sentence for clip in many["unseen_clips"]}


def test_a_speaker_who_is_not_there_cannot_be_held_out() -> None:
    with pytest.raises(CorpusError, match="no clip of z"):
        check_speakers(clips_of(("a",)), ["a", "z"])
