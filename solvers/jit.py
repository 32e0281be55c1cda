"""Numba's `njit` for our kernels: compiled on first call, cached where a folder can be written."""

from __future__ import annotations

import sys

import numba
from numba.core import event

# Sums may be reordered and multiply-adds fused; NaN, infinity and division keep their meaning.
FASTMATH = {"contract", "reassoc", "nsz"}


def jit(function=None, /, **options):
    """Compile lazily with numba, and cache; without a cache where no folder can be written."""
    if function is None:
        return lambda decorated: jit(decorated, **options)
    options = {"nogil": True, "error_model": "numpy", "fastmath": FASTMATH} | options
    try:
        return numba.njit(cache=True, **options)(function)
    except RuntimeError:  # numba found no place for a cache
        _notice.often = "in each process: no folder for a cache can be written"
        return numba.njit(**options)(function)


class _SayOnce(event.Listener):
    """Tell the user, once a process, why the first call takes seconds."""

    def __init__(self):
        self.said = False
        self.often = "once"

    def on_start(self, event):
        dispatcher = event.data["dispatcher"]
        if self.said or not dispatcher.py_func.__module__.endswith("_kernels"):
            return
        self.said = True
        print(
            f"Compiling kernels for this machine; this takes some seconds, {self.often}.",
            file=sys.stderr,
        )

    def on_end(self, event):
        pass


_notice = _SayOnce()
event.register("numba:compile", _notice)
