"""What lives in this process answers as long as this process does."""

from application.ports import StoreHealth


class MemoryHealth(StoreHealth):
    async def check(self) -> None:
        """Nothing can be away, and there is no schema."""
