"""An endpoint's in-flight limit, shared between all processes that use it, wherever they run.

Each process is granted a number of requests and says every quarter of a second how many it has in flight. The
sum of the grants never exceeds the limit: who has more than a fair part gives it back as requests end, and what
a killed process held is free again when it has been silent for a while. Lives in Redis; one round trip a beat.
"""

from __future__ import annotations

from dataclasses import dataclass

from redis import Redis

SILENT_AFTER_MS = 5_000
BEAT_S = 0.25
SHRINK_TO, GROW_BY = 0.7, 0.01  # On "too many requests", and a beat, as parts of the limit.

# KEYS: grants, beats, ceiling. ARGV: me, my in flight, limit, now in ms, silent after ms, part to grow by.
_BEAT = """
local now, limit = tonumber(ARGV[4]), tonumber(ARGV[3])
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now - tonumber(ARGV[5]))) do
  redis.call('ZREM', KEYS[2], gone)
  redis.call('HDEL', KEYS[1], gone)
end
redis.call('ZADD', KEYS[2], now, ARGV[1])
local ceiling = tonumber(redis.call('GET', KEYS[3]) or limit)
ceiling = math.min(limit, ceiling + tonumber(ARGV[6]) * limit)
redis.call('SET', KEYS[3], tostring(ceiling), 'PX', 600000)
local whole, count, others = math.max(1, math.floor(ceiling)), redis.call('ZCARD', KEYS[2]), 0
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  if all[i] ~= ARGV[1] then others = others + tonumber(all[i + 1]) end
end
local fair = math.floor(whole / count)
if redis.call('ZRANK', KEYS[2], ARGV[1]) < whole % count then fair = fair + 1 end
local open = math.max(0, math.min(fair, whole - others))
redis.call('HSET', KEYS[1], ARGV[1], math.max(open, tonumber(ARGV[2])))
redis.call('PEXPIRE', KEYS[1], 600000)
redis.call('PEXPIRE', KEYS[2], 600000)
return open
"""

_SLOW_DOWN = """
if redis.call('SET', KEYS[2], 1, 'NX', 'PX', 1000) then
  local ceiling = tonumber(redis.call('GET', KEYS[1]) or ARGV[1])
  redis.call('SET', KEYS[1], tostring(math.max(1, ceiling * tonumber(ARGV[2]))), 'PX', 600000)
end
"""


@dataclass
class Shares:
    """This process's part of one endpoint's limit. `member` names the process and what it does."""

    redis: Redis
    endpoint: int
    member: str
    limit: int

    def __post_init__(self) -> None:
        self._beat = self.redis.register_script(_BEAT)
        self._slow_down = self.redis.register_script(_SLOW_DOWN)

    def _key(self, name: str) -> str:
        return f"annotate:endpoint:{self.endpoint}:{name}"

    def beat(self, *, in_flight: int, now_ms: int) -> int:
        """How many requests this process may have in flight now. Raises redis.RedisError."""
        keys = [self._key("grants"), self._key("beats"), self._key("ceiling")]
        return int(self._beat(keys, [self.member, in_flight, self.limit, now_ms, SILENT_AFTER_MS, GROW_BY]))

    def slow_down(self) -> None:
        """The server said "too many": all of us send less, at most once a second. Raises redis.RedisError."""
        self._slow_down([self._key("ceiling"), self._key("slowed")], [self.limit, SHRINK_TO])

    def leave(self) -> None:
        self.redis.hdel(self._key("grants"), self.member)
        self.redis.zrem(self._key("beats"), self.member)


def in_flight(redis: Redis, endpoint: int) -> int:
    """Requests that all processes together have been granted at their last beat."""
    told = redis.hvals(f"annotate:endpoint:{endpoint}:grants")
    return sum(map(int, told))
