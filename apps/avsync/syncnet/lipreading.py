"""Words from lips: the video stream, two convolutions over time, and a softmax over the words.

The model TC-5 of "Perfect Match" (Chung, Chung and Kang, 2019), section 4.2: each of its inputs in time sees five
pictures. The stream is either learned with the rest (end to end), or is one that learned to match lips and sound
without a single label and is not changed any more (pre-trained): then its vectors are computed once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from apps.avsync.syncnet.dataset import AugmentOptions, augmented_crops, inner
from apps.avsync.syncnet.offset import INPUT_FRAMES
from apps.avsync.syncnet.streams import SyncNetwork
from apps.avsync.syncnet.words import SpokenWord

PREDICTED_AT_ONCE = 128  # words: bounds memory to some 300 MB with the light trunk


@dataclass(frozen=True)
class ReaderOptions:
    """`n_frames` pictures of each word, `width` channels of both convolutions."""

    n_frames: int = 17
    width: int = 256
    dropout: float = 0.5


class TemporalLayers(nn.Module):
    """What reads words from a stream's vectors: the part that both ways of training learn."""

    def __init__(self, dimensions: int, n_words: int, options: ReaderOptions) -> None:
        super().__init__()
        n_places = options.n_frames - INPUT_FRAMES + 1
        self.convolutions = nn.Sequential(
            nn.Conv1d(dimensions, options.width, 3, padding=1, bias=False), nn.BatchNorm1d(options.width), nn.ReLU(),
            nn.Dropout(options.dropout),
            nn.Conv1d(options.width, options.width, 3, padding=1, bias=False), nn.BatchNorm1d(options.width), nn.ReLU(),
        )  # fmt: skip
        # The word is in the middle and its neighbours are around it: each channel learns which places it is asked of.
        self.places = nn.Parameter(torch.zeros(options.width, n_places))
        self.words = nn.Sequential(nn.Dropout(options.dropout), nn.Linear(options.width, n_words))

    def forward(self, vectors: Tensor) -> Tensor:
        """`(B, n_frames - 4, D)` -> logits `(B, n_words)`."""
        over_time = self.convolutions(vectors.transpose(1, 2))  # (B, width, n_frames - 4)
        pooled = (over_time * self.places.softmax(-1)).sum(-1)  # (B, width)
        logits: Tensor = self.words(pooled)
        return logits


class EndToEndReader(nn.Module):
    """A video stream with the layers above it, learned together."""

    def __init__(self, network: SyncNetwork, layers: TemporalLayers) -> None:
        super().__init__()
        self.network = network
        self.network.audio_stream = nn.Identity()  # nobody is heard: its weights would be kept for nothing
        self.layers = layers

    def forward(self, frames: Tensor) -> Tensor:
        """`(B, n_frames, H, W, C)`, uint8 -> logits `(B, n_words)`."""
        logits: Tensor = self.layers(self.network.video(frames))
        return logits


class Inputs(Protocol):
    """What a reader is given of words: crops or vectors."""

    @property
    def labels(self) -> NDArray[np.int64]:
        """The class of each word, `(n,)`."""

    def batch(self, numbers: Sequence[int] | NDArray[np.int64], view: int = 0) -> Tensor:
        """Of the words with these numbers. View 0 is the clip as it is, each other one a change that is always the
        same: both kinds of inputs show the same pictures.
        """


class _Words:
    def __init__(self, words: Sequence[SpokenWord], options: ReaderOptions, augment: AugmentOptions | None) -> None:
        self._words = words
        self._n_frames = options.n_frames
        self._augment = augment
        self.labels = np.array([word.label for word in words], np.int64)


class CropInputs(_Words):
    """Crops, `(B, n_frames, H, W, C)`, uint8: what is learned from end to end."""

    def batch(self, numbers: Sequence[int] | NDArray[np.int64], view: int = 0) -> Tensor:
        chosen = [self._words[int(number)] for number in numbers]
        crops = np.stack([_seen(word, word.frames(self._n_frames), view, self._augment) for word in chosen])
        return torch.from_numpy(crops if crops.ndim == 5 else crops[..., None])


class VectorInputs(_Words):
    """Vectors of a frozen stream, `(B, n_frames - 4, D)`, each view computed when it is first asked for.

    Clips are embedded whole: their grey levels are normalised over the clip, not over the word.
    """

    def __init__(
        self,
        words: Sequence[SpokenWord],
        options: ReaderOptions,
        augment: AugmentOptions | None,
        network: SyncNetwork,
    ) -> None:
        super().__init__(words, options, augment)
        self._network = network.eval()
        self._views: dict[int, NDArray[np.float16]] = {}

    def batch(self, numbers: Sequence[int] | NDArray[np.int64], view: int = 0) -> Tensor:
        if view not in self._views:
            self._views[view] = self._embedded(view)
        return torch.from_numpy(self._views[view][numbers].astype(np.float32))

    def _embedded(self, view: int) -> NDArray[np.float16]:
        n_places = self._n_frames - INPUT_FRAMES + 1
        of_clips: dict[int, NDArray[np.float32]] = {}
        rows = []
        for word in self._words:
            key = id(word.example)
            if key not in of_clips:
                every = np.arange(len(word.example.crops))
                of_clips[key] = self._network.embed_video(_seen(word, every, view, self._augment))
            vectors = of_clips[key]
            # A window is named by its first frame.
            rows.append(vectors[np.minimum(word.frames(self._n_frames)[:n_places], len(vectors) - 1)])
        return np.asarray(np.stack(rows), np.float16)


def _seen(word: SpokenWord, frames: NDArray[np.int64], view: int, augment: AugmentOptions | None) -> NDArray[np.uint8]:
    """Crops of these frames. The change is drawn from the clip's name and the view, for all frames of it alike."""
    crops = word.example.crops[frames]
    if view == 0 or augment is None:
        return inner(crops)
    clip = word.example.clip
    return augmented_crops(crops, augment, np.random.default_rng((view, *f"{clip.speaker}/{clip.path.stem}".encode())))


@torch.inference_mode()
def predict(reader: nn.Module, inputs: Inputs) -> NDArray[np.float32]:
    """Logits of all words, `(n, n_words)`."""
    reader.eval()
    n = len(inputs.labels)
    pieces = [
        reader(inputs.batch(range(first, min(first + PREDICTED_AT_ONCE, n)))).float().numpy()
        for first in range(0, n, PREDICTED_AT_ONCE)
    ]
    return np.concatenate(pieces)
