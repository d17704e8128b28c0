import json
import shutil
from pathlib import Path

import av
import numpy as np
import pytest

from apps.transcription.asr.training.batches import Sounds
from apps.transcription.asr.training.corpora import (
    CorpusError,
    Recording,
    read_corpus,
    split_by_sentence,
    with_durations,
    write_manifest,
)
from tests.transcription.asr.training.tones import spoken, write_corpus, write_sound


def test_it_reads_a_folder_of_sounds_and_texts(tmp_path: Path) -> None:
    write_sound(tmp_path / "deep" / "one.wav", spoken("ab"))
    (tmp_path / "deep" / "one.txt").write_text("Ab!\n", encoding="utf-8")

    [recording] = with_durations(read_corpus(tmp_path))

    assert recording.text == "Ab!"
    assert recording.duration_s == pytest.approx(len(spoken("ab")) / 16_000, abs=0.002)


def test_it_reads_a_manifest_of_either_form(tmp_path: Path) -> None:
    write_corpus(tmp_path, ["ab", "c"])
    words = [{"word": "c", "start_ms": 0, "end_ms": 1}, {"word": "b", "start_ms": 1, "end_ms": 2}]
    timed = tmp_path / "words.jsonl"
    timed.write_text(json.dumps({"clip": "1.wav", "words": words}), encoding="utf-8")

    assert [each.text for each in read_corpus(tmp_path / "tones.jsonl")] == ["ab", "c"]
    assert read_corpus(timed) == [Recording(tmp_path / "1.wav", "c b")]


def test_it_reads_only_the_paths_that_fit_a_pattern(tmp_path: Path) -> None:
    manifest = write_corpus(tmp_path, ["ab", "c"])

    assert [each.text for each in read_corpus(manifest, only="*/1.*")] == ["c"]


def test_it_reads_a_tree_of_librispeech(tmp_path: Path) -> None:
    chapter = tmp_path / "dev-clean" / "84" / "121123"
    wav = write_sound(tmp_path / "sound.wav", spoken("a"))
    chapter.mkdir(parents=True)
    shutil.copy(wav, chapter / "84-121123-0000.flac")  # ffmpeg looks at what is in a file, not at its name
    (chapter / "84-121123.trans.txt").write_text("84-121123-0000 GO DO YOU HEAR\n", encoding="utf-8")

    assert read_corpus(tmp_path) == [Recording(chapter / "84-121123-0000.flac", "GO DO YOU HEAR")]


def test_it_reads_common_voice_and_resamples_its_48_khz(tmp_path: Path) -> None:
    (tmp_path / "clips").mkdir()
    _write_mp3(tmp_path / "clips" / "common_voice_en_1.mp3")
    table = tmp_path / "validated.tsv"
    # As they are published: quotation marks are characters like others.
    table.write_text('client_id\tpath\tsentence\nx\tcommon_voice_en_1.mp3\t"Open" it said\n', encoding="utf-8")

    [recording] = with_durations(read_corpus(table))
    samples = Sounds().samples(recording.path)

    assert recording.text == '"Open" it said'
    assert len(samples) == pytest.approx(16_000, rel=0.1)
    assert np.abs(np.fft.rfft(samples[4_000:12_000])).argmax() == pytest.approx(500, abs=1)  # 1 kHz, bins of 2 Hz


def _write_mp3(path: Path) -> None:
    samples = (0.5 * np.sin(2 * np.pi * 1_000 * np.arange(48_000) / 48_000)).astype(np.float32)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mp3", rate=48_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
        frame.sample_rate = 48_000
        container.mux([*stream.encode(frame), *stream.encode(None)])


def test_it_refuses_a_sound_without_a_transcript(tmp_path: Path) -> None:
    write_sound(tmp_path / "one.wav", spoken("ab"))

    with pytest.raises(CorpusError, match=r"one\.wav has no transcript: write what is said into one\.txt"):
        read_corpus(tmp_path)


def test_it_refuses_what_is_no_corpus(tmp_path: Path) -> None:
    (tmp_path / "wrong.jsonl").write_text('{"path": "a.wav"}\n', encoding="utf-8")
    (tmp_path / "lost.jsonl").write_text('{"path": "a.wav", "text": "a"}\n', encoding="utf-8")
    (tmp_path / "wrong.tsv").write_text("a\tb\n", encoding="utf-8")
    (tmp_path / "empty").mkdir()

    for name, message in {
        "nowhere": "does not exist",
        "empty": r"put a\.txt beside each a\.wav",
        "wrong.jsonl": "line 1: write",
        "lost.jsonl": "names 1 files that do not exist",
        "wrong.tsv": "lacks the columns path and sentence",
    }.items():
        with pytest.raises(CorpusError, match=message):
            read_corpus(tmp_path / name)


def test_no_sentence_is_in_two_parts() -> None:
    sentences = [f"sentence {number % 40}" for number in range(120)]  # each three times
    recordings = [Recording(Path(f"{number}.wav"), sentence) for number, sentence in enumerate(sentences)]

    split = split_by_sentence(recordings, sentences, validation_share=0.1, test_share=0.2, seed=3)

    parts = [{each.text for each in part} for part in (split.training, split.validation, split.test)]
    assert [len(part) for part in parts] == [28, 4, 8]
    assert set.union(*parts) == set(sentences)
    assert len(split.training) + len(split.validation) + len(split.test) == 120
    assert split == split_by_sentence(recordings, sentences, validation_share=0.1, test_share=0.2, seed=3)
    assert split != split_by_sentence(recordings, sentences, validation_share=0.1, test_share=0.2, seed=4)


def test_it_refuses_shares_that_leave_a_part_empty() -> None:
    recordings = [Recording(Path("a.wav"), "a"), Recording(Path("b.wav"), "b")]

    with pytest.raises(CorpusError, match="2 different sentences are too few"):
        split_by_sentence(recordings, ["a", "b"], validation_share=0.1, test_share=0.0, seed=0)


def test_what_it_writes_it_reads(tmp_path: Path) -> None:
    recordings = with_durations(read_corpus(write_corpus(tmp_path)))

    write_manifest(tmp_path / "again.jsonl", recordings)

    assert [each.text for each in read_corpus(tmp_path / "again.jsonl")] == [each.text for each in recordings]
