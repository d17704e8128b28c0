"""The readers of lips that are held against each other: same words, same layers, one budget; streams differ.

`pt_NAME`: the stream of a network that train_sync made, which stays as it is. `pt_random`: a stream that learned
nothing, the floor. `e2e`: the same stream from the same start, learned with the layers above it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from apps.avsync.syncnet.corpora import READERS, Part, SplitOptions, check_speakers, split
from apps.avsync.syncnet.dataset import AugmentOptions, Cache
from apps.avsync.syncnet.faces import FaceOptions
from apps.avsync.syncnet.lipreading import (
    CropInputs,
    EndToEndReader,
    Inputs,
    ReaderOptions,
    TemporalLayers,
    VectorInputs,
    predict,
)
from apps.avsync.syncnet.lipreading_results import Task
from apps.avsync.syncnet.lipreading_trainer import LipReadingTrainer, ReadingOptions
from apps.avsync.syncnet.runs import TrainingError
from apps.avsync.syncnet.streams import StreamOptions, SyncNetwork
from apps.avsync.syncnet.weights import TrainedNetwork
from apps.avsync.syncnet.words import CLIP_FRAMES, KINDS, WORD_READERS, SpokenWord, spoken_words, vocabulary

END_TO_END, RANDOM = "e2e", "pt_random"


@dataclass(frozen=True)
class WordCorpus:
    """The words of each part. Parts are those of train_sync: what is unseen here, its networks did not see either."""

    name: str
    held_out: tuple[str, ...]
    crop: FaceOptions
    task: Task
    parts: Mapping[Part, Sequence[SpokenWord]]


@dataclass(frozen=True)
class Reader:
    """A reader with its training, and how it is given words."""

    name: str
    trainer: LipReadingTrainer
    inputs: Callable[[Sequence[SpokenWord]], Inputs]

    @property
    def n_learned(self) -> int:
        """Weights that its training changes."""
        return sum(weight.numel() for weight in self.trainer.reader.parameters())

    def logits(self, words: Sequence[SpokenWord]) -> NDArray[np.float32]:
        return predict(self.trainer.reader, self.inputs(words))


def read_corpus(folder: Path, name: str, cache: Path, crop: FaceOptions, held_out: tuple[str, ...]) -> WordCorpus:
    """Raises CorpusError where there is no such corpus, or no clip of somebody in `held_out`."""
    clips = READERS[name](folder)
    check_speakers(clips, held_out)
    times = WORD_READERS[name](folder, clips)
    task = Task(vocabulary(times, KINDS[name]), KINDS[name])
    examples = Cache(cache, crop)
    parts = {
        part: spoken_words(
            examples.examples([clip for clip in of_part if clip.path in times]),
            times,
            task.names,
            clip_frames=CLIP_FRAMES[name],
        )
        for part, of_part in split(clips, SplitOptions(held_out=held_out)).items()
    }
    return WordCorpus(name, held_out, crop, task, parts)


def common_crop(networks: Mapping[str, TrainedNetwork], corpus: str, held_out: tuple[str, ...]) -> FaceOptions:
    """The crop that all networks want; the default where there are none. Raises TrainingError."""
    crops = {network.crop for network in networks.values()} or {FaceOptions()}
    if len(crops) > 1 or len({network.network.options for network in networks.values()}) > 1:
        raise TrainingError("The networks have other crops or streams than each other: compare them one by one.")
    for name, network in networks.items():
        left_out = sorted(network.facts["held_out"])
        if network.facts["corpus"] == corpus and left_out != sorted(held_out):
            raise TrainingError(f"{name} left out other speakers: give --held-out {' '.join(left_out)}.")
    return crops.pop()


@dataclass(frozen=True)
class Comparison:
    """What all readers have in common."""

    reader: ReaderOptions
    training: ReadingOptions
    augment: AugmentOptions


def make_readers(
    corpus: WordCorpus, networks: Mapping[str, TrainedNetwork], common: Comparison, output: Path
) -> list[Reader]:
    """All readers, each with its training in a folder of its own, not learned yet (but for what is there already)."""
    streams = next(
        (network.network.options for network in networks.values()),
        StreamOptions(size=corpus.crop.size, channels=1 if corpus.crop.is_grey else 3),
    )
    torch.manual_seed(common.training.seed)
    untaught = SyncNetwork(streams)
    frozen = {f"pt_{name}": network.network for name, network in networks.items()} | {RANDOM: untaught}
    made = [_pretrained(name, network, corpus, common, output) for name, network in frozen.items()]
    return [*made, _end_to_end(SyncNetwork(streams), untaught, corpus, common, output)]


def _pretrained(name: str, network: SyncNetwork, corpus: WordCorpus, common: Comparison, output: Path) -> Reader:
    def inputs(words: Sequence[SpokenWord]) -> Inputs:
        return VectorInputs(words, common.reader, common.augment, network)

    return _reader(name, _layers(network, corpus, common), inputs, corpus, common, output, _digest(network))


def _end_to_end(
    network: SyncNetwork, start: SyncNetwork, corpus: WordCorpus, common: Comparison, output: Path
) -> Reader:
    def inputs(words: Sequence[SpokenWord]) -> Inputs:
        return CropInputs(words, common.reader, common.augment)

    network.load_state_dict(start.state_dict())
    reader = EndToEndReader(network, _layers(network, corpus, common))
    return _reader(END_TO_END, reader, inputs, corpus, common, output, _digest(network))


def _layers(network: SyncNetwork, corpus: WordCorpus, common: Comparison) -> TemporalLayers:
    torch.manual_seed(common.training.seed)  # all start from the same
    return TemporalLayers(network.options.dimensions, len(corpus.task.names), common.reader)


def _reader(
    name: str,
    model: nn.Module,
    inputs: Callable[[Sequence[SpokenWord]], Inputs],
    corpus: WordCorpus,
    common: Comparison,
    output: Path,
    starts_from: str,
) -> Reader:
    facts: dict[str, Any] = {
        "corpus": corpus.name,
        "held_out": list(corpus.held_out),
        "crop": asdict(corpus.crop),
        "reader": asdict(common.reader),
        "augment": asdict(common.augment),
        "stream_sha256": starts_from,
    }
    trainer = LipReadingTrainer(
        output / name,
        model,
        training=inputs(corpus.parts["training"]),
        validation=inputs(corpus.parts["validation"]),
        options=common.training,
        facts=facts,
    )
    return Reader(name, trainer, inputs)


def _digest(network: SyncNetwork) -> str:
    """SHA-256 of the video stream's weights: another stream is another training."""
    digest = hashlib.sha256()
    for tensor in network.video_stream.state_dict().values():
        digest.update(tensor.detach().numpy().tobytes())
    return digest.hexdigest()
