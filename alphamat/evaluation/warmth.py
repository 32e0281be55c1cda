"""Whether a call had to load or compile what later calls find ready.

Numba and JAX compile a function when its arguments are of a new type: for JAX, also of a new size.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from importlib import import_module


def loads() -> tuple[int, int, int]:
    """Return counts that change when this process loads a module, or compiles a function."""
    by_numba = _compiled_by_numba() if "numba.core.event" in sys.modules else []
    by_jax = _compiled_by_jax() if "jax.monitoring" in sys.modules else []
    return len(sys.modules), len(by_numba), len(by_jax)


def tell_of_compiling(tell: Callable[[int], None]) -> None:
    """Call a function with 1 whenever Numba begins to compile, and with -1 when it ends."""
    event = import_module("numba.core.event")

    class Compiling(event.Listener):
        def on_start(self, event):
            tell(1)

        def on_end(self, event):
            tell(-1)

    event.register("numba:compile", Compiling())


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
