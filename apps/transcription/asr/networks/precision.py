"""Which precision a checkpoint is run in, and what was measured before a faster one was let in.

bf16, fp16 and int8 are faster than fp32, and may change words: of published int8 checkpoints the word error rate moves
by +0.01 to +2.2 points. So "auto" takes one only where a verdict, measured on the portal's own recordings and kept
with the checkpoint's digest, says that it does not.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

PRECISIONS = ("fp32", "bf16", "fp16", "int8")
MAX_WER_CHANGE = 0.1  # points, either way
MIN_WORDS = 200  # of fewer, a tenth of a point tells nothing


@dataclass(frozen=True)
class Verdict:
    """What a precision changed: points of word error rate over `n_words`, and how many times fp32's speed it has."""

    precision: str
    wer_change: float
    n_words: int
    speed_up: float

    @property
    def is_passed(self) -> bool:
        # Rounded, since 0.1 of a thousand words is a tenth whichever way it was divided.
        return round(abs(self.wer_change), 6) <= MAX_WER_CHANGE and self.n_words >= MIN_WORDS


def candidates(device: str) -> tuple[str, ...]:
    """The precisions beside fp32 that this machine runs fast."""
    import torch

    if device != "cpu":
        return ("bf16",) if torch.cuda.is_bf16_supported() else ("fp16",)
    capabilities = torch.backends.cpu.get_cpu_capability()
    flags = Path("/proc/cpuinfo").read_text(encoding="utf-8") if Path("/proc/cpuinfo").exists() else ""
    has_bf16 = "avx512_bf16" in flags or "amx_bf16" in flags or "SVE" in capabilities
    return ("int8", "bf16") if has_bf16 else ("int8",)


def fastest(verdicts: list[Verdict], device: str) -> str:
    """The fastest precision that its verdict has let in and this machine runs fast: fp32 where none has passed."""
    passed = [each for each in verdicts if each.is_passed and each.speed_up > 1]
    known = [each for each in passed if each.precision in candidates(device)] if passed else []
    return max(known, key=lambda each: each.speed_up).precision if known else "fp32"


def read_verdicts(cache_dir: Path, *, digest: str, device: str) -> list[Verdict]:
    """What was measured of the checkpoint on this kind of device; nothing of a file that cannot be read."""
    try:
        entries = json.loads(_path(cache_dir, digest, device).read_text(encoding="utf-8"))
        return [Verdict(**entry) for entry in entries]
    except (OSError, ValueError, TypeError):
        return []


def write_verdicts(cache_dir: Path, verdicts: list[Verdict], *, digest: str, device: str) -> Path:
    """Keeps them in the place of former ones; returns where."""
    path = _path(cache_dir, digest, device)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(f".{os.getpid()}")
    unfinished.write_text(json.dumps([asdict(each) for each in verdicts], indent=1) + "\n", encoding="utf-8")
    unfinished.replace(path)
    return path


def _path(cache_dir: Path, digest: str, device: str) -> Path:
    return cache_dir / "precision" / f"{digest[:32]}-{device}.json"
