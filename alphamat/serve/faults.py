"""What the service says when it refuses a request, or when a job fails."""

from __future__ import annotations

import errno
import logging
import re
import traceback

logger = logging.getLogger("alphamat.serve")

FULL = "The disk of the server is full; try again later."
MEMORY = "The server has too little memory for this picture."


class Fault(Exception):
    """A refusal in one sentence, with the status of HTTP and the argument that it is about."""

    def __init__(
        self,
        status: int,
        error: str,
        *,
        argument: str | None = None,
        reason: str = "other",
        retry: int | None = None,
    ):
        super().__init__(error)
        self.status, self.error, self.argument = status, error, argument
        self.reason = reason  # a word for the metrics
        self.headers = {} if retry is None else {"Retry-After": str(retry)}
        if status == 401:
            self.headers["WWW-Authenticate"] = "Bearer"

    def told(self) -> dict[str, str | None]:
        return {"error": self.error, "argument": self.argument}


def as_fault(fault: BaseException) -> Fault:
    """Return what a client is told of an exception; of one that we did not foresee, nothing."""
    if isinstance(fault, Fault):
        return fault
    if isinstance(fault, OSError) and fault.errno in (errno.ENOSPC, errno.EDQUOT):
        return Fault(507, FULL, reason="disk")
    if isinstance(fault, MemoryError):
        told = str(fault) if type(fault) is MemoryError else ""  # NumPy's speaks of arrays
        return Fault(507, told or MEMORY, reason="memory")
    # Another TypeError is a mistake of ours.
    if isinstance(fault, ValueError) or (isinstance(fault, TypeError) and str(fault)[:1] == "`"):
        error = re.sub(r" \(from Python, [^)]*\)", "", str(fault))
        named = re.search(r"`(\w+)`", error)
        return Fault(422, error, argument=named and named[1], reason="refused")
    return Fault(500, "The server could not do this; its log says why.", reason="broken")


def log_fault(fault: BaseException) -> None:
    """Log where an exception was raised; its message may hold what is private."""
    lines = "".join(traceback.format_tb(fault.__traceback__))
    logger.error("%s\n%s", type(fault).__name__, lines)
