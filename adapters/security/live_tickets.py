"""Tickets of live connections as text: 43 characters of base64url, all of them random."""

import hashlib
import secrets

from application.live.ports import TicketMaker


class RandomTickets(TicketMaker):
    """What is stored is SHA-256: a slow or peppered hash protects secrets that can be guessed, and these cannot."""

    def new(self) -> str:
        return secrets.token_urlsafe(32)

    def digest(self, ticket: str) -> bytes:
        return hashlib.sha256(ticket.encode("utf-8", "surrogatepass")).digest()
