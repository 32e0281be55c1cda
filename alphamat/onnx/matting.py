"""A file of a network in ONNX as a method: from pictures to mattes, without JAX."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from alphamat.door.parameters import as_count
from alphamat.method import Matte, refuse_unless_taken, stacked
from alphamat.onnx.card import CHANNELS, Card, Port, refuse_contradiction
from alphamat.onnx.rows import card_like, row_of
from alphamat.onnx.session import CPU, Session
from alphamat.onnx.sidecar import read_sidecar, sidecar_of
from alphamat.rules import NetworkMethod, Prepared, Preprocess, one_by_one

EACH = 1500  # bytes for each pixel of a picture, as large networks take
SMALL = 512  # the long side of the frame that RVM's authors let its first stage see


def load(
    path: str | os.PathLike[str],
    *,
    like: str | None = None,
    threads: int | None = None,
    providers: Sequence[str] = CPU,
) -> OnnxMatting:
    """Load a network from a file in ONNX, ready for pictures.

    Parameters
    ----------
    path : path
        What `alphamat export` wrote, with its .json beside it; or a file of others whose rules are
        known, such as u2net.onnx.
    like : str, optional
        One of `alphamat.onnx.ROWS`, whose rules the file follows, whatever its name. By default the
        .json beside it says them, or else the file's name or the names of its inputs.
    threads : int, optional
        By default one for each core, or $OMP_NUM_THREADS, which `alphamat evaluate` sets where
        several processes share the cores.
    providers : sequence of str
        Where onnxruntime runs it, such as ("CUDAExecutionProvider", "CPUExecutionProvider").

    Returns
    -------
    OnnxMatting
        A method like any other: `(image, trimap) -> alpha`.

    Raises
    ------
    ImportError
        If onnxruntime is not installed.
    FileNotFoundError, ValueError
        If there is no such file, if it is damaged, keeps tensors elsewhere than beside it, or is
        not what is said of it.

    Examples
    --------
    A stand-in for u2net.onnx, which gives the mean of the colours:

    >>> import tempfile, pathlib, numpy as np
    >>> import alphamat.onnx
    >>> from alphamat.network.onnx import Graph
    >>> graph = Graph({"image": (1, 3, 320, 320)})
    >>> stored = graph.model(graph.add("ReduceMean", "image", axes=[1]), (1, 1, 320, 320))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder, "u2net.onnx")
    ...     size = file.write_bytes(stored)
    ...     method = alphamat.onnx.load(file)
    >>> method(np.zeros((40, 30, 3))).shape
    (40, 30)
    """
    path = Path(path)
    threads = None if threads is None else as_count(threads, "threads")
    session = Session(path, threads, providers)
    beside = sidecar_of(path)
    if beside.exists():
        if like is not None:
            raise ValueError(
                f"`like` is {like!r}, and {beside} says how {path.name} is run; leave out `like`."
            )
        card, source = read_sidecar(beside), beside.name
    else:
        row = row_of(session, like)
        card, source = card_like(row, session), f"the row {row}"
    refuse_contradiction(card, session, source)
    return OnnxMatting(card.name, card, session, _digest(session.files))


def _digest(files: list[Path]) -> str:
    seen = hashlib.blake2b(digest_size=8)
    for path in files:
        with path.open("rb") as file:
            seen.update(hashlib.file_digest(file, "sha256").digest())
    return seen.hexdigest()


@dataclass(frozen=True)
class OnnxMatting(NetworkMethod):
    """A network of a file in ONNX: `(image, trimap=None, plate=None) -> alpha`."""

    name: str
    card: Card
    session: Session
    weights: str
    """A digest of the file, by which a continued evaluation recognises it."""

    @property
    def rules(self) -> Preprocess:
        return self.card.rules

    @property
    def remembers(self) -> bool:
        return bool(self.card.ports("state"))

    def bytes_of(self, height: int, width: int) -> float:
        stored = sum(path.stat().st_size for path in self.session.files)
        return EACH * height * width + 2 * stored  # onnxruntime keeps weights, and packs them

    def _next(self, seen, image, trimap, plate) -> tuple[Matte, list[list[np.ndarray]]]:
        """Return a frame's matte, and the network's memory of the clip after it."""
        refuse_unless_taken(self, trimap=trimap is not None, plate=plate is not None)
        several, pictures = one_by_one({"image": image, "trimap": trimap, "plate": plate})
        found = [
            self._one(picture, None if seen is None else seen[at])
            for at, picture in enumerate(pictures)
        ]
        mattes, states = [matte for matte, _ in found], [state for _, state in found]
        return (stacked(mattes) if several else mattes[0]), states

    def _one(
        self, picture: dict[str, Any], seen: list[np.ndarray] | None
    ) -> tuple[Matte, list[np.ndarray]]:
        """Return one picture's matte, and the memory after it."""
        prepared = self.card.run_rules.apply(**picture)
        ports = self.card.outputs
        outputs = self.session.run(self._inputs(prepared, seen), [port.name for port in ports])
        planes = {
            port.role: self._picture(output, port, prepared)
            for port, output in zip(ports, outputs, strict=True)
            if port.role != "state"
        }
        states = [x for x, port in zip(outputs, ports, strict=True) if port.role == "state"]
        return self._undo(prepared, planes["alpha"][..., 0], planes.get("foreground")), states

    def _inputs(self, prepared: Prepared, seen: list[np.ndarray] | None) -> dict[str, np.ndarray]:
        """Return what the file is given, by the names of its inputs."""
        rules, image = self.rules, prepared.inputs[0]
        roles = ["image", *["plate"] * rules.plate, *["trimap"] * (rules.encode is not None)]
        pictures = dict(zip(roles, prepared.inputs, strict=True))
        ratio = np.array([min(SMALL / max(image.shape[1:3]), 1)], np.float32)
        memory = iter(seen or [])
        given = {}
        for port in self.card.inputs:
            if port.role == "ratio":
                given[port.name] = ratio
            elif port.role == "state" and seen is None:
                given[port.name] = np.zeros(port.initial or (), port.dtype)
            elif port.role == "state":
                given[port.name] = next(memory)
            else:
                turned = np.moveaxis(pictures[port.role], -1, port.layout.index("C"))
                given[port.name] = np.ascontiguousarray(turned, port.dtype)
        return given

    def _picture(self, output: np.ndarray, port: Port, prepared: Prepared) -> np.ndarray:
        """Return what an output holds as (h, w, channels) float32."""
        height, width = prepared.inputs[0].shape[1:3]
        turned = np.moveaxis(output, port.layout.index("C"), -1)
        expected = (1, height, width, CHANNELS[port.role])
        if turned.shape != expected:
            raise ValueError(
                f"{self.session.path} gives {port.name} of shape {output.shape} for a picture of "
                f"{height} × {width}."
            )
        if not np.isfinite(turned).all():
            raise ValueError(
                f"{self.session.path} gives NaN or infinite values as {port.name} of this picture."
            )
        return turned[0].astype(np.float32)

    def _undo(self, prepared: Prepared, alpha: np.ndarray, foreground: np.ndarray | None) -> Matte:
        if self.card.logits:
            alpha = (1 + np.tanh(alpha / 2)) / 2  # the sigmoid, where exp(-alpha) may be too large
        alpha = self.rules.undo(alpha, prepared)
        if foreground is not None:
            foreground = self.rules.undo_foreground(foreground, alpha, prepared)
        return Matte(alpha, foreground)
