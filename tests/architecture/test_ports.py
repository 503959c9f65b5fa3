"""Ports: Protocols of the two inner layers, which adapters inherit by name."""

import ast

from tests.architecture.sources import base_names, report, sources


def test_every_port_is_inherited_by_an_adapter() -> None:
    inherited = {name for source in sources("adapters") for node in source.classes() for name in base_names(node)}
    breaches = [
        f"{source.at(node)} {node.name}"
        for source in sources("domain", "application")
        for node in source.classes()
        if "Protocol" in base_names(node) and node.name not in inherited and not _is_type_of_function(node)
    ]
    assert not breaches, report(
        "write `class SomeAdapter(ThePort)` under adapters/, so that mypy compares the two and a reader finds them; "
        "remove a port that nothing implements.",
        breaches,
    )


def test_ports_hold_no_logic() -> None:
    breaches = [
        f"{source.at(method)} {node.name}.{method.name}"
        for source in sources("domain", "application")
        for node in source.classes()
        if "Protocol" in base_names(node)
        for method in node.body
        if isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef) and not _is_empty(method)
    ]
    assert not breaches, report("leave `...` in the Protocol, and put the logic where it is decided.", breaches)


def _is_type_of_function(node: ast.ClassDef) -> bool:
    """No port: whatever can be called so is one."""
    methods = [member.name for member in node.body if isinstance(member, ast.FunctionDef | ast.AsyncFunctionDef)]
    return methods == ["__call__"]


def _is_empty(method: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return all(
        isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant) for statement in method.body
    )
