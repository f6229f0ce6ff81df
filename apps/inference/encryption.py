"""API keys at rest: encrypted by a key that is derived from SECRET_KEY, so a copy of the database holds none."""

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


def decrypt(sealed: str) -> str:
    """Raises DomainError when SECRET_KEY is not the one that it was sealed by."""
    if not sealed:
        return ""
    from cryptography.fernet import InvalidToken

    try:
        return _fernet().decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        raise DomainError(
            "The stored API key cannot be read: SECRET_KEY has changed since. Enter the key again.",
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
