"""How processes tell each other what happens: within this process, or through Redis."""

from adapters.hubs.local import LocalHub

__all__ = ["LocalHub"]
