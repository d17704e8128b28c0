"""How secrets that people are handed once (token keys, invitation codes) are made and kept."""

import hashlib
import secrets


def new_secret() -> str:
    """256 random bits in URL-safe letters."""
    return secrets.token_urlsafe(32)


def digest_of(secret: str) -> str:
    """SHA-256 in hex. No salt and no stretching: nobody guesses 256 random bits, and a look-up stays one query."""
    return hashlib.sha256(secret.encode()).hexdigest()
