"""The domain and the use cases are given the time, ids and random bytes; they fetch none."""

import ast

from tests.architecture.sources import imported_modules, last_name, report, sources

IMPURE_MODULES = {"os", "random", "secrets", "socket", "subprocess", "tempfile", "threading", "time"}
IMPURE_CALLS = {
    ("datetime", "now"),
    ("datetime", "today"),
    ("datetime", "utcnow"),
    ("date", "today"),
    ("uuid", "uuid1"),
    ("uuid", "uuid4"),
    ("", "open"),
    ("", "print"),
    ("", "uuid1"),
    ("", "uuid4"),
}


def test_neither_clock_nor_chance_nor_files() -> None:
    breaches = [
        f"{source.at(node)} imports {module}"
        for source in sources("domain", "application")
        for node, module in imported_modules(source)
        if module.partition(".")[0] in IMPURE_MODULES
    ] + [
        f"{source.at(node)} calls {'.'.join(filter(None, called))}"
        for source in sources("domain", "application")
        for node in source.walk()
        if isinstance(node, ast.Call) and (called := _called(node.func)) in IMPURE_CALLS
    ]
    assert not breaches, report(
        "the domain takes `now` and ids as arguments; a use case has a Clock, Ids or another port as a field.", breaches
    )


def test_the_domain_is_synchronous() -> None:
    breaches = [
        f"{source.at(node)}: async def {node.name}"
        for source in sources("domain")
        for class_ in (source.tree, *source.classes())
        for node in class_.body
        if isinstance(node, ast.AsyncFunctionDef)
        and not (isinstance(class_, ast.ClassDef) and "Protocol" in {last_name(base) for base in class_.bases})
    ]
    assert not breaches, report(
        "let the use case await what the rule needs, and hand the rule the result. (Ports may be asynchronous.)",
        breaches,
    )


def _called(function: ast.expr) -> tuple[str, str]:
    """`datetime.now` as ("datetime", "now"), `open` as ("", "open")."""
    match function:
        case ast.Attribute(value=value, attr=name):
            return last_name(value), name
        case _:
            return "", last_name(function)
