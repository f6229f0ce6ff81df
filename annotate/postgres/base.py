"""Django's PostgreSQL backend with another check of whether a kept connection is still open.

Django sends `SELECT 1` before a request's first query: a round trip, which is a large part of a short request. A server
that ends a connection sends a message on the socket, so a socket without unread data is still connected. A connection
that breaks silently, as when a cable is cut, can also break right after a `SELECT 1`.
"""

from __future__ import annotations

import select

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    def is_usable(self) -> bool:
        """Ask the server only after an error. Otherwise it is enough that the socket has no unread data."""
        if self.connection is None or self.connection.closed:
            return False
        return self._is_quiet() if not self.errors_occurred else bool(super().is_usable())

    def _is_quiet(self) -> bool:
        watched = select.poll()
        watched.register(self.connection.fileno(), select.POLLIN)
        # Unread data may also be a notice: then ask the server.
        return not watched.poll(0) or bool(super().is_usable())
