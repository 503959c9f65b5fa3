"""Counters in Redis, for all processes, with counters in this one beside them."""

import logging
import secrets
import time
from dataclasses import dataclass

from limits.util import get_package_data

from adapters.rate_limits.local import LocalRateLimits
from adapters.rate_limits.windows import Window, remaining, until_free
from adapters.redis_client import Away, Circuit, RedisClient
from application.limits import Limit, RateLimiter, Standing

log = logging.getLogger("moothall.limits")

PREFIX = "moothall:limits"
LONGEST_HOLD = 30_000
"""Milliseconds after which nobody waits any more for an attempt whose process was lost."""

LOOK_EVERY = 1.0
"""Seconds after which it is looked again whether Redis was emptied."""

TAKE = """
local function acquire()
%s
end
local taken = acquire()
local now = redis.call('time')
now = now[1] * 1000 + math.floor(now[2] / 1000)
redis.call('zremrangebyscore', KEYS[3], '-inf', now)
if taken and ARGV[4] ~= '' then
    redis.call('zadd', KEYS[3], now + ARGV[5], ARGV[4])
    redis.call('pexpire', KEYS[3], ARGV[5])
end
return {
    taken and 1 or 0,
    tonumber(redis.call('get', KEYS[1]) or 0), math.max(0, redis.call('pttl', KEYS[1])),
    tonumber(redis.call('get', KEYS[2]) or 0), math.max(0, redis.call('pttl', KEYS[2])),
    redis.call('zcard', KEYS[3])
}
""" % get_package_data("resources/redis/lua_scripts/acquire_sliding_window.lua").decode()  # noqa: UP031
"""The library's sliding window, and in the same step who is undecided. KEYS: the window before, the current one, the
undecided. ARGV: amount, seconds, 1, the name of the attempt (or nothing), how long it is held."""

SETTLE = """
local held_until = redis.call('zscore', KEYS[3], ARGV[1])
if not held_until then
    return
end
redis.call('zrem', KEYS[3], ARGV[1])
if ARGV[2] == '0' then
    return
end
local now = redis.call('time')
now = now[1] * 1000 + math.floor(now[2] / 1000)
local taken_at = held_until - ARGV[3]
local counted = KEYS[2]
local left = redis.call('pttl', KEYS[2])
if left > 0 and now + left - ARGV[4] * 2000 > taken_at + 2 then
    counted = KEYS[1]
end
if tonumber(redis.call('get', counted) or 0) > 0 then
    redis.call('decr', counted)
end
"""
"""Give back where it was counted: in the window before, if the current one began later (times are in milliseconds, and
rounded). KEYS: as above. ARGV: the name of the attempt, 1 to give it back, how long it is held, seconds."""

MARK = "redis.call('set', KEYS[1], ARGV[1], 'NX') return redis.call('get', KEYS[1])"
"""Who finds another mark than before knows that everything was forgotten meanwhile."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """`name` is the attempt's in Redis."""

    local: Standing
    name: str


class SharedRateLimits(RateLimiter):
    """Whatever is counted in Redis is counted here too, under the same limit: so it does not begin anew where Redis is
    away, or was emptied. Then, until a window's time is over, this process has half of the limit, and shares that with
    its fellow workers."""

    def __init__(self, client: RedisClient, circuit: Circuit, *, workers: int = 1, prefix: str = PREFIX) -> None:
        self._circuit = circuit
        self._local = LocalRateLimits()
        self._prefix = prefix
        self._strictness = 2 * workers
        self._take = client.register_script(TAKE)
        self._settle = client.register_script(SETTLE)
        self._look = client.register_script(MARK)
        self._mark: str | None = None
        self._looked_at = self._emptied_at = -float("inf")

    async def take(self, limit: Limit, key: str, *, undecided: bool = False) -> Standing:
        strict = max(1, limit.amount // self._strictness)
        if not self._circuit.is_reached():
            return self._local.count(limit, key, strict, undecided=undecided)
        try:
            await self._look_whether_emptied()
            emptied = time.monotonic() - self._emptied_at < limit.seconds
            here = self._local.count(limit, key, strict if emptied else limit.amount, undecided=True)
            return await self._take_there(limit, key, here, undecided=undecided)
        except Away:
            return self._local.count(limit, key, strict, undecided=undecided)

    async def settle(self, standing: Standing, *, give_back: bool) -> None:
        receipt = standing.receipt
        if not isinstance(receipt, Receipt):
            self._local.decide(standing, give_back=give_back)
            return
        try:
            keys = self._keys(standing.limit, standing.key)
            args: list[str | int] = [receipt.name, int(give_back), LONGEST_HOLD, standing.limit.seconds]
            await self._circuit.ask(lambda: self._settle(keys=keys, args=args))
        except Away:
            return  # there it counts: rather too strict
        finally:
            self._local.decide(receipt.local, give_back=give_back)

    async def settled(self, limit: Limit, key: str, seconds: float) -> bool:
        return await self._local.settled(limit, key, seconds)

    async def _take_there(self, limit: Limit, key: str, here: Standing, *, undecided: bool) -> Standing:
        """What is refused here is only looked up there. What was counted here is taken back if it was not there."""
        receipt = Receipt(here, secrets.token_hex(8) if undecided else "")
        amount = limit.amount if here.taken else 0
        taken = False
        try:
            keys = self._keys(limit, key)
            args: list[str | int] = [amount, limit.seconds, 1, receipt.name, LONGEST_HOLD]
            answer = await self._circuit.ask(lambda: self._take(keys=keys, args=args))
            taken = bool(answer[0])
        finally:
            if here.taken and not (taken and undecided):
                self._local.decide(here, give_back=not taken)
        window = _window(answer[1:5], limit.seconds)
        left = min(here.remaining, remaining(window, limit.amount, limit.seconds))
        wait = window.current_left if left else until_free(window, limit.amount, limit.seconds)
        waiting = answer[5]
        if not here.taken:
            wait, waiting = max(wait, here.seconds), max(waiting, here.undecided)
        return Standing(limit, key, taken, left, wait, waiting, receipt)

    async def _look_whether_emptied(self) -> None:
        now = time.monotonic()
        if now - self._looked_at < LOOK_EVERY:
            return
        self._looked_at = now
        name = secrets.token_hex(8)
        mark = await self._circuit.ask(lambda: self._look(keys=[f"{self._prefix}:mark"], args=[name]))
        if self._mark not in (None, mark):
            log.warning("Redis was emptied; limits are stricter until their windows are over")
            self._emptied_at = now
        self._mark = mark

    def _keys(self, limit: Limit, key: str) -> list[str]:
        """All in one slot of a Cluster: what stands in braces decides."""
        current = f"{self._prefix}:{{{limit.name}:{key}}}"
        return [f"{current}/-1", current, f"{current}/undecided"]


def _window(counts: list[int], seconds: int) -> Window:
    """From counts and what is left of them in milliseconds. A current window counts for its time, and then as long
    again as the one before; where nothing was taken since, it has not been made that yet."""
    previous, previous_left, current, current_left = counts
    if current_left < seconds * 1000:
        return Window(current, current_left / 1000, 0, current_left / 1000)
    return Window(previous, previous_left / 1000, current, current_left / 1000 - seconds)
