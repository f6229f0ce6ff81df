"""Rate limit per user, by one counter per window of time.

REST framework keeps the times of all requests in one list that every request reads and writes whole: at thousands a
minute that costs more than the answer. A counter costs one short round trip; in return, up to twice the rate can pass
around the end of a window.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from django.conf import settings
from redis import Redis
from rest_framework.request import Request
from rest_framework.throttling import UserRateThrottle

if TYPE_CHECKING:
    # A circular import at run time: views load this class from the settings.
    from rest_framework.views import APIView


# One client per process, created before there are threads: of two clients created at once one would be discarded,
# and close connections that are in use.
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
