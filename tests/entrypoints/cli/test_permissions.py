"""`moothall permissions`."""

from tests.entrypoints.cli.command import Moothall


def test_permissions_are_listed_by_name_with_what_they_allow(moothall: Moothall) -> None:
    listed = moothall.good("--json", "permissions", "list").json
    names = [permission["name"] for permission in listed]
    assert "users:read" in names
    assert names == sorted(names)
    assert all(
        set(permission) == {"name", "description", "held"} and permission["description"] for permission in listed
    )
    assert f"{names[0]}\t{listed[0]['description']}\n" in moothall.good("permissions", "list").out


def test_each_of_them_can_go_into_a_role(moothall: Moothall) -> None:
    names = [permission["name"] for permission in moothall.good("--json", "permissions", "list").json]
    options = [word for name in names for word in ("--permission", name)]
    assert moothall.good("--json", "roles", "create", "deputy", *options).json["permissions"] == names
