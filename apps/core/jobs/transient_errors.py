"""Transient errors. Apart from `jobs`, which the models of all jobs import: the redis package is slow to load."""

from __future__ import annotations

from django.db import InterfaceError, OperationalError
from redis import RedisError

# Outages of the database, the broker or the machine: the work is sent again. Any other unexpected exception would be
# raised again each time. Imports and exports, whose work is files, end on an OSError.
TRANSIENT_ERRORS = (OperationalError, InterfaceError, RedisError, OSError)
