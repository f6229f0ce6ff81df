"""Errors that pass. Apart from `jobs`, which every model of a run imports: the redis package is slow to load."""

from __future__ import annotations

from django.db import InterfaceError, OperationalError
from redis import RedisError

# The database, the broker or the machine is in trouble for a while: the work is sent again. Any other unforeseen
# exception would be raised each time. Imports and exports, whose work is files, end at an OSError.
TRANSIENT_ERRORS = (OperationalError, InterfaceError, RedisError, OSError)
