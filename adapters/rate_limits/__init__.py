"""Rate limits: counted in this process, or in Redis for all processes."""

from adapters.rate_limits.local import LocalRateLimits

__all__ = ["LocalRateLimits"]
