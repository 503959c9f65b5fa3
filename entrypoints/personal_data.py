"""A member's data as one JSON document, written while it is read: however much there is, little of it is in memory."""

import json
from collections.abc import AsyncIterator, Callable

from application.personal_data import PersonalData


async def as_json(data: PersonalData, render: Callable[[object], str]) -> AsyncIterator[str]:
    """The parts of one object; `render` makes JSON of a single view, as it stands in the answers of that edge."""
    yield "{" + ",".join(f"\n{json.dumps(name)}: {render(fact)}" for name, fact in data.facts.items())
    for name, pages in data.lists.items():
        yield f",\n{json.dumps(name)}: ["
        separator = ""
        async for page in pages:
            for view in page:
                yield f"{separator}\n{render(view)}"
                separator = ","
        yield "]"
    yield "\n}\n"
