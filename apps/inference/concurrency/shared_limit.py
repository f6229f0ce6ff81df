"""An endpoint's in-flight limit, shared between all processes that use it, wherever they run.

Each process is granted a number of requests and says ten times a second how many it has in flight and how many it
has use for. The sum of the grants never exceeds the limit: who has more than a fair part gives it back as requests
end, what one has no use for the others get, and what a killed process held is free again when it has been silent
for a while. Lives in Redis; one round trip a beat.
"""

from __future__ import annotations

from dataclasses import dataclass

from redis import Redis

SILENT_AFTER_MS = 5_000
BEAT_S = 0.1
SHRINK_TO, GROW_BY = 0.7, 0.004  # On "too many requests", and a beat, as parts of the limit.

# KEYS: grants, beats, ceiling, wants. ARGV: me, my in flight, limit, now in ms, silent after ms, part to grow by, my want.
_BEAT = """
local now, limit = tonumber(ARGV[4]), tonumber(ARGV[3])
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now - tonumber(ARGV[5]))) do
  redis.call('ZREM', KEYS[2], gone)
  redis.call('HDEL', KEYS[1], gone)
  redis.call('HDEL', KEYS[4], gone)
end
redis.call('ZADD', KEYS[2], now, ARGV[1])
redis.call('HSET', KEYS[4], ARGV[1], ARGV[7])
local ceiling = tonumber(redis.call('GET', KEYS[3]) or limit)
ceiling = math.min(limit, ceiling + tonumber(ARGV[6]) * limit)
redis.call('SET', KEYS[3], tostring(ceiling), 'PX', 600000)
local whole, others = math.max(1, math.floor(ceiling)), 0
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  if all[i] ~= ARGV[1] then others = others + tonumber(all[i + 1]) end
end
-- Who wants least is served first, each with an equal part of what is left at most.
local wants, left, part = {}, whole, 0
all = redis.call('HGETALL', KEYS[4])
for i = 1, #all, 2 do wants[#wants + 1] = {tonumber(all[i + 1]), all[i]} end
table.sort(wants, function(a, b) if a[1] ~= b[1] then return a[1] < b[1] end return a[2] < b[2] end)
for i, one in ipairs(wants) do
  local given = math.min(one[1], math.floor(left / (#wants - i + 1)))
  left = left - given
  if one[2] == ARGV[1] then part = given end
end
local open = math.max(0, math.min(part, whole - others))
redis.call('HSET', KEYS[1], ARGV[1], math.max(open, tonumber(ARGV[2])))
redis.call('PEXPIRE', KEYS[1], 600000)
redis.call('PEXPIRE', KEYS[2], 600000)
redis.call('PEXPIRE', KEYS[4], 600000)
return open
"""

_SLOW_DOWN = """
if redis.call('SET', KEYS[2], 1, 'NX', 'PX', 1000) then
  local ceiling = tonumber(redis.call('GET', KEYS[1]) or ARGV[1])
  redis.call('SET', KEYS[1], tostring(math.max(1, ceiling * tonumber(ARGV[2]))), 'PX', 600000)
end
"""


@dataclass
class SharedConcurrencyLimit:
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

    def beat(self, *, in_flight: int, now_ms: int, wanted: int | None = None) -> int:
        """How many requests this process may have in flight from now on: as many as it can get, or has use for.

        `in_flight` is what it may have at most until it knows the answer. Raises redis.RedisError.
        """
        keys = [self._key("grants"), self._key("beats"), self._key("ceiling"), self._key("wants")]
        want = self.limit if wanted is None else min(wanted, self.limit)
        return int(self._beat(keys, [self.member, in_flight, self.limit, now_ms, SILENT_AFTER_MS, GROW_BY, want]))

    def slow_down(self) -> None:
        """The server said "too many": all of us send less, at most once a second. Raises redis.RedisError."""
        self._slow_down([self._key("ceiling"), self._key("slowed")], [self.limit, SHRINK_TO])

    def leave(self) -> None:
        self.redis.hdel(self._key("grants"), self.member)
        self.redis.hdel(self._key("wants"), self.member)
        self.redis.zrem(self._key("beats"), self.member)


def in_flight(redis: Redis, endpoint: int) -> int:
    """Requests that all processes together have been granted at their last beat."""
    told = redis.hvals(f"annotate:endpoint:{endpoint}:grants")
    return sum(map(int, told))
