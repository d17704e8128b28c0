"""Sound -> mel-frequency cepstral coefficients: 13 for each 10 ms, the picture that the audio stream is given.

Davis and Mermelstein, "Comparison of parametric representations for monosyllabic word recognition" (1980); window and
hop as SyncNet has them (Chung and Zisserman, "Out of time", 2016).
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from apps.media.audio import SAMPLE_RATE

N_COEFFICIENTS = 13
HOP = SAMPLE_RATE // 100  # 10 ms
WINDOW = SAMPLE_RATE // 40  # 25 ms
STEPS_PER_FRAME = 4  # of 25 pictures a second
N_FFT = 512
N_FILTERS = 40
LOWEST_HZ, HIGHEST_HZ = 60.0, 7600.0
PRE_EMPHASIS = 0.97
FLOOR = 1e-7  # of a filter's energy: digital silence has no logarithm


def mfcc(samples: NDArray[np.float32], *, warp: float = 1.0) -> NDArray[np.float32]:
    """float32 `(n_samples // HOP, N_COEFFICIENTS)` of samples `(n_samples,)`, 16 kHz, in [-1, 1].

    The i-th window is centred on the i-th 10 ms, so that steps 4 n to 4 n + 3 are the sound of the n-th picture. About
    2 ms a second of sound.

    `warp` moves the filters to so many times their frequencies, as if the throat were shorter (below 1) or longer
    (Jaitly and Hinton, "Vocal tract length perturbation", 2013).
    """
    n_steps = len(samples) // HOP
    if n_steps == 0:
        return np.zeros((0, N_COEFFICIENTS), np.float32)
    emphasised = np.append(samples[:1], samples[1:] - PRE_EMPHASIS * samples[:-1])
    padding = (WINDOW - HOP) // 2
    padded = np.pad(emphasised, (padding, WINDOW))
    windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP][:n_steps]
    power = np.abs(np.fft.rfft(windows * np.hamming(WINDOW), N_FFT)) ** 2 / N_FFT
    energies = np.log(power @ _filters(warp).T + FLOOR)
    return np.asarray(energies @ _cosines().T, np.float32)


@cache
def _filters(warp: float) -> NDArray[np.float64]:
    """Triangles that lie evenly on the mel scale: `(N_FILTERS, N_FFT // 2 + 1)`."""
    edges = warp * _hz(np.linspace(_mel(LOWEST_HZ), _mel(HIGHEST_HZ), N_FILTERS + 2))
    bins = np.arange(N_FFT // 2 + 1) * SAMPLE_RATE / N_FFT
    rising = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    filters: NDArray[np.float64] = np.maximum(0.0, np.minimum(rising, falling))
    return filters


@cache
def _cosines() -> NDArray[np.float64]:
    """The first rows of the orthonormal cosine transform (DCT-II): `(N_COEFFICIENTS, N_FILTERS)`."""
    angles = np.pi * np.outer(np.arange(N_COEFFICIENTS), np.arange(N_FILTERS) + 0.5) / N_FILTERS
    rows = np.cos(angles) * np.sqrt(2 / N_FILTERS)
    rows[0] /= np.sqrt(2)
    return np.asarray(rows)


def _mel(hz: float) -> float:
    return float(2595 * np.log10(1 + hz / 700))


def _hz(mels: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(700 * (10 ** (mels / 2595) - 1))
