"""What testers import: the whole service in memory, fixtures for pytest, and the contracts that adapters keep.

`moothall.plugin` is found by pytest itself. `moothall.contracts` has the contracts. Everything else is here.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from moothall.service import Mailbox, Moothall, open_moothall

__all__ = ["Mailbox", "Moothall", "open_moothall"]


def __getattr__(name: str) -> object:
    """The service is imported by whoever uses it: pytest loads the plugin for everybody."""
    if name in __all__:
        from moothall import service

        return getattr(service, name)
    raise AttributeError(name)
