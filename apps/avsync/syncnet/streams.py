"""The two streams: five pictures, and the fifth of a second of sound that belongs to them -> vectors to be compared.

Two trunks of one interface: `vgg_m`, that of SyncNet (Chung and Zisserman, "Out of time", 2016) and of "Perfect Match"
(Chung, Chung and Kang, 2019), and `light`, which a CPU trains and runs. Both are computed over whole sequences at once:
no layer pads in time, so that each output sees exactly its window, and neighbours share what they can.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from apps.avsync.syncnet.mfcc import N_COEFFICIENTS, STEPS_PER_FRAME
from apps.avsync.syncnet.offset import INPUT_FRAMES

WINDOW_STEPS = INPUT_FRAMES * STEPS_PER_FRAME
WINDOWS_AT_ONCE = 256  # when embedding: bounds memory to some 300 MB with the light trunk
VGG_M_SIZE = 224  # pixels: the fully connected layer is as large as what is left of them
# Standard deviations of the coefficients over GRID's speech: the first would drown the others.
SPREADS = (18.6, 6.7, 2.8, 3.2, 2.1, 1.9, 1.6, 1.6, 1.2, 1.1, 1.0, 0.9, 0.9)
LEAST_SPREAD = 1e-3  # of grey levels in [0, 1]: a black picture divided by its spread would be all noise


@dataclass(frozen=True)
class StreamOptions:
    """`size` and `channels` of the crops. `motion_only`: the first layer's weights sum to zero over the five pictures,

    so that only what changes is seen, and no face is known again by its looks. `width`: the filters of each layer of
    the light trunk, in times of those it has at 1.
    """

    trunk: Literal["light", "vgg_m"] = "light"
    size: int = 48
    channels: Literal[1, 3] = 1
    dimensions: int = 256
    motion_only: bool = True
    dropout: float = 0.2
    width: float = 1.0


class SyncNetwork(nn.Module):
    """Both streams. What comes out has unit length, so that distances lie in [0, 2] whatever the clip."""

    def __init__(self, options: StreamOptions) -> None:
        super().__init__()
        if options.trunk == "vgg_m" and options.size != VGG_M_SIZE:
            raise ValueError(f"The trunk vgg_m takes crops of {VGG_M_SIZE} pixels, not {options.size}.")
        self.options = options
        self.video_stream = _light_video(options) if options.trunk == "light" else _vgg_m_video(options)
        self.audio_stream = _light_audio(options) if options.trunk == "light" else _vgg_m_audio(options)

    def video(self, frames: Tensor) -> Tensor:
        """`(B, T, H, W, C)`, uint8 or levels in [0, 255], 25 a second -> `(B, T - 4, D)`, one for each five frames."""
        levels = frames.float() / 255
        axes = (1, 2, 3, 4)
        spread = levels.std(axes, keepdim=True).clamp_min(LEAST_SPREAD)
        levels = (levels - levels.mean(axes, keepdim=True)) / spread
        out: Tensor = self.video_stream(levels.permute(0, 4, 1, 2, 3))  # (B, C, T, H, W)
        return functional.normalize(out.float(), dim=-1)

    def audio(self, coefficients: Tensor) -> Tensor:
        """MFCCs `(B, 4 T, 13)`, 100 a second -> `(B, T - 4, D)`, one for each 20 steps, at every fourth."""
        # Microphones and loudness move each coefficient as a whole: their mean over the sequence goes.
        centred = (coefficients - coefficients.mean(1, keepdim=True)) / coefficients.new_tensor(SPREADS)
        out: Tensor = self.audio_stream(centred.transpose(1, 2))  # (B, 13, 4 T)
        return functional.normalize(out.float(), dim=-1)

    @torch.inference_mode()
    def embed_video(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Crops of one track `(T, H, W)` or `(T, H, W, C)` -> float32 `(T - 4, D)`; nothing where T < 5."""
        if len(crops) < INPUT_FRAMES:
            return np.zeros((0, self.options.dimensions), np.float32)
        frames = torch.from_numpy(crops if crops.ndim == 4 else crops[..., None]).float()
        # The same levels as all at once, in pieces.
        spread = frames.std().clamp_min(255 * LEAST_SPREAD)
        levels = ((frames - frames.mean()) / spread).permute(3, 0, 1, 2)[None]
        pieces = [
            self.video_stream(levels[:, :, first : first + WINDOWS_AT_ONCE + INPUT_FRAMES - 1])[0]
            for first in range(0, len(crops) - INPUT_FRAMES + 1, WINDOWS_AT_ONCE)
        ]
        vectors: NDArray[np.float32] = functional.normalize(torch.cat(pieces), dim=-1).numpy()
        return vectors

    @torch.inference_mode()
    def embed_audio(self, coefficients: NDArray[np.float32]) -> NDArray[np.float32]:
        """MFCCs `(4 T, 13)` -> float32 `(T - 4, D)`; nothing where T < 5."""
        if len(coefficients) < WINDOW_STEPS:
            return np.zeros((0, self.options.dimensions), np.float32)
        vectors: NDArray[np.float32] = self.audio(torch.from_numpy(coefficients)[None])[0].numpy()
        return vectors


class _OverFive(nn.Module):
    """The first layer of the video stream: a convolution over five pictures, then each instant is a picture of its own.

    `(B, C, T, H, W)` -> `(B (T - 4), n_filters, H', W')`.
    """

    def __init__(self, channels: int, n_filters: int, kernel: int, *, motion_only: bool) -> None:
        super().__init__()
        self._motion_only = motion_only
        weight = torch.empty(n_filters, channels, INPUT_FRAMES, kernel, kernel)
        self.weight = nn.Parameter(nn.init.kaiming_normal_(weight, nonlinearity="relu"))

    def forward(self, frames: Tensor) -> Tensor:
        weight: Tensor = self.weight
        if self._motion_only:
            weight = weight - weight.mean(2, keepdim=True)
        channels, height, width = frames.shape[1], *frames.shape[3:]
        windows = frames.unfold(2, INPUT_FRAMES, 1)  # (B, C, T - 4, H, W, 5)
        stacked = windows.permute(0, 2, 1, 5, 3, 4).reshape(-1, channels * INPUT_FRAMES, height, width)
        return functional.conv2d(stacked, weight.flatten(1, 2), stride=2)


class _VideoStream(nn.Module):
    """First layer, layers of each instant, and back to sequences: `(B, C, T, H, W)` -> `(B, T - 4, D)`."""

    def __init__(self, first: _OverFive, others: nn.Sequential) -> None:
        super().__init__()
        self.first = first
        self.others = others

    def forward(self, frames: Tensor) -> Tensor:
        vectors: Tensor = self.others(self.first(frames))
        return vectors.reshape(len(frames), -1, vectors.shape[-1])


class _AudioStream(nn.Module):
    """`(B, 13, 4 T)` -> `(B, T - 4, D)`; `pictures`: the layers take the coefficients as a picture's height."""

    def __init__(self, layers: nn.Sequential, *, pictures: bool) -> None:
        super().__init__()
        self.layers = layers
        self._pictures = pictures

    def forward(self, coefficients: Tensor) -> Tensor:
        out: Tensor = self.layers(coefficients[:, None] if self._pictures else coefficients)
        return (out.squeeze(2) if self._pictures else out).transpose(1, 2)


def _light_video(options: StreamOptions) -> nn.Module:
    """Some 15 million floating-point operations a window at 48 pixels; with the sound's stream 1.3 million weights."""
    n_first, *others = (round(options.width * n) for n in (24, 48, 96, 128, 192))
    first = _OverFive(options.channels, n_first, 5, motion_only=options.motion_only)
    side = (options.size - 5) // 2 + 1
    layers: list[nn.Module] = [nn.BatchNorm2d(n_first), nn.ReLU()]
    n_in = n_first
    for n_out, stride in zip(others, (2, 2, 2, 1), strict=True):
        layers += [nn.Conv2d(n_in, n_out, 3, stride, 1, bias=False), nn.BatchNorm2d(n_out), nn.ReLU()]
        side = (side - 1) // stride + 1
        n_in = n_out
    layers += [nn.Flatten(), nn.Dropout(options.dropout), nn.Linear(n_in * side * side, options.dimensions)]
    return _VideoStream(first, nn.Sequential(*layers))


def _light_audio(options: StreamOptions) -> nn.Module:
    """Sees 20 steps and moves by four: kernels 3, 4, 4, 3 with strides 1, 2, 2, 1."""
    layers: list[nn.Module] = []
    n_in = N_COEFFICIENTS
    for n_filters, kernel, stride in ((96, 3, 1), (160, 4, 2), (256, 4, 2), (256, 3, 1)):
        n_out = round(options.width * n_filters)
        layers += [nn.Conv1d(n_in, n_out, kernel, stride, bias=False), nn.BatchNorm1d(n_out), nn.ReLU()]
        n_in = n_out
    layers += [nn.Dropout(options.dropout), nn.Conv1d(n_in, options.dimensions, 1)]
    return _AudioStream(nn.Sequential(*layers), pictures=False)


def _vgg_m_video(options: StreamOptions) -> nn.Module:
    """VGG-M (Chatfield et al., 2014) with a first layer of 5 x 7 x 7; the side goes 224, 109, 54, 26, 13, 6, 1."""
    first = _OverFive(options.channels, 96, 7, motion_only=options.motion_only)
    layers = [
        nn.BatchNorm2d(96), nn.ReLU(), nn.MaxPool2d(3, 2),
        *_convolution(96, 256, 5, stride=2, padding=1), nn.MaxPool2d(3, 2, 1),
        *_convolution(256, 256, 3, padding=1), *_convolution(256, 256, 3, padding=1),
        *_convolution(256, 256, 3, padding=1), nn.MaxPool2d(3, 2),
        *_convolution(256, 512, 6), nn.Flatten(), nn.Dropout(options.dropout), nn.Linear(512, options.dimensions),
    ]  # fmt: skip
    return _VideoStream(first, nn.Sequential(*layers))


def _vgg_m_audio(options: StreamOptions) -> nn.Module:
    """The same filters over 13 x 20 pictures of MFCCs; the height goes 13, 13, 13, 13, 6, 1.

    In time, kernels and strides are chosen to see 20 steps and to move by four without padding.
    """
    across = (1, 0)
    layers = [
        *_convolution(1, 64, 3, padding=across), *_convolution(64, 192, 3, padding=across),
        nn.MaxPool2d((3, 2), (1, 2), (1, 0)),
        *_convolution(192, 384, 3, padding=across), *_convolution(384, 256, 3, padding=across),
        *_convolution(256, 256, (3, 1), padding=across), nn.MaxPool2d((3, 2), 2),
        *_convolution(256, 512, (6, 2)), nn.Dropout(options.dropout), nn.Conv2d(512, options.dimensions, 1),
    ]  # fmt: skip
    return _AudioStream(nn.Sequential(*layers), pictures=True)


def _convolution(
    n_in: int, n_out: int, kernel: int | tuple[int, int], *, stride: int = 1, padding: int | tuple[int, int] = 0
) -> list[nn.Module]:
    return [nn.Conv2d(n_in, n_out, kernel, stride, padding, bias=False), nn.BatchNorm2d(n_out), nn.ReLU()]
