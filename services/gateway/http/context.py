"""What routes need: the kernel of their application, and the form of ids in paths."""

from typing import Annotated

from fastapi import Depends, Path
from starlette.requests import Request

from services.gateway.kernel.record import Kernel

MAX_PAGE = 2**31 - 1
PREFIX = "/api/v1"


def _kernel(request: Request) -> Kernel:
    kernel: Kernel = request.app.state.kernel
    return kernel


Deps = Annotated[Kernel, Depends(_kernel)]
PageOfPath = Annotated[int, Path(ge=1, le=MAX_PAGE)]
