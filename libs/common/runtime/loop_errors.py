"""What asyncio complains of, without what it would say of it.

Its own handler writes the task, and with it the message of the exception that nobody looked at.
That may quote a document, and as part of a text no redaction finds it.
"""

import asyncio
from typing import Any

import structlog

log = structlog.get_logger(__name__)


def log_loop_error(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log what went wrong in a loop; set it with ``loop.set_exception_handler``."""
    log.error("asyncio complains", what=context.get("message"), exc_info=context.get("exception"))
