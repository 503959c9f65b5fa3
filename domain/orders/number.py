"""What people call an order."""

from uuid import UUID


def order_number(order_id: UUID) -> str:
    """Short enough to be read out, of the random end of the id: eight digits."""
    return order_id.hex[-8:].upper()
