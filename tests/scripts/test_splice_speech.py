"""New sentences are made of words of one speaker, each from its place, and of nothing else."""

import json
import sys
import wave
from pathlib import Path

import numpy as np
import pytest

from apps.media.audio import stream_samples
from apps.transcription.asr.recognizers.base import SAMPLE_RATE
from scripts import splice_speech

WORD_MS, GAP_MS = 200, 100
SENTENCES = {"s1/one.wav": ("bin", "blue"), "s1/two.wav": ("lay", "green"), "s2/three.wav": ("set", "red")}
# Each word is a tone of its own.
HERTZ = {"bin": 300, "blue": 500, "lay": 700, "green": 900, "set": 1_100, "red": 1_300}


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """training.jsonl and words.jsonl of three recordings of two words, with silence before, between and after."""
    silence = np.zeros(SAMPLE_RATE * GAP_MS // 1_000, dtype=np.float32)
    manifest, words = [], []
    for clip, sentence in SENTENCES.items():
        path = tmp_path / clip
        path.parent.mkdir(exist_ok=True)
        seconds = np.arange(SAMPLE_RATE * WORD_MS // 1_000) / SAMPLE_RATE
        tones = [(0.5 * np.sin(2 * np.pi * HERTZ[word] * seconds)).astype(np.float32) for word in sentence]
        splice_speech.write(path, np.concatenate([silence, tones[0], silence, tones[1], silence]))
        starts = (GAP_MS, 2 * GAP_MS + WORD_MS)
        times = [
            {"word": word, "start_ms": start, "end_ms": start + WORD_MS}
            for word, start in zip(sentence, starts, strict=True)
        ]
        words.append(json.dumps({"clip": clip, "words": times}))
        manifest.append(json.dumps({"path": str(path), "text": " ".join(sentence)}))
    (tmp_path / "training.jsonl").write_text("\n".join(manifest))
    (tmp_path / "words.jsonl").write_text("\n".join(words))
    return tmp_path


def loudest_hz(samples: np.ndarray) -> float:  # type: ignore[type-arg]
    spectrum = np.abs(np.fft.rfft(samples))
    return float(np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE)[spectrum.argmax()])


def test_a_sentence_holds_the_words_that_its_text_has(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output = corpus / "spliced"
    options = {"data": corpus / "training.jsonl", "words": corpus / "words.jsonl", "output": output, "sentences": 30}
    arguments = [text for name, value in options.items() for text in (f"--{name}", str(value))]
    monkeypatch.setattr(sys, "argv", ["splice_speech", *arguments])
    splice_speech.main()
    made = [json.loads(line) for line in (output / "spliced.jsonl").read_text().splitlines()]
    assert {line["text"] for line in made} == {"bin blue", "bin green", "lay blue", "lay green", "set red"}
    for line in made:
        samples = np.concatenate(list(stream_samples(output / line["path"])))
        first, second = line["text"].split()
        assert loudest_hz(samples[: len(samples) // 2]) == pytest.approx(HERTZ[first], abs=10)
        assert loudest_hz(samples[len(samples) // 2 :]) == pytest.approx(HERTZ[second], abs=10)
        with wave.open(str(output / line["path"])) as file:
            assert file.getnframes() / SAMPLE_RATE == pytest.approx(line["duration_s"], abs=0.001)
