"""A trained network as a file: safetensors in half precision, with what it was trained for and what it wants to see."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from apps.avsync.syncnet.faces import FaceOptions
from apps.avsync.syncnet.streams import StreamOptions, SyncNetwork
from apps.results.replacing import replacing

FORMAT = "videoportal-syncnet-1"


class WeightsError(Exception):
    """The weights cannot be used. The message says what to do."""


@dataclass(frozen=True)
class TrainedNetwork:
    """A network in evaluation, the crops that it wants, and what is known of its training (objective, ways, …)."""

    network: SyncNetwork
    crop: FaceOptions
    facts: Mapping[str, Any]


def save_network(path: Path, network: SyncNetwork, crop: FaceOptions, facts: Mapping[str, Any]) -> None:
    """Whoever reads sees the old file or the new. Weights are rounded to half precision, counters stay whole."""
    tensors = {
        name: tensor.detach().to(torch.float16 if tensor.is_floating_point() else tensor.dtype).contiguous()
        for name, tensor in network.state_dict().items()
    }
    described = {"streams": asdict(network.options), "crop": asdict(crop), "facts": dict(facts)}
    with replacing(path) as partial:
        save_file(tensors, partial, metadata={"format": FORMAT, "described": json.dumps(described, sort_keys=True)})


def load_network(path: Path) -> TrainedNetwork:
    """The network of a file that `save_network` wrote, in single precision. Raises WeightsError."""
    if not path.is_file():
        raise WeightsError(f"There is no file {path}: train one with `manage.py train_sync`.")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != FORMAT:
                raise WeightsError(f"{path} is not of the format {FORMAT}: train it again with `manage.py train_sync`.")
            described = json.loads(metadata["described"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (a file is no mapping)
        network = SyncNetwork(StreamOptions(**described["streams"]))
        network.load_state_dict(
            {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}
        )
    except (SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise WeightsError(f"{path} cannot be read ({error}): copy it again, or train it again.") from error
    return TrainedNetwork(network.eval(), FaceOptions(**described["crop"]), described["facts"])
