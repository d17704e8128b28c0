"""A training from its corpus to its chosen checkpoint."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from apps.transcription.asr.normalization import ENGLISH_LETTERS
from apps.transcription.asr.recognizers.base import SAMPLE_RATE
from apps.transcription.asr.training.batches import Example
from apps.transcription.asr.training.charts import draw_curves, draw_durations
from apps.transcription.asr.training.corpora import (
    CorpusError,
    Recording,
    Split,
    read_corpus,
    split_by_sentence,
    with_durations,
    write_manifest,
)
from apps.transcription.asr.training.hugging_face import DatasetOptions, lay_out
from apps.transcription.asr.training.networks import load_network, n_frames, write_fresh, write_with_alphabet
from apps.transcription.asr.training.run_folder import RunFolder
from apps.transcription.asr.training.spelling import Speller, SpellingError, letters_of, n_frames_needed
from apps.transcription.asr.training.trainer import Measured, Trainer, TrainingOptions

MIN_CLIP_S = 0.3  # less has not the frames that a mask of SpecAugment covers
N_SHOWN = 3


@dataclass(frozen=True)
class Start:
    """What is trained: the folder of a checkpoint, or a fresh network of a preset.

    `alphabet`: "checkpoint" keeps the labels that it has; "english" and "text" (the letters of the transcripts) give it
    new ones. A fresh network has none to keep.
    """

    checkpoint: Path | None
    preset: str = "small"
    alphabet: Literal["checkpoint", "english", "text"] = "english"


@dataclass(frozen=True)
class Data:
    """Which recordings, and how they are parted. `more` is for learning alone; its sentences that are kept for
    validation or test are left out of it."""

    corpora: tuple[Path, ...]
    dataset: DatasetOptions | None = None
    more: tuple[Path, ...] = ()
    only: str = "*"  # of `corpora`, the recordings whose path this pattern fits
    validation_share: float = 0.1
    test_share: float = 0.0
    split_seed: int = 0
    max_clip_s: float = 20.0
    skip_unusable: bool = False


def finetune(
    output: Path, start: Start, data: Data, options: TrainingOptions, *, device: str, say: Callable[[str], None]
) -> Measured:
    """Trains into the folder `output`, or goes on there; the row of the checkpoint that was chosen.

    Raises CorpusError, SpellingError, NetworkError, RunFolderError, TrainingError and RecognizerUnavailableError.
    """
    folder = RunFolder(output)
    recordings, more = _read(data, output)
    folder.claim({"start": asdict(start), "data": asdict(data), "options": asdict(options)})
    _write_start(folder, start, [each.text for each in (*recordings, *more)], options.seed)
    saved = folder.newest_state()
    network, features, tokenizer = load_network(folder.checkpoint(saved[0] if saved else 0))
    sieve = _Sieve(Speller.of(folder.checkpoint(0)), network, data.max_clip_s)
    split = _split(sieve, recordings, more, data)
    if sieve.troubles:
        say(f"Left out: {len(sieve.troubles)} recordings, as {sieve.troubles[0]}")
    _write_parts(folder, split, say)
    trainer = Trainer(
        network,
        features,
        sieve.speller,
        training=sieve.examples(split.training),
        validation=sieve.examples(split.validation),
        options=options,
        device=device,
    )
    if saved:
        trainer.restore(saved[1])
        say(f"Going on after step {trainer.step}.")
    for row in trainer.run():
        folder.save((network, features, tokenizer), row, trainer.state())
        best = folder.best_step()
        folder.select(best)
        draw_curves(folder.rows(), best, output / "curves.png")
        say(describe(row))
    chosen = folder.best_step()
    return next(row for row in folder.rows() if row.step == chosen)


def describe(row: Measured) -> str:
    return (
        f"step {row.step}: loss {row.training_loss:.3f}, validation {row.validation_loss:.3f}, "
        f"WER {row.validation_wer:.1f} %, CER {row.validation_cer:.1f} %, {row.seconds:.0f} s"
    )


def _read(data: Data, output: Path) -> tuple[list[Recording], list[Recording]]:
    """What is parted, and what is for learning alone."""
    recordings = [each for path in data.corpora for each in read_corpus(path, only=data.only)]
    if data.dataset:
        laid_out = output.with_name(f"{output.name}.dataset")
        recordings += read_corpus(lay_out(data.dataset, laid_out), only=data.only)
    return with_durations(recordings), with_durations([each for path in data.more for each in read_corpus(path)])


def _write_start(folder: RunFolder, start: Start, texts: Sequence[str], seed: int) -> None:
    """The network before its first step, as the checkpoint of step 0."""
    target = folder.checkpoint(0)
    if target.exists():
        return
    partial = target.with_name("start.partial")
    shutil.rmtree(partial, ignore_errors=True)
    letters = letters_of(texts) if start.alphabet == "text" else ENGLISH_LETTERS
    if start.checkpoint is None:
        write_fresh(partial, start.preset, letters, seed)
    elif start.alphabet == "checkpoint":
        for part in load_network(start.checkpoint):
            part.save_pretrained(partial)
    else:
        write_with_alphabet(start.checkpoint, partial, letters, seed)
    partial.rename(target)


def _split(sieve: "_Sieve", recordings: Sequence[Recording], more: Sequence[Recording], data: Data) -> Split:
    """The parts. Raises CorpusError where recordings cannot be learned, unless they may be skipped."""
    usable, usable_more = sieve.usable(recordings), sieve.usable(more)
    if sieve.troubles and not data.skip_unusable:
        shown = "\n  ".join(sieve.troubles[:N_SHOWN])
        raise CorpusError(
            f"{len(sieve.troubles)} of {len(recordings) + len(more)} recordings cannot be used:\n  {shown}\n"
            "Correct them, or give --skip-unusable to train without them."
        )
    split = split_by_sentence(
        usable,
        [sieve.speller.sentence(each.text) for each in usable],
        validation_share=data.validation_share,
        test_share=data.test_share,
        seed=data.split_seed,
    )
    kept_out = {sieve.speller.sentence(each.text) for each in (*split.validation, *split.test)}
    added = [each for each in usable_more if sieve.speller.sentence(each.text) not in kept_out]
    return replace(split, training=[*split.training, *added])


class _Sieve:
    """Parts recordings that a network can learn from others, and remembers in `troubles` what is wrong with those."""

    def __init__(self, speller: Speller, network: Any, max_clip_s: float) -> None:
        self.speller = speller
        self.troubles: list[str] = []
        self._network = network
        self._max_clip_s = max_clip_s

    def usable(self, recordings: Sequence[Recording]) -> list[Recording]:
        usable = []
        for each in recordings:
            if trouble := self._trouble(each):
                self.troubles.append(f"{each.path}: {trouble}")
            else:
                usable.append(each)
        return usable

    def examples(self, recordings: Sequence[Recording]) -> list[Example]:
        """Of recordings that are usable."""
        sentences = [self.speller.sentence(each.text) for each in recordings]
        return [
            Example(each.path, sentence, tuple(self.speller.label_ids(sentence)), each.duration_s)
            for each, sentence in zip(recordings, sentences, strict=True)
        ]

    def _trouble(self, recording: Recording) -> str:
        try:
            sentence = self.speller.sentence(recording.text)
        except SpellingError as error:
            return str(error)
        duration_s = recording.duration_s
        if duration_s > self._max_clip_s:
            return f"{duration_s:.1f} s are longer than --max-clip-s {self._max_clip_s:g}"
        n_needed = n_frames_needed(self.speller.label_ids(sentence))
        if duration_s < MIN_CLIP_S or n_frames(self._network, int(duration_s * SAMPLE_RATE)) < n_needed:
            return f"{duration_s:.2f} s are too short to say “{sentence}”"
        return ""


def _write_parts(folder: RunFolder, split: Split, say: Callable[[str], None]) -> None:
    """Who is in which part, and how long they last."""
    durations_s = {name: [each.duration_s for each in part] for name, part in vars(split).items() if part}
    for name, part in vars(split).items():
        write_manifest(folder.path / f"{name}.jsonl", part)
        say(f"{name}: {len(part)} recordings, {sum(each.duration_s for each in part) / 3600:.2f} h")
    draw_durations(durations_s, folder.path / "durations.png")
