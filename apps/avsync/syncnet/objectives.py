"""Three ways to teach the streams which sound belongs to a picture, none of which wants a label.

All take the vectors of G groups of N windows of one face track each, video and audio float32 `(G, N, D)`, where
`[g, i]` of both are of the same instant and no two windows of a group overlap; all give the mean loss, a number.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

Name = Literal["syncnet", "avenet", "multiway"]
NAMES: tuple[Name, ...] = ("syncnet", "avenet", "multiway")
LEAST_SQUARE = 1e-6  # of a distance: the root of 0 has no slope, and 1 / 0 is no number


def distances(video: Tensor, audio: Tensor) -> Tensor:
    """Euclidean, of each picture to each sound of its group: `(G, N, N)`, `[g, i, j]` of picture i to sound j."""
    squares = video.square().sum(-1)[:, :, None] + audio.square().sum(-1)[:, None] - 2 * video @ audio.transpose(1, 2)
    return squares.clamp_min(LEAST_SQUARE).sqrt()


def pairs(video: Tensor, audio: Tensor) -> tuple[Tensor, Tensor]:
    """Distances of each picture to its own sound and to one other of its group, drawn by chance: both `(G, N)`."""
    all_pairs = distances(video, audio)
    n_groups, n_windows, _ = all_pairs.shape
    others = torch.randint(1, n_windows, (n_groups, n_windows), device=video.device)
    others = (others + torch.arange(n_windows, device=video.device)) % n_windows
    return all_pairs.diagonal(dim1=1, dim2=2), all_pairs.gather(2, others[..., None])[..., 0]


class Contrastive(nn.Module):
    """SyncNet's: E = 1 / (2 M) sum over M pairs of y d² + (1 - y) max(margin - d, 0)²; y is 1 for what belongs
    together.

    Chung and Zisserman, "Out of time: automated lip sync in the wild" (2016), equation 1; a true and a false pair for
    each picture.
    """

    def __init__(self, margin: float = 1.0) -> None:
        super().__init__()
        self.margin = margin

    def forward(self, video: Tensor, audio: Tensor) -> Tensor:
        true, false = pairs(video, audio)
        return (true.square().mean() + (self.margin - false).clamp_min(0).square().mean()) / 4


class AveNet(nn.Module):
    """AVE-Net's: two logits by a fully connected layer of 1 x 2 from the distance of the normalised vectors; softmax.

    Arandjelović and Zisserman, "Objects that sound" (2018), section 3.1: the layer learns the distance up to which
    picture and sound correspond, which a margin has to be told. Logit 1 says that they do.
    """

    def __init__(self) -> None:
        super().__init__()
        self.threshold = nn.Linear(1, 2)
        with torch.no_grad():  # far apart: not together; the layer starts at the right side of what it is to learn
            self.threshold.weight.copy_(torch.tensor([[4.0], [-4.0]]))
            self.threshold.bias.copy_(torch.tensor([-4.0, 4.0]))

    def forward(self, video: Tensor, audio: Tensor) -> Tensor:
        true, false = pairs(functional.normalize(video, dim=-1), functional.normalize(audio, dim=-1))
        logits = self.threshold(torch.stack([true, false])[..., None])  # (2, G, N, 2)
        targets = torch.ones_like(true, dtype=torch.long)
        targets = torch.stack([targets, 1 - targets])
        return functional.cross_entropy(logits.flatten(0, 2), targets.flatten())


class MultiWay(nn.Module):
    """Multi-way matching: -log p_i, where p = softmax over the N sounds j of scale / d_j, and i is the picture's own.

    Chung, Chung and Kang, "Perfect Match" (2019), section 2.2: one softmax over the inverse distances of a picture to
    all candidates of its track. Vectors of unit length have distances of at least some tenths, which would leave the
    softmax almost flat, hence `scale`, which is learned with the rest.
    """

    def __init__(self, scale: float = 10.0) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(torch.tensor(scale).log())

    def forward(self, video: Tensor, audio: Tensor) -> Tensor:
        logits = self.log_scale.exp() / distances(video, audio)  # (G, N, N)
        n_groups, n_windows, _ = logits.shape
        targets = torch.arange(n_windows, device=logits.device).repeat(n_groups)
        return functional.cross_entropy(logits.flatten(0, 1), targets)


def objective(name: Name, *, margin: float = 1.0) -> nn.Module:
    if name == "syncnet":
        return Contrastive(margin)
    return AveNet() if name == "avenet" else MultiWay()


def grouped(vectors: Tensor, *, ways: int, gap: int) -> Tensor:
    """Vectors of all windows of tracks `(B, W, D)` -> groups of candidates `(G, ways, D)`, `gap` frames apart.

    From 5 frames on, candidates do not overlap. A window is in one group at most, and in none at a track's end where
    they do not come out even. Raises ValueError where a track is too short for one group.
    """
    n_windows = vectors.shape[1]
    reach = gap * (ways - 1)
    if n_windows <= reach:
        raise ValueError(f"{ways} candidates, {gap} frames apart, want {reach + 1} windows; there are {n_windows}.")
    firsts = [
        first
        for block in range(0, n_windows - reach, gap * ways)
        for first in range(block, min(block + gap, n_windows - reach))
    ]
    places = torch.tensor(firsts)[:, None] + gap * torch.arange(ways)
    return vectors[:, places].flatten(0, 1)
