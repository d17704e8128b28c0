"""`python -m benchmarks.asr`: speech recognition here and elsewhere, on the same sound: speed, memory, errors.

    python -m benchmarks.asr [--minutes 5] [--csv docs/results/asr/speed.csv]
    python -m benchmarks.asr --checkpoint FOLDER --data MANIFEST.jsonl [--language-model FOLDER]

Joins utterances of a manifest (default: `speech/kathleen.jsonl` of VIDEOPORTAL_DATA) with pauses into one file, and
gives it to each system in a process of its own. Without `--checkpoint` the CTC network is one of wav2vec2-base's size
and shape with seeded random weights: as fast as trained ones, but it hears nothing, so it has no error rate.
`x real time` is sound by wall clock, loading not counted; `by CPU` is sound by the processor's seconds, which other
work on the machine hardly changes. Systems that cannot be run are named with the reason.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import wave
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from apps.media.audio import stream_samples
from apps.transcription.asr.evaluation import n_edits
from apps.transcription.evaluating import normalizer_of, read_manifest
from benchmarks.asr_systems import SYSTEMS, Job

RATE = 16_000
PAUSE_S = 0.6
COLUMNS = (
    "system", "x_real_time", "x_real_time_by_cpu", "peak_mb", "load_s", "first_caption_s", "search_share", "wer",
    "note",
)  # fmt: skip
TIME_LIMIT_S = 3600


def joined_sound(manifest: Path, minutes: float, target: Path) -> tuple[float, str]:
    """Writes so much of the manifest's speech as one WAV file; its length in seconds, and what is said."""
    pause = np.zeros(int(PAUSE_S * RATE), dtype="<i2")
    texts, n_samples = [], 0
    with wave.open(str(target), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        for utterance in read_manifest(manifest):
            samples = np.concatenate(list(stream_samples(utterance.path)))
            for piece in ((samples * 32767).astype("<i2"), pause):
                file.writeframes(piece.tobytes())
                n_samples += len(piece)
            texts.append(utterance.text)
            if n_samples >= minutes * 60 * RATE:
                break
    return n_samples / RATE, " ".join(texts)


def save_seeded_base(folder: Path) -> Path:
    """A checkpoint of wav2vec2-base-960h's size and shape with seeded random weights."""
    import torch
    from transformers import Wav2Vec2Config, Wav2Vec2CTCTokenizer, Wav2Vec2FeatureExtractor, Wav2Vec2ForCTC

    torch.manual_seed(0)
    tokens = ["<pad>", "<s>", "</s>", "<unk>", "|", *"ETAONIHSRDLUMWCFGYPBVKXJQZ'"]
    Wav2Vec2ForCTC(Wav2Vec2Config(vocab_size=len(tokens), pad_token_id=0)).save_pretrained(folder)
    (folder / "vocab.json").write_text(json.dumps({token: index for index, token in enumerate(tokens)}))
    Wav2Vec2CTCTokenizer(str(folder / "vocab.json")).save_pretrained(folder)
    Wav2Vec2FeatureExtractor(do_normalize=True).save_pretrained(folder)
    return folder


def measure(name: str, job_path: Path) -> dict[str, Any]:
    """What the system says of itself, from a process of its own."""
    command = [sys.executable, "-m", "benchmarks.asr_systems", name, str(job_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIME_LIMIT_S, check=False)
    if done.returncode:
        return {"reason": (done.stderr.strip().splitlines() or ["it died"])[-1]}
    line: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return line


def row_of(name: str, measured: dict[str, Any], reference: str) -> dict[str, Any]:
    text = measured["text"]
    wer = None
    if text is not None:
        normalize = normalizer_of("en")
        said = normalize(reference)
        wer = round(100 * n_edits(said, normalize(text)) / len(said), 2)
    by_cpu = measured["audio_s"] / measured["cpu_s"] if measured["cpu_s"] else None
    first_s, share = measured["first_caption_s"], measured["search_share"]
    values = (
        name, round(measured["audio_s"] / measured["seconds"], 1), by_cpu and round(by_cpu, 1),
        round(measured["peak_mb"]), round(measured["load_s"], 1), first_s and round(first_s, 1),
        share and round(share, 3), wer, measured["note"],
    )  # fmt: skip
    return dict(zip(COLUMNS, values, strict=True))


def tell(row: dict[str, Any]) -> None:
    figures = [
        f"{row['x_real_time']:8,.1f} x real time",
        f"{row['x_real_time_by_cpu'] or 0:6,.1f} by CPU",
        f"{row['peak_mb']:6,} MB",
    ]
    if row["first_caption_s"] is not None:
        figures.append(f"first caption {row['first_caption_s']:5.1f} s")
    if row["search_share"] is not None:
        figures.append(f"search {100 * row['search_share']:.1f} % of the CPU")
    if row["wer"] is not None:
        figures.append(f"WER {row['wer']:.2f} %")
    print(f"{row['system']:32} {'  '.join(figures)}  ({row['note']})", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--data", type=Path, help="a manifest of utterances")
    parser.add_argument("--checkpoint", type=Path, help="a trained CTC checkpoint's folder")
    parser.add_argument("--language-model", default="none", help="beside the checkpoint: a folder; empty: its own")
    parser.add_argument("--chunk-s", type=float, default=20.0, help="of transformers' pipeline")
    parser.add_argument("--max-segment-s", type=float, default=20.0, help="of ours")
    parser.add_argument("--systems", nargs="+", choices=SYSTEMS, metavar="NAME", help="some only")
    parser.add_argument("--cache-dir", type=Path, default=Path("var/benchmarks/models"), help="kept between runs")
    parser.add_argument("--csv", type=Path)
    options = parser.parse_args()
    data = Path(os.environ.get("VIDEOPORTAL_DATA", "../shared/data"))
    manifest = options.data or data / "speech" / "kathleen.jsonl"
    if not manifest.is_file():
        sys.exit(f"There is no {manifest}: set VIDEOPORTAL_DATA, or name a --data manifest.")
    cache_dir = options.cache_dir.resolve()
    seeded = cache_dir / "seeded-base"
    if options.checkpoint is None and not (seeded / "config.json").is_file():
        save_seeded_base(seeded)
    rows, refused = [], {}
    with tempfile.TemporaryDirectory() as folder:
        audio_s, reference = joined_sound(manifest, options.minutes, Path(folder) / "speech.wav")
        job = Job(
            Path(folder) / "speech.wav", audio_s, (options.checkpoint or seeded).resolve(), bool(options.checkpoint),
            options.language_model, cache_dir, options.chunk_s, options.max_segment_s,
        )  # fmt: skip
        job_path = Path(folder) / "job.json"
        job_path.write_text(json.dumps(asdict(job), default=str))
        print(f"{audio_s / 60:.1f} minutes of {manifest.stem}, {os.cpu_count()} cores, {job.checkpoint.name}")
        for name in options.systems or SYSTEMS:
            measured = measure(name, job_path)
            if "reason" in measured:
                refused[name] = measured["reason"]
            else:
                rows.append(row_of(name, measured, reference))
                tell(rows[-1])
    for name, reason in refused.items():
        print(f"{name} was not run: {reason}")
    if options.csv:
        options.csv.parent.mkdir(parents=True, exist_ok=True)
        with options.csv.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(rows)
            writer.writerows({"system": name, "note": f"not run: {reason}"} for name, reason in refused.items())


if __name__ == "__main__":
    main()
