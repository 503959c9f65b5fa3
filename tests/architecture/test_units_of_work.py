"""What holds a transaction asks for no second connection: enough of those at once would wait for each other."""

import ast

from tests.architecture.sources import last_name, report, sources


def test_no_query_is_asked_within_a_unit_of_work() -> None:
    breaches = [
        source.at(call)
        for source in sources("application")
        for block in source.walk()
        if isinstance(block, ast.AsyncWith) and any(_begins(item.context_expr) for item in block.items)
        for statement in block.body
        for call in ast.walk(statement)
        if isinstance(call, ast.Call) and ".queries." in ast.unparse(call.func)
    ]
    assert not breaches, report("read through the unit of work's repositories, or before it begins.", breaches)


def test_nor_by_what_is_handed_a_unit_of_work() -> None:
    breaches = [
        source.at(call)
        for source in sources("application")
        for function in source.walk()
        if isinstance(function, ast.AsyncFunctionDef) and "uow" in {argument.arg for argument in function.args.args}
        for call in ast.walk(function)
        if isinstance(call, ast.Call) and ".queries." in ast.unparse(call.func)
    ]
    assert not breaches, report("read through the unit of work's repositories.", breaches)


def _begins(expression: ast.expr) -> bool:
    return isinstance(expression, ast.Call) and last_name(expression.func) == "begin"
