"""A shop over HTTP, as its tests use it."""

import asyncio
from typing import Any
from uuid import UUID

import httpx

from adapters.payments import SandboxGateway
from domain.orders.payment import Payment
from tests.entrypoints.http.client import Api, Tokens


class Shop:
    def __init__(self, api: Api, keeper: Tokens) -> None:
        self.api = api
        self.keeper = keeper

    @classmethod
    async def opened(cls, api: Api) -> "Shop":
        return cls(api, (await api.admin())[1])

    async def product(self, sku: str = "mug", **fields: Any) -> dict[str, Any]:
        body = {"sku": sku, "name": f"A {sku}", "price": 1250, "currency": "EUR", "stock": 10, **fields}
        answer = await self.api.call("POST", "/products", as_=self.keeper, json=body)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def stock(self, sku: str = "mug") -> int | None:
        left: int | None = (await self.api.call("GET", f"/products/{sku}", as_=self.keeper)).json()["stock"]
        return left

    async def place(self, tokens: Tokens, key: str | None = None, **quantities: int) -> httpx.Response:
        lines = [{"sku": sku, "quantity": quantity} for sku, quantity in quantities.items()]
        headers = {"Idempotency-Key": key} if key else None
        return await self.api.call("POST", "/orders", as_=tokens, json={"lines": lines}, headers=headers)

    async def placed(self, tokens: Tokens, **quantities: int) -> dict[str, Any]:
        answer = await self.place(tokens, **quantities)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def do(self, verb: str, order: dict[str, Any], as_: Tokens | None = None, **rest: Any) -> httpx.Response:
        return await self.api.call("POST", f"/orders/{order['id']}/{verb}", as_=as_ or self.keeper, **rest)

    async def pay(self, order: dict[str, Any], as_: Tokens, outcome: str | None = None, **rest: Any) -> httpx.Response:
        return await self.do("pay", order, as_, json={"gateway": "sandbox", "outcome": outcome}, **rest)

    async def status(self, order: dict[str, Any]) -> str:
        return str((await self.api.call("GET", f"/orders/{order['id']}", as_=self.keeper)).json()["status"])

    @property
    def sandbox(self) -> SandboxGateway:
        found = self.api.application.orders.pay_order.gateways.by_name["sandbox"]
        assert isinstance(found, SandboxGateway)
        return found

    async def payments(self, order: dict[str, Any]) -> list[Payment]:
        async with self.api.application.orders.place_order.transactions.begin() as uow:
            return list(await uow.payments.of_order(UUID(order["id"])))

    async def call_back(self, body: bytes, signature: str | None = None, gateway: str = "sandbox") -> httpx.Response:
        signed = self.sandbox.sign(body) if signature is None else signature
        headers = {"Moothall-Signature": signed} if signed else {}
        return await self.api.call("POST", f"/payments/{gateway}/callback", content=body, headers=headers)


async def at_once(*requests: Any) -> list[httpx.Response]:
    return list(await asyncio.gather(*requests))
