"""Speaking rates, as they are ordered."""

from typing import Annotated

from pydantic import AfterValidator, Field, Strict

from libs.common.contracts.formats import Rate

RATE_STEPS = 20
"""Steps of the rate from 1 to 2: two orders that hardly differ are the same sound."""


def in_steps(rate: float) -> float:
    """Return a rate as it is ordered, in steps of 0.05; what arithmetic left behind is rounded.

    Raises:
        ValueError: It lies between two steps.
    """
    steps = round(rate * RATE_STEPS)
    if abs(rate * RATE_STEPS - steps) > 1e-6:  # noqa: PLR2004 - more than arithmetic leaves behind
        raise ValueError("rates go in steps of 0.05, such as 1.0, 1.05 and 1.1")
    return steps / RATE_STEPS


SteppedRate = Annotated[
    Rate,
    Strict(),
    AfterValidator(in_steps),
    Field(json_schema_extra={"multipleOf": 1 / RATE_STEPS}),
]
