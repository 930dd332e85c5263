"""Passwords from the system's keyring, for whoever wants them neither in the environment nor in a file."""

from __future__ import annotations

from sqlalchemy import URL

from ildb.config import Settings
from ildb.errors import InputError

SERVICE = "ildb"


def with_password(url: URL, settings: Settings) -> URL:
    """The URL with the keyring's password, where ``ILDB_KEYRING`` asks for that and the URL has none.

    Raises:
        InputError: the package or the entry is missing, or the keyring is locked.
    """
    if not settings.keyring or url.password or "password" in url.query:
        return url
    try:
        import keyring
        from keyring.errors import KeyringError
    except ModuleNotFoundError:
        raise InputError(
            "ILDB_KEYRING is set, but the package keyring is not installed.", "pip install 'ildb[keyring]'"
        ) from None
    name = f"{url.username or ''}@{url.host or 'localhost'}:{url.port or 5432}/{url.database or ''}"
    try:
        password = keyring.get_password(SERVICE, name)
    except KeyringError as error:
        raise InputError(f"The keyring does not answer: {error}.", "Unlock it, or unset ILDB_KEYRING.") from error
    if password is None:
        raise InputError(f"The keyring has no password for {name}.", f"Store it: keyring set {SERVICE} {name}")
    return url.set(password=password)
