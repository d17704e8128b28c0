"""How a setting is read from the environment: in the form that it must have, or not at all.

Each reader raises ImproperlyConfigured with a sentence that says what to write instead.
"""

import json
import os
import re
import secrets
from pathlib import Path
from zoneinfo import ZoneInfo

import environ
from django.core.exceptions import ImproperlyConfigured

env = environ.Env()


def refusal(name: str, value: object, cure: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"{name}={str(value)!r} cannot work: {cure}")


def text_setting(name: str, default: str = "") -> str:
    return str(env.str(name, default)).strip()


def list_setting(name: str, default: list[str]) -> list[str]:
    """Values separated by commas, which may have spaces beside them."""
    return [value.strip() for value in text_setting(name, ",".join(default)).split(",") if value.strip()]


def bool_setting(name: str, default: bool) -> bool:
    value = text_setting(name, str(default)).lower()
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off", ""}:
        return False
    raise refusal(name, value, "write true or false.")


def int_setting(name: str, default: int, *, at_least: int = 0) -> int:
    value = text_setting(name, str(default))
    try:
        number = int(value)
    except ValueError:
        raise refusal(name, value, f"write a whole number, {at_least} or more.") from None
    if number < at_least:
        raise refusal(name, value, f"write a whole number, {at_least} or more.")
    return number


def float_setting(name: str, default: float, *, at_least: float, at_most: float) -> float:
    value = text_setting(name, str(default))
    try:
        number = float(value)
    except ValueError:
        raise refusal(name, value, f"write a number from {at_least} to {at_most}.") from None
    if not at_least <= number <= at_most:
        raise refusal(name, value, f"write a number from {at_least} to {at_most}.")
    return number


def choice_setting(name: str, default: str, choices: tuple[str, ...]) -> str:
    value = text_setting(name, default)
    if value not in choices:
        raise refusal(name, value, f"write one of {', '.join(choices)}.")
    return value


def rate_setting(name: str, default: str) -> str:
    value = text_setting(name, default)
    if not re.fullmatch(r"[1-9][0-9]*/(s|sec|second|m|min|minute|h|hour|d|day)", value):
        raise refusal(name, value, "write how many in which time: 10/sec, 120/min, 60/hour or 500/day.")
    return value


def urls_setting(name: str) -> tuple[str, ...]:
    """Addresses of servers with their ports. They may hold passwords: no message shows them."""
    urls = tuple(list_setting(name, []))
    if not all(re.fullmatch(r"https?://[^\s/]+:[0-9]{1,5}(/\S*)?", url) for url in urls):
        raise refusal(name, "…", "write scheme and port: http://host:9200 or https://user:password@host:9200.")
    return urls


def json_setting(name: str) -> dict[str, str]:
    """A JSON object of texts by language; empty where the setting is."""
    value = text_setting(name)
    cure = 'write a JSON object by language: {"en": "facebook/wav2vec2-base-960h"}.'
    try:
        entries = json.loads(value or "{}")
    except ValueError:
        raise refusal(name, value, cure) from None
    if not isinstance(entries, dict) or not all(
        re.fullmatch("[a-z]{2,3}", key) and isinstance(entry, str) for key, entry in entries.items()
    ):
        raise refusal(name, value, cure)
    return {key: entry.strip() for key, entry in entries.items()}


def timezone_setting(name: str, default: str) -> str:
    value = text_setting(name, default)
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        raise refusal(name, value, "write a name of the IANA database: UTC or Europe/Berlin.") from None
    return value


def folder_setting(name: str, default: Path) -> Path:
    """An absolute path; the folder is made where there is none."""
    folder = Path(text_setting(name, str(default))).expanduser().resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise refusal(name, folder, f"name a folder that can be written ({error.strerror}).") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise refusal(name, folder, "name a folder that can be written (this user may not).")
    return folder


def kept_secret(path: Path) -> str:
    """The key kept in the file `path`, made at the first call; of several processes that make it, one wins."""
    if not path.exists():
        from django.core.management.utils import get_random_secret_key

        # It gets its name only when it is whole: a process that starts beside this one must not read half a key.
        unfinished = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
        unfinished.touch(mode=0o600)
        unfinished.write_text(get_random_secret_key(), encoding="ascii")
        try:
            path.hardlink_to(unfinished)
        except FileExistsError:
            pass  # another process was first: its key is read below
        finally:
            unfinished.unlink()
    key = path.read_text(encoding="ascii").strip()
    if not key:
        raise ImproperlyConfigured(f"{path} is empty: delete it, and a new key is made at the next start.")
    return key
