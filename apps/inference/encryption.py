"""Encryption of stored API keys with a key derived from SECRET_KEY, so that a copy of the database reveals none."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from django.conf import settings

from apps.core.errors import DomainError

if TYPE_CHECKING:
    from cryptography.fernet import Fernet


def encrypt(secret: str) -> str:
    """Authenticated encryption (Fernet). An empty secret stays empty."""
    return _fernet().encrypt(secret.encode()).decode() if secret else ""


def decrypt(encrypted: str) -> str:
    """Raises DomainError if SECRET_KEY has changed since the encryption."""
    if not encrypted:
        return ""
    from cryptography.fernet import InvalidToken

    try:
        return _fernet().decrypt(encrypted.encode()).decode()
    except InvalidToken as error:
        raise DomainError(
            "The stored API key cannot be decrypted: SECRET_KEY has changed since. Enter the key again.",
            code="key_unreadable",
        ) from error


def _fernet() -> Fernet:
    """Imports cryptography late: the models import this module, and few commands need a key."""
    from cryptography.fernet import Fernet
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"annotate endpoint keys").derive(
        settings.SECRET_KEY.encode()
    )
    return Fernet(base64.urlsafe_b64encode(derived))
