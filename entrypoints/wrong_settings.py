"""The error that names wrong settings; apart from the settings, so that catching it does not read them."""

from collections.abc import Sequence


class SettingsError(Exception):
    """One or more settings are wrong; the message names each, and never shows a secret."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = list(problems)
