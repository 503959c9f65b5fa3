"""`moothall products` and `moothall orders`."""

from typing import Any

import pytest

from tests.entrypoints.cli.command import Moothall

NO_ID = "01890a5d-ac96-774b-bcce-b302099a8057"


def _product(moothall: Moothall, sku: str = "mug", *options: str) -> Any:
    words = ("products", "create", sku, "--name", "A mug", "--price", "1250", "--currency", "EUR", *options)
    return moothall.good("--json", *words).json


def _place(moothall: Moothall, *lines: str) -> Any:
    return moothall.good("--json", "orders", "place", "--as", "ada", *lines).json


def test_the_catalogue_is_kept(moothall: Moothall) -> None:
    made = _product(moothall, "Mug", "--stock", "5")
    assert (made["sku"], made["price"], made["stock"], made["is_active"]) == ("Mug", 1250, 5, True)
    _product(moothall, "old", "--inactive")
    changed = moothall.good("--json", "products", "update", "mug", "--price", "0", "--no-stock", "--description", "x")
    assert (changed.json["price"], changed.json["stock"], changed.json["description"]) == (0, None, "x")
    assert moothall.good("--json", "products", "show", "MUG").json == changed.json

    def listed(*options: str) -> list[str]:
        return [one["sku"] for one in moothall.good("--json", "products", "list", *options).json]

    assert listed() == ["old", "Mug"]
    assert listed("--active") == ["Mug"]
    assert listed("--inactive", "--q", "ol") == ["old"]
    assert listed("--sort", "sku", "--limit", "1") == ["Mug"]
    assert listed("--currency", "USD") == []
    moothall.good("--yes", "products", "delete", "mug")
    assert listed() == ["old"]


@pytest.mark.parametrize(
    "words",
    [
        ("products", "update", "mug"),
        ("products", "update", "mug", "--stock", "1", "--no-stock"),
        ("orders", "place", "--as", "ada", "mug"),
        ("orders", "place", "--as", "ada", "mug=-1"),
        ("orders", "place", "--as", "ada", "mug=1.5"),
        ("orders", "place", "--as", "ada", "=1"),
        ("orders", "place", "--as", "ada"),
        ("orders", "place", "mug=1"),
        ("orders", "list", "--status", "lost"),
    ],
)
def test_wrong_usage_is_told(moothall: Moothall, words: tuple[str, ...]) -> None:
    assert moothall(*words).code == 2


def test_an_order_goes_its_way(moothall: Moothall) -> None:
    ada = moothall.user("ada", "--username", "ada")
    _product(moothall, "mug", "--stock", "5")
    order = _place(moothall, "mug=2")
    assert (order["status"], order["total"], order["user_id"]) == ("placed", 2500, ada["id"])
    assert moothall.good("--json", "orders", "show", order["id"]).json == order
    for verb, status in (("pay", "paid"), ("fulfil", "fulfilled"), ("refund", "refunded")):
        assert moothall.good("--json", "--yes", "orders", verb, order["id"]).json["status"] == status
    again = _place(moothall, "mug=5")
    assert moothall.good("--json", "--yes", "orders", "cancel", again["id"]).json["status"] == "cancelled"
    assert moothall.good("--json", "products", "show", "mug").json["stock"] == 5

    def listed(*options: str) -> list[str]:
        return [one["id"] for one in moothall.good("--json", "orders", "list", *options).json]

    assert listed() == [again["id"], order["id"]]
    assert listed("--status", "refunded", "--as", "ada") == [order["id"]]
    assert listed("--limit", "1") == [again["id"]]


def test_what_cannot_be_done_is_told_by_the_exit_code(moothall: Moothall) -> None:
    moothall.user("ada", "--username", "ada")
    _product(moothall, "mug", "--stock", "1")
    missing = moothall("--json", "--yes", "orders", "refund", NO_ID)
    order = _place(moothall, "mug=1")
    early = moothall("--json", "orders", "fulfil", order["id"])
    empty = moothall("--json", "orders", "place", "--as", "ada", "mug=1")
    assert "order-not-found" in missing.err
    assert "order-not-paid" in early.err
    assert "out-of-stock" in empty.err
    assert len({missing.code, early.code}) == 2
    assert early.code == empty.code


def test_destructive_verbs_ask(moothall: Moothall) -> None:
    moothall.user("ada", "--username", "ada")
    _product(moothall, "mug", "--stock", "1")
    order = _place(moothall, "mug=1")
    for words in (("orders", "cancel", order["id"]), ("orders", "refund", order["id"]), ("products", "delete", "mug")):
        assert moothall(*words).code == 2
    assert moothall.good("--json", "orders", "show", order["id"]).json["status"] == "placed"
