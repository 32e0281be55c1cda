"""Whether a call had to load or compile what later calls find ready.

Numba and JAX compile a function when its arguments are of a new type: for JAX, also of a new size.
"""

from __future__ import annotations

import sys
from functools import cache


def loads() -> tuple[int, int, int]:
    """Return counts that change when this process loads a module, or compiles a function."""
    by_numba = _compiled_by_numba() if "numba.core.event" in sys.modules else []
    by_jax = _compiled_by_jax() if "jax.monitoring" in sys.modules else []
    return len(sys.modules), len(by_numba), len(by_jax)


@cache
def _compiled_by_numba() -> list:
    """Return a list to which numba adds from now on, whenever it compiles."""
    event = sys.modules["numba.core.event"]
    listener = event.RecordingListener()
    event.register("numba:compile", listener)
    return listener.buffer


@cache
def _compiled_by_jax() -> list[str]:
    compiled: list[str] = []

    def hear(event: str, seconds: float, **more) -> None:
        if event.startswith("/jax/core/compile/"):
            compiled.append(event)

    sys.modules["jax.monitoring"].register_event_duration_secs_listener(hear)
    return compiled
