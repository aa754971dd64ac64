"""What routes need: the kernel of their application, and the form of ids in paths."""

from typing import Annotated

from fastapi import Depends, Path
from starlette.requests import Request

from services.gateway.kernel.record import Kernel

MAX_PAGE = 2**31 - 1
PREFIX = "/api/v1"
UPLOADS = f"{PREFIX}/documents"
"""What is sent there as a file is streamed to storage."""


def kernel_of(request: Request) -> Kernel:
    """Return the kernel of the application that a request came to."""
    kernel: Kernel = request.app.state.kernel
    return kernel


Deps = Annotated[Kernel, Depends(kernel_of)]
PageOfPath = Annotated[int, Path(ge=1, le=MAX_PAGE)]
