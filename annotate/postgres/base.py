"""Django's PostgreSQL backend, but for how it finds out that a kept connection still holds.

Django asks `SELECT 1` before a request's first query: a round trip each time, and not the cheapest part
of a short request. A server that has ended a connection has said so on the socket. One that has said
nothing has not ended it, and what a silent server may still do (a cable is cut) it may do after a query
too.
"""

from __future__ import annotations

import select

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    def is_usable(self) -> bool:
        """After an error it takes an answer; before the first query, that nothing stands unread."""
        if self.connection is None or self.connection.closed:
            return False
        return self._is_quiet() if not self.errors_occurred else bool(super().is_usable())

    def _is_quiet(self) -> bool:
        watched = select.poll()
        watched.register(self.connection.fileno(), select.POLLIN)
        # A notice may stand there as well: then it takes an answer after all.
        return not watched.poll(0) or bool(super().is_usable())
