"""Clips that the network of `grid_checkpoint` never heard, uploaded to a portal that runs it."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import jiwer
import pytest

from tests.portal import Portal, wait_until

CHECKPOINT = Path(__file__).with_name("grid_checkpoint")
CLIPS = 6
# Over 6 clips, 36 words; the rates of all 157 are in docs/results/asr/grid.csv.
WORST_WER = 0.15
WORST_TIME_ERROR_MS = 80


@pytest.fixture
def unheard(data_dir: Path) -> dict[Path, list[dict[str, object]]]:
    """The words, with their times, of clips that were kept out of the training."""
    lines = (data_dir / "grid" / "words.jsonl").read_text().splitlines()
    words = {entry["clip"]: entry["words"] for entry in map(json.loads, lines)}
    clips = (CHECKPOINT / "unheard.txt").read_text().split()
    return {data_dir / "grid" / clip: words[clip] for clip in clips[:: len(clips) // CLIPS][:CLIPS]}


@pytest.mark.slow
def test_unheard_clips_get_their_captions(unheard: dict[Path, list[dict[str, object]]], tmp_path: Path) -> None:
    portal = Portal(tmp_path, ASR_MODEL=str(CHECKPOINT))
    try:
        portal.run("--no-sample")
        portal.manage("createsuperuser", "--noinput", "--username", "someone", "--email", "someone@example.org")
        taken_in = portal.manage("import_video", "--owner", "someone", *map(str, unheard)).splitlines()
        ids = {Path(line.rpartition(": ")[0]): line.rpartition(": ")[2].replace("-", "") for line in taken_in}

        def transcribed() -> bool:
            states = portal.rows("SELECT state FROM pipeline_stagerun WHERE stage = 'transcribe'")
            return len(states) == CLIPS and all(state in ("done", "failed", "skipped") for (state,) in states)

        wait_until(transcribed, within_s=200, what="captions")
        heard = {path: words_of(portal, ids[path]) for path in unheard}
    finally:
        portal.stop(signal.SIGINT)

    said_texts = [" ".join(str(word["word"]) for word in words) for words in unheard.values()]
    heard_texts = [" ".join(str(word["text"]).strip(".,").lower() for word in heard[path]) for path in unheard]
    assert jiwer.wer(said_texts, heard_texts) <= WORST_WER, list(zip(said_texts, heard_texts, strict=True))
    errors_ms = [
        abs(int(str(word[edge])) - int(str(other[edge])))
        for path, words in unheard.items()
        if len(words) == len(heard[path])
        for word, other in zip(words, heard[path], strict=True)
        for edge in ("start_ms", "end_ms")
    ]
    assert sum(errors_ms) / len(errors_ms) <= WORST_TIME_ERROR_MS


def words_of(portal: Portal, video_id: str) -> list[dict[str, object]]:
    """Of all captions of a video, in order."""
    query = """
        SELECT words FROM transcription_cue JOIN transcription_transcript
        ON transcription_transcript.id = transcript_id WHERE video_id = ? ORDER BY position
    """
    return [word for (words,) in portal.rows(query, video_id) for word in json.loads(words)]
