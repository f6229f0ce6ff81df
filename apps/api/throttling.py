"""How many requests one user may make, by a counter for each window of time.

REST framework keeps the time of every request in a list, which is read and written whole with each
one: at thousands a minute that costs more than answering. A counter is one short round trip. Its price
is that up to twice the rate can pass around the end of a window.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from django.conf import settings
from redis import Redis
from rest_framework.request import Request
from rest_framework.throttling import UserRateThrottle

if TYPE_CHECKING:
    # At run time this would be a circle: the view asks the settings for this class.
    from rest_framework.views import APIView


# One for the process, made before there are threads: a client that two threads made at once would close the
# connections that it handed out when the one of them is thrown away.
REDIS = Redis.from_url(settings.REDIS_URL)


class WindowThrottle(UserRateThrottle):
    num_requests: int | None
    duration: int | None

    def allow_request(self, request: Request, view: APIView) -> bool:
        key = self.get_cache_key(request, view)
        if key is None or self.num_requests is None or self.duration is None:
            return True
        self.now = time.time()
        window = int(self.now // self.duration)
        with REDIS.pipeline(transaction=False) as pipe:
            pipe.incr(f"{key}:{window}")
            pipe.expire(f"{key}:{window}", self.duration)
            count = int(pipe.execute()[0])
        return count <= self.num_requests

    def wait(self) -> float:
        """Seconds until the next window."""
        assert self.duration is not None
        return self.duration - self.now % self.duration
