"""Models on this machine: a folder, or what was downloaded of a hub's id. Nothing here touches the network."""

from pathlib import Path


def folder_of(model: str, cache_dir: Path | None) -> Path | None:
    """The folder that `model` names, or that was downloaded to `cache_dir` of the hub id; None where there is none."""
    if Path(model).expanduser().is_dir():
        return Path(model).expanduser()
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(model, cache_dir=cache_dir, local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError):
        return None
