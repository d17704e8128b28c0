"""Where a training starts: a fresh network, or a pre-trained one with the alphabet that it is to learn.

Each is written as a checkpoint's folder, so that everything after it loads checkpoints alone.
"""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from apps.transcription.asr.recognizers.base import SAMPLE_RATE
from apps.transcription.asr.training.spelling import make_tokenizer

# wav2vec2-base hears through seven layers of convolution, most of whose work lies before 3,200 frames a second have
# become 50. These go to 100 frames a second at once, through a bank of filters that begins as half of what ears are
# thought to be (see `filterbank`), and are fit to be trained on two cores: "small" learns at 120 times real time.
COMMON = {
    "feat_extract_norm": "layer",  # padding changes nothing, as group norm would let it
    "do_stable_layer_norm": True,
    "conv_bias": True,
    "layerdrop": 0.0,
    "feat_proj_dropout": 0.1,
    "hidden_dropout": 0.1,
    "attention_dropout": 0.1,
    "activation_dropout": 0.1,
    "final_dropout": 0.1,
    "mask_time_prob": 0.05,
    "mask_time_length": 10,
}
PRESETS: dict[str, dict[str, Any]] = {
    "tiny": {
        "hidden_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 128,
        "conv_dim": (128, 64),
        "conv_kernel": (400, 4),
        "conv_stride": (160, 2),
        "num_conv_pos_embeddings": 16,
        "num_conv_pos_embedding_groups": 4,
    },
    "small": {
        "hidden_size": 192,
        "num_hidden_layers": 6,
        "num_attention_heads": 4,
        "intermediate_size": 768,
        "conv_dim": (256, 192),
        "conv_kernel": (400, 4),
        "conv_stride": (160, 2),
        "num_conv_pos_embeddings": 32,
        "num_conv_pos_embedding_groups": 8,
    },
    "medium": {
        "hidden_size": 256,
        "num_hidden_layers": 8,
        "num_attention_heads": 4,
        "intermediate_size": 1024,
        "conv_dim": (320, 256),
        "conv_kernel": (400, 4),
        "conv_stride": (160, 2),
        "num_conv_pos_embeddings": 48,
        "num_conv_pos_embedding_groups": 16,
    },
}
PHASES = 4  # a filter and its quarter turns: rectified, their sum hardly depends on where in a wave the frame lies
LOWEST_HZ, HIGHEST_HZ = 60.0, 7_600.0


class NetworkError(Exception):
    """The checkpoint cannot be trained. The message says what to do."""


def write_fresh(folder: Path, preset: str, letters: frozenset[str], seed: int) -> None:
    """An untrained network of a preset, with a tokenizer of `letters`. Its weights depend on `seed` alone."""
    from transformers import Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2ForCTC

    tokenizer = make_tokenizer(letters)
    config = Wav2Vec2Config(**COMMON, **PRESETS[preset], vocab_size=len(tokenizer), pad_token_id=tokenizer.pad_token_id)
    torch.manual_seed(seed)
    network = Wav2Vec2ForCTC(config)
    first = network.wav2vec2.feature_extractor.conv_layers[0].conv  # weight (n_filters, 1, n_samples)
    with torch.no_grad():
        bank = filterbank(config.conv_dim[0], config.conv_kernel[0])
        first.weight.copy_(torch.from_numpy(bank)[:, None])
    features = Wav2Vec2FeatureExtractor(sampling_rate=SAMPLE_RATE, do_normalize=True, return_attention_mask=True)
    for part in (network, tokenizer, features):
        part.save_pretrained(folder)


def filterbank(n_filters: int, n_samples: int) -> NDArray[np.float32]:
    """Windowed waves float32 `(n_filters, n_samples)` at mel-spaced frequencies, PHASES of each.

    Zeghidour et al., "Learning Filterbanks from Raw Speech for Phone Recognition" (2018), section 2: a convolution
    that starts as such a bank learns from little speech what one that starts at random does not.
    """
    n_bands = n_filters // PHASES
    mels = np.linspace(_mel(LOWEST_HZ), _mel(HIGHEST_HZ), n_bands + 2)
    edges_hz = 700 * (10 ** (mels / 2595) - 1)  # (n_bands + 2,)
    times_s = (np.arange(n_samples) - (n_samples - 1) / 2) / SAMPLE_RATE
    window = np.hanning(n_samples)
    waves = []
    for low_hz, centre_hz, high_hz in zip(edges_hz[:-2], edges_hz[1:-1], edges_hz[2:], strict=True):
        # As wide in frequency as its triangle would be, where the window allows it.
        shape = window * np.exp(-0.5 * (times_s * math.pi * (high_hz - low_hz) / 2) ** 2)
        for phase in range(PHASES):
            wave = shape * np.cos(2 * math.pi * centre_hz * times_s + phase * math.pi / 2)
            # Speech has less of what is high: its filters are louder.
            waves.append(wave / np.linalg.norm(wave) * math.sqrt(centre_hz / 1_000))
    return np.asarray(waves, dtype=np.float32)


def _mel(frequency_hz: float) -> float:
    return 2595 * math.log10(1 + frequency_hz / 700)


def write_with_alphabet(checkpoint: Path, folder: Path, letters: frozenset[str], seed: int) -> None:
    """A pre-trained network with a fresh output layer for `letters`. Raises NetworkError."""
    from transformers import AutoFeatureExtractor, AutoModelForCTC

    tokenizer = make_tokenizer(letters)
    torch.manual_seed(seed)
    try:
        features = AutoFeatureExtractor.from_pretrained(checkpoint, local_files_only=True)
        network = AutoModelForCTC.from_pretrained(
            checkpoint,
            local_files_only=True,
            vocab_size=len(tokenizer),
            pad_token_id=tokenizer.pad_token_id,
            ignore_mismatched_sizes=True,
        )
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise NetworkError(f"{checkpoint} cannot be loaded as a speech model ({error}).") from error
    for part in (network, tokenizer, features):
        part.save_pretrained(folder)


def load_network(folder: Path) -> tuple[Any, Any, Any]:
    """Network, what prepares its inputs, and tokenizer of a checkpoint. Raises NetworkError."""
    from transformers import AutoFeatureExtractor, AutoModelForCTC, AutoTokenizer

    try:
        features = AutoFeatureExtractor.from_pretrained(folder, local_files_only=True)
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        network = AutoModelForCTC.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise NetworkError(
            f"{folder} cannot be loaded as a CTC checkpoint ({error}). Where it lacks a tokenizer, as those that were "
            "only pre-trained do, give --alphabet."
        ) from error
    if features.sampling_rate != SAMPLE_RATE:
        raise NetworkError(f"{folder} wants sound of {features.sampling_rate} Hz; only {SAMPLE_RATE} can be given.")
    return network, features, tokenizer


def parameter_groups(network: Any, weight_decay: float) -> list[dict[str, Any]]:
    """What learns, parted into weights that decay and biases and gains of normalisation, which do not."""
    learned: list[tuple[str, Any]] = [(name, each) for name, each in network.named_parameters() if each.requires_grad]
    return [
        {"params": list(_of(learned, is_matrix=True)), "weight_decay": weight_decay},
        {"params": list(_of(learned, is_matrix=False)), "weight_decay": 0.0},
    ]


def _of(learned: list[tuple[str, Any]], *, is_matrix: bool) -> Iterator[Any]:
    return (each for _, each in learned if (each.dim() > 1) == is_matrix)


def n_frames(network: Any, n_samples: int) -> int:
    """How many frames the network says something of, for so many samples."""
    return int(network._get_feat_extract_output_lengths(torch.tensor([n_samples]))[0])
