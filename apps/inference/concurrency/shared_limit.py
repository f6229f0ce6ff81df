"""An endpoint's in-flight limit, shared by all processes that use it, on any machine.

Each process is granted a number of requests. Ten times a second, and more often while slots change hands, it reports how
many it has in flight and its demand.
The sum of the grants never exceeds the limit: a process above its fair share returns the excess as requests end, unused
shares go to the others, and the share of a killed process is free again after SILENT_AFTER_MS. The state is in Redis;
a heartbeat is one round trip.
"""

from __future__ import annotations

from dataclasses import dataclass

from redis import Redis

SILENT_AFTER_MS = 5_000
HEARTBEAT_S, QUICK_HEARTBEAT_S = 0.1, 0.02
SHRINK_TO, GROW_BY = 0.7, 0.004  # Factor after a 429 or 503; growth in HEARTBEAT_S as a fraction of the limit.

# KEYS: grants, heartbeats, ceiling, demands.
# ARGV: member, its requests in flight, limit, now in ms, silent after ms, growth as a fraction of the limit, its demand.
_HEARTBEAT = """
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
local total, granted_to_others = math.max(1, math.floor(ceiling)), 0
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  if all[i] ~= ARGV[1] then granted_to_others = granted_to_others + tonumber(all[i + 1]) end
end
-- The lowest demand is served first; each member gets at most an equal part of the remainder.
local demands, remaining, share = {}, total, 0
all = redis.call('HGETALL', KEYS[4])
for i = 1, #all, 2 do demands[#demands + 1] = {tonumber(all[i + 1]), all[i]} end
table.sort(demands, function(a, b) if a[1] ~= b[1] then return a[1] < b[1] end return a[2] < b[2] end)
for i, demand in ipairs(demands) do
  local part = math.min(demand[1], math.floor(remaining / (#demands - i + 1)))
  remaining = remaining - part
  if demand[2] == ARGV[1] then share = part end
end
local grant = math.max(0, math.min(share, total - granted_to_others))
redis.call('HSET', KEYS[1], ARGV[1], math.max(grant, tonumber(ARGV[2])))
redis.call('PEXPIRE', KEYS[1], 600000)
redis.call('PEXPIRE', KEYS[2], 600000)
redis.call('PEXPIRE', KEYS[4], 600000)
return {grant, math.max(0, share)}
"""

_SLOW_DOWN = """
if redis.call('SET', KEYS[2], 1, 'NX', 'PX', 1000) then
  local ceiling = tonumber(redis.call('GET', KEYS[1]) or ARGV[1])
  redis.call('SET', KEYS[1], tostring(math.max(1, ceiling * tonumber(ARGV[2]))), 'PX', 600000)
end
"""


@dataclass
class SharedConcurrencyLimit:
    """This process's share of an endpoint's limit. `member` names the process and its work."""

    redis: Redis
    endpoint: int
    member: str
    limit: int

    def __post_init__(self) -> None:
        self._heartbeat = self.redis.register_script(_HEARTBEAT)
        self.is_short = False  # It was granted less than its part: other processes still use what they are to return.
        self._beat_at_ms = 0
        self._slow_down = self.redis.register_script(_SLOW_DOWN)

    def _key(self, name: str) -> str:
        return f"annotate:endpoint:{self.endpoint}:{name}"

    def heartbeat(self, *, in_flight: int, now_ms: int, demand: int | None = None) -> int:
        """Report to the others. Returns how many requests this process may have in flight from now on.

        `in_flight` is the most that it may have until it gets the reply. `demand` None is the whole limit. Raises
        redis.RedisError.
        """
        keys = [self._key("grants"), self._key("heartbeats"), self._key("ceiling"), self._key("demands")]
        demand = self.limit if demand is None else min(demand, self.limit)
        # The clock may be set back.
        growth = GROW_BY * min(1, max(0, now_ms - self._beat_at_ms) / (1000 * HEARTBEAT_S))
        self._beat_at_ms = now_ms
        values: list[str | float] = [self.member, in_flight, self.limit, now_ms, SILENT_AFTER_MS, growth, demand]
        granted, part = self._heartbeat(keys, values)
        self.is_short = granted < part
        return int(granted)

    def slow_down(self) -> None:
        """Lower the limit of all processes, at most once a second. Raises redis.RedisError."""
        self._slow_down([self._key("ceiling"), self._key("slowed")], [self.limit, SHRINK_TO])

    def leave(self) -> None:
        self.redis.hdel(self._key("grants"), self.member)
        self.redis.hdel(self._key("demands"), self.member)
        self.redis.zrem(self._key("heartbeats"), self.member)


def in_flight(redis: Redis, endpoint: int) -> int:
    """Requests granted to all processes together at their last heartbeats."""
    return sum(map(int, redis.hvals(f"annotate:endpoint:{endpoint}:grants")))
