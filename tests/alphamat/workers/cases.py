"""What processes do in tests; they import this."""

import os
import signal
import time


def times(shared, rest, clock):
    """Multiply; die of three numbers together, raise, or tell the place, where that is asked."""
    if rest == [1, 2, 3]:
        os.kill(os.getpid(), signal.SIGKILL)
    if rest == "raise":
        raise ValueError("not this one")
    if rest == "where":
        time.sleep(0.3)
        return os.environ["PLACE"]
    return [shared * one for one in rest] if isinstance(rest, list) else shared * rest
