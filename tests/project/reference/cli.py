"""docs/reference/cli.md: every noun, verb and option, as `--help` has them."""

from collections.abc import Iterator
from typing import Any

import typer
from typer.main import get_command

from entrypoints.cli.errors import ExitCode
from entrypoints.cli.main import COMMANDS, INTERRUPTED, NOUNS, _command_line
from tests.project.reference import markdown

INTRODUCTION = """\
`moothall` works on the database of the [settings](settings.md), with or without a running server. Data goes to standard
output, messages to standard error. Passwords and secrets are asked for, or come from standard input or a file; they are
never arguments. `-h` or `--help` behind any of these says the same as this page."""

MEANT = {
    ExitCode.DONE: "It is done.",
    ExitCode.FAILED: "It failed; or a check found something wrong, or nobody answered a question.",
    ExitCode.USAGE: "There is no such command or option, or a setting is wrong.",
    ExitCode.NOT_FOUND: "There is no such thing.",
    ExitCode.CONFLICT: "It is there already, or not in a state that allows this.",
    ExitCode.DENIED: "Whoever asks may not do this.",
    ExitCode.UNAUTHENTICATED: "Who asks is not known, or a passphrase is wrong.",
    ExitCode.INVALID: "The input breaks a rule.",
    ExitCode.THROTTLED: "There were too many attempts.",
    ExitCode.UNAVAILABLE: "The database, the mail server or another part is away.",
}


def page() -> str:
    root = _group(None)
    context = typer.Context(root, info_name="moothall")
    options = "## Options of all commands\n\nThey are taken before the noun and after the verb.\n\n" + _table(
        root.params, context
    )
    codes = [[markdown.code(int(code)), MEANT[code]] for code in ExitCode]
    exits = (
        "## Exit codes\n\n"
        + markdown.table(["code", "what it means"], [*codes, [markdown.code(INTERRUPTED), "Ctrl-C ended it."]])
        + "\n\nWith `--json` an error is one JSON object on standard error: `code`, `detail` and `errors`; "
        "[Errors](errors.md) has every code."
    )
    return markdown.page("Command line", INTRODUCTION, options, exits, *_commands(), *_nouns())


def verbs() -> Iterator[tuple[str, Any]]:
    """Every command by its words, such as `users list`."""
    for name in COMMANDS:
        yield name, _group(name).commands[name]
    for name in NOUNS:
        for verb, command in _group(name).commands[name].commands.items():
            yield f"{name} {verb}", command


def _commands() -> Iterator[str]:
    for name in COMMANDS:
        yield _described("##", name, _group(name).commands[name])


def _nouns() -> Iterator[str]:
    for name, explanation in NOUNS.items():
        yield f"## moothall {name}\n\n{explanation}"
        for verb, command in sorted(_group(name).commands[name].commands.items()):
            yield _described("###", f"{name} {verb}", command)


def _described(level: str, words: str, command: Any) -> str:
    context = typer.Context(command, info_name=words, parent=typer.Context(_group(None), info_name="moothall"))
    usage = markdown.code(" ".join([context.command_path, *command.collect_usage_pieces(context)]))
    parts = [
        f"{level} moothall {words}",
        usage,
        markdown.plain(markdown.paragraph(command.help)),
        _table(command.params, context),
    ]
    return "\n\n".join(part for part in parts if part)


def _table(parameters: list[Any], context: typer.Context) -> str:
    records = (parameter.get_help_record(context) for parameter in parameters)
    return markdown.table(
        ["", ""], [[markdown.code(name), markdown.plain(text)] for name, text in filter(None, records)]
    )


def _group(noun: str | None) -> Any:
    return get_command(_command_line(noun))
