"""What testers have a hand on, in any language: only `moothall serve --memory` has these routes, at the root."""

from typing import Annotated, Self

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field, model_validator

from entrypoints.http.openapi import problems
from entrypoints.http.resources import Body, Moment, answer, no_content
from entrypoints.http.routes.auth import TokenAnswer, token_answer
from entrypoints.http.routing import StrictRoute, operation_id
from entrypoints.testing.faults import NAMES, How
from entrypoints.testing.house import House, SentMail
from entrypoints.testing.testbed import Testbed

LONGEST = 100 * 366 * 86_400
"""Seconds that the clock is moved by at once, at most."""

router = APIRouter(
    prefix="/testing", route_class=StrictRoute, generate_unique_id_function=operation_id, tags=["Testing"]
)


async def get_testbed(request: Request) -> Testbed:
    testbed: Testbed = request.app.state.testbed
    return testbed


async def get_house(request: Request) -> House:
    return (await get_testbed(request)).house


TheTestbed = Annotated[Testbed, Depends(get_testbed)]
TheHouse = Annotated[House, Depends(get_house)]


class ClockChange(Body):
    """One of the two. `freeze` stops the clock at that time; null lets it go on from where it stands."""

    advance: float | None = Field(
        default=None, ge=-LONGEST, le=LONGEST, allow_inf_nan=False, strict=False, description="Seconds.", examples=[900]
    )
    freeze: Moment | None = Field(default=None, examples=["2026-11-21T09:30:00Z"])

    @model_validator(mode="after")
    def _one(self) -> Self:
        if len(self.model_fields_set) != 1 or (self.advance is None and "advance" in self.model_fields_set):
            raise ValueError('Send {"advance": seconds} or {"freeze": time or null}.')
        return self


class TokenFor(Body):
    user: str = Field(max_length=320, description="An id, an e-mail address or a username.", examples=["ada"])


class PlannedFault(Body):
    """`fail`: nothing is done. `slow`: it is done, after a while. `late`: it is done, and whoever asked is told that it
    failed."""

    port: str = Field(max_length=50, description=f"One of {', '.join(NAMES)}.", examples=["mailer"])
    how: How = Field(strict=False, examples=["fail"])
    times: int = Field(default=1, ge=0, le=1_000_000, description="Its next calls, so many; 0: it is well again.")
    seconds: float = Field(
        default=1.0, ge=0, le=60, allow_inf_nan=False, strict=False, description="What a slow one takes."
    )


@router.get("/mail", response_model=list[SentMail], summary="The mails that were sent")
async def list_mails(
    house: TheHouse, to: Annotated[str | None, Query(max_length=320, description="To this address alone.")] = None
) -> Response:
    """The oldest first; what is due is sent before. A thousand are kept."""
    await house.drain()
    mails = [mail for mail in house.mails() if to is None or mail.to.lower() == to.lower()]
    return answer(mails, shape=list[SentMail])


@router.post(
    "/clock",
    status_code=204,
    response_model=None,
    responses=problems(codes={422: ["bad-time"]}),
    summary="Move the clock",
)
async def move_clock(house: TheHouse, change: ClockChange) -> Response:
    """All that expires or is due goes by this clock. Rate limits count by the machine's."""
    if change.advance is not None:
        house.clock.advance(change.advance)
    elif change.freeze is not None:
        house.clock.freeze(change.freeze)
    else:
        house.clock.run()
    return no_content()


@router.post("/drain", status_code=204, response_model=None, summary="Do all that is due")
async def drain(house: TheHouse) -> Response:
    """Answers when mails are sent, webhooks are called and jobs are done. What failed and waits for its next attempt is
    not waited for: move the clock."""
    await house.drain()
    return no_content()


@router.post("/reset", status_code=204, response_model=None, summary="Begin anew")
async def reset(testbed: TheTestbed) -> Response:
    """As at the start of the server: what was made is gone, the clock is right, nothing fails, no limit was reached."""
    await testbed.reset()
    return no_content()


@router.post(
    "/token",
    response_model=TokenAnswer,
    responses=problems(codes={404: ["user-not-found"], 409: ["account-disabled"]}),
    summary="Sign in as a member",
)
async def make_token(house: TheHouse, wanted: TokenFor) -> Response:
    """As if they had just signed in; no password is asked for."""
    return token_answer(await house.token_for(wanted.user))


@router.post(
    "/fail",
    status_code=204,
    response_model=None,
    responses=problems(codes={422: ["unknown-port"]}),
    summary="Make a port fail",
)
async def plan_fault(house: TheHouse, fault: PlannedFault) -> Response:
    """The work beside the requests does not meet faults of the database: they are for requests."""
    house.faults.plan(fault.port, fault.how, fault.times, fault.seconds)
    return no_content()
