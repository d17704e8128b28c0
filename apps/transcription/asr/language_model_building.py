"""Text -> an n-gram language model over words: a folder as `asr.language_model` reads and pyctcdecode writes it.

The thesis speaks of "a context of 5 characters"; what its processor decodes with, as ours, is a 5-gram over words.
"""

import gzip
import hashlib
import json
import lzma
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO

from apps.transcription.asr.kenlm_tools import KenlmTools, KenlmToolsError, run
from apps.transcription.asr.language_model import ATTRIBUTES, UNIGRAMS, Weights
from apps.transcription.asr.normalization import Normalizer

MAX_ORDER = 6  # what pip's KenLM and the decoder's are compiled for
# 8 bits for each probability, 7 for each weight of backing off, pointers compressed: 8 times smaller, and as good.
TRIE = ("-q", "8", "-b", "7", "-a", "64", "trie")
LIMIT_S = 24 * 3600
RECIPE = "recipe"
ARPA = "model.arpa"
PERPLEXITY = re.compile(r"^Perplexity (including|excluding) OOVs:\s*([0-9.eE+]+|inf)", re.MULTILINE)
COUNTS = re.compile(r"^(OOVs|Tokens):\s*([0-9]+)", re.MULTILINE)


class LanguageModelBuildError(Exception):
    """The language model cannot be built. The message says what to change."""


@dataclass(frozen=True)
class BuildOptions:
    """`prune` gives for each order how often an n-gram is seen that is dropped; the last number holds for the rest."""

    order: int = 5
    prune: tuple[int, ...] = (0, 0, 1)
    memory: str = "1G"  # of lmplz, for sorting
    weights: Weights = field(default_factory=Weights)

    def __post_init__(self) -> None:
        if not 1 <= self.order <= MAX_ORDER:
            raise ValueError(f"order={self.order}: write 1 to {MAX_ORDER}.")
        if not self.prune or self.prune[0] != 0 or list(self.prune) != sorted(self.prune):
            raise ValueError(f"prune={self.prune}: write 0 first (words are all kept), then numbers that do not fall.")
        if len(self.prune) > self.order:
            raise ValueError(f"prune={self.prune}: write at most {self.order} numbers, one for each order.")


@dataclass(frozen=True)
class BuildReport:
    """What was made. Perplexities are per word on the held-out text, None without one."""

    n_lines: int
    n_words: int
    n_known_words: int
    bytes: int
    perplexity: float | None = None
    perplexity_without_unknown: float | None = None
    n_held_out_words: int | None = None
    n_held_out_unknown: int | None = None


def build_language_model(
    texts: Sequence[Path],
    output: Path,
    *,
    tools: KenlmTools,
    normalizer: Normalizer,
    options: BuildOptions,
    held_out: Path | None = None,
    say: Callable[[str], object] = str,
) -> BuildReport:
    """Writes the folder `output` whole or not at all; the text is streamed, so memory does not grow with it.

    What a killed run counted is found again in `<output>.partial` by the next one with the same text and options.
    Raises LanguageModelBuildError and KenlmToolsError.
    """
    if output.exists():
        raise LanguageModelBuildError(f"{output} exists already: delete it, or name another --output.")
    partial = _partial(texts, output, normalizer, options)
    counted = partial / "counted.json"
    if not counted.exists():
        say("Counting n-grams …")
        n_lines, n_words = _count(texts, partial / ARPA, tools, normalizer, options)
        counted.write_text(json.dumps({"n_lines": n_lines, "n_words": n_words}), encoding="utf-8")
    counts = json.loads(counted.read_text(encoding="utf-8"))
    say("Packing …")
    folder = partial / "folder"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    model = folder / f"{options.order}gram.bin"
    cure = "Look whether the disk is full."
    run(
        [str(tools.build_binary), "-T", f"{partial}/", *TRIE, str(partial / ARPA), str(model)],
        limit_s=LIMIT_S,
        cure=cure,
    )
    n_known = _write_unigrams(partial / ARPA, folder / UNIGRAMS)
    (folder / ATTRIBUTES).write_text(json.dumps(_attributes(options.weights)), encoding="utf-8")
    report = BuildReport(**counts, n_known_words=n_known, bytes=model.stat().st_size)
    if held_out is not None:
        say("Measuring the perplexity …")
        report = _measured(report, held_out, model, tools, normalizer)
    # Hidden, since pyctcdecode takes no fourth file in such a folder.
    (folder / ".report.json").write_text(json.dumps(asdict(report), indent=1), encoding="utf-8")
    folder.rename(output)
    shutil.rmtree(partial)
    return report


def normalized_lines(path: Path, normalizer: Normalizer) -> Iterator[str]:
    """The text of a file, plain or compressed as its ending says, in words that the recogniser can spell."""
    with _opened(path) as lines:
        for line in lines:
            for words in normalizer.runs(line):
                yield " ".join(words)


def _opened(path: Path) -> IO[str]:
    try:
        if path.suffix == ".xz":
            return lzma.open(path, "rt", encoding="utf-8", errors="replace")
        if path.suffix == ".gz":
            return gzip.open(path, "rt", encoding="utf-8", errors="replace")
        return path.open(encoding="utf-8", errors="replace")
    except OSError as error:
        raise LanguageModelBuildError(f"{path} cannot be read ({error.strerror}): name a text file.") from error


def _partial(texts: Sequence[Path], output: Path, normalizer: Normalizer, options: BuildOptions) -> Path:
    """The folder of what is under way, emptied where it was begun with another text or other options."""
    missing = [str(path) for path in texts if not path.is_file()]
    if missing:
        raise LanguageModelBuildError(f"There is no file {', '.join(missing)}: name the text with --text.")
    described = [(str(path.resolve()), path.stat().st_size, path.stat().st_mtime_ns) for path in texts]
    recipe = hashlib.sha256(repr((described, sorted(normalizer.letters), options)).encode()).hexdigest()
    partial = output.with_name(f"{output.name}.partial")
    if not (partial / RECIPE).exists() or (partial / RECIPE).read_text(encoding="ascii") != recipe:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        (partial / RECIPE).write_text(recipe, encoding="ascii")
    return partial


def _count(
    texts: Sequence[Path], arpa: Path, tools: KenlmTools, normalizer: Normalizer, options: BuildOptions
) -> tuple[int, int]:
    """Writes the ARPA file; returns how many lines and words it is made of."""
    prune = [str(threshold) for threshold in options.prune]
    command = [str(tools.lmplz), "-o", str(options.order), "-S", options.memory, "-T", f"{arpa.parent}/"]
    command += ["--arpa", str(arpa), "--prune", *prune]
    n_lines, n_words, said = _piped(command, texts, normalizer)
    if said is not None and "discount" in said.lower():  # a text too small or too regular to estimate them
        n_lines, n_words, said = _piped([*command, "--discount_fallback"], texts, normalizer)
    if n_words == 0:
        raise LanguageModelBuildError(
            "The text holds no word in the recogniser's letters: do --text and --alphabet-from belong together?"
        )
    if said is not None:
        raise KenlmToolsError(
            f"lmplz failed. Look whether the disk is full, or give it another --memory.\nIt said: {said}"
        )
    return n_lines, n_words


def _piped(command: list[str], texts: Sequence[Path], normalizer: Normalizer) -> tuple[int, int, str | None]:
    """Lines and words given to `command`, and the end of what it said where it failed."""
    n_lines = n_words = 0
    with tempfile.TemporaryFile() as stderr:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=stderr)
        assert process.stdin is not None
        try:
            for path in texts:
                for line in normalized_lines(path, normalizer):
                    n_lines += 1
                    n_words += line.count(" ") + 1
                    process.stdin.write(f"{line}\n".encode())
            process.stdin.close()
        except BrokenPipeError:
            pass  # it gave up, and says why
        except BaseException:
            process.kill()
            raise
        status = process.wait(timeout=LIMIT_S)
        stderr.seek(0)
        said = stderr.read().decode(errors="replace").strip()[-600:]
    return n_lines, n_words, said if status != 0 else None


def _write_unigrams(arpa: Path, path: Path) -> int:
    """Writes the words of the ARPA file, the most probable first; returns how many."""
    words: list[tuple[float, str]] = []
    with arpa.open(encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("\\2-grams:"):
                break
            parts = line.rstrip("\n").split("\t")
            if len(parts) >= 2 and not parts[1].startswith("<"):
                words.append((float(parts[0]), parts[1]))
    words.sort(key=lambda entry: (-entry[0], entry[1]))
    path.write_text("".join(f"{word}\n" for _, word in words), encoding="utf-8")
    return len(words)


def _attributes(weights: Weights) -> dict[str, float | bool]:
    return {
        "alpha": weights.alpha,
        "beta": weights.beta,
        "unk_score_offset": weights.unknown_offset,
        "score_boundary": weights.score_boundary,
    }


def _measured(
    report: BuildReport, held_out: Path, model: Path, tools: KenlmTools, normalizer: Normalizer
) -> BuildReport:
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=model.parent.parent) as text:
        text.writelines(f"{line}\n" for line in normalized_lines(held_out, normalizer))
        text.flush()
        with Path(text.name).open("rb") as given:
            done = subprocess.run(
                [str(tools.query), "-v", "summary", str(model)],
                stdin=given,
                capture_output=True,
                text=True,
                timeout=LIMIT_S,
                check=False,
            )
    perplexities = dict(PERPLEXITY.findall(done.stdout))
    counts = dict(COUNTS.findall(done.stdout))
    if done.returncode != 0 or not {"including", "excluding"} <= perplexities.keys():
        raise KenlmToolsError(f"query failed on {held_out}: look whether it holds text.\nIt said: {done.stderr[-600:]}")
    return BuildReport(
        **{
            **asdict(report),
            "perplexity": float(perplexities["including"]),
            "perplexity_without_unknown": float(perplexities["excluding"]),
            "n_held_out_words": int(counts["Tokens"]),
            "n_held_out_unknown": int(counts["OOVs"]),
        }
    )
