"""A file in ONNX, opened by onnxruntime."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from alphamat.extras import not_installed
from alphamat.onnx.wire import files_of

CPU = ("CPUExecutionProvider",)
TYPES = {"tensor(float)": "float32", "tensor(float16)": "float16"}


class Plug(NamedTuple):
    """An input or an output of a file."""

    shape: tuple[int | str | None, ...]
    """Whole numbers where they are fixed."""
    dtype: str
    """As NumPy calls it; as onnxruntime does where networks for pictures have no such type."""


class Session:
    """A file that is open. Another process opens it again."""

    def __init__(
        self, path: Path, threads: int | None = None, providers: Sequence[str] = CPU
    ) -> None:
        runtime = _runtime()
        self.files = files_of(path)
        self.path, self._threads, self._providers = path, threads, tuple(providers)
        options = runtime.SessionOptions()
        options.intra_op_num_threads = threads or _share_of_cores()
        options.log_severity_level = 4  # what goes wrong is raised, too
        try:
            self._opened = runtime.InferenceSession(
                str(path), options, providers=list(providers), enable_fallback=0
            )
            self.inputs = {each.name: _plug(each) for each in self._opened.get_inputs()}
            self.outputs = {each.name: _plug(each) for each in self._opened.get_outputs()}
        except Exception as fault:  # of many kinds, all onnxruntime's own
            raise ValueError(f"{path} cannot be run by onnxruntime: {_said(fault)}") from None

    def __reduce__(self):
        return Session, (self.path.absolute(), self._threads, self._providers)

    def run(self, inputs: Mapping[str, np.ndarray], outputs: Sequence[str]) -> list[np.ndarray]:
        """Return some outputs by name.

        Raises
        ------
        MemoryError, ValueError
            If there is too little memory, or the file cannot be run on these inputs.
        """
        try:
            return self._opened.run(list(outputs), dict(inputs))
        except Exception as fault:  # of many kinds, all onnxruntime's own
            said = _said(fault)
            if "bad_alloc" in said or "allocate memory" in said:
                raise MemoryError(f"{self.path} needs more memory than there is: {said}") from None
            sizes = " and ".join("×".join(map(str, x.shape)) for x in inputs.values())
            raise ValueError(f"{self.path} cannot be run on {sizes} numbers: {said}") from None


def _runtime():
    try:
        import onnxruntime
    except ImportError:
        raise not_installed("`alphamat.onnx` needs onnxruntime", "onnx") from None
    return onnxruntime


def _share_of_cores() -> int:
    """Return this process's share of the cores: all, unless it is one of several."""
    share = os.environ.get("OMP_NUM_THREADS", "")
    if share.isdecimal() and int(share):
        return int(share)
    from joblib import cpu_count

    return cpu_count()


def _plug(node: Any) -> Plug:
    kind = str(node.type)
    return Plug(tuple(node.shape), TYPES.get(kind, kind))


def _said(fault: Exception) -> str:
    """Return the first line of what onnxruntime says, without its codes."""
    line = str(fault).strip().partition("\n")[0]
    return re.sub(r"^\[ONNXRuntimeError\] : \d+ : \w+ : (Load model from .*? failed: ?)?", "", line)
