"""What a file's reader has to know of it: a text in JSON, beside the file."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import alphamat
from alphamat.rules import fixed_size, to_data
from alphamat_deep.export.ports import Port
from alphamat_deep.export.proving import Difference
from alphamat_deep.matting import Matting

VERSION = 1


def sidecar_of(
    matting: Matting,
    inputs: list[Port],
    outputs: list[Port],
    *,
    form: str,
    layout: str,
    raw: bool,
    source: str | os.PathLike[str] | None,
    versions: Mapping[str, Any],
    difference: Difference,
) -> bytes:
    """Return the text, as docs/export.md has it."""
    row, (height, width) = matting.preset, inputs[0].shape[1:3]
    fixed = isinstance(height, int) and isinstance(width, int)
    weights = row.weights
    data = {
        "format": form,
        "version": VERSION,
        "preset": matting.name,
        "rules": to_data(fixed_size(row.preprocess, height, width) if fixed else row.preprocess),
        "normalised": not raw,
        "inputs": [_port(port, layout) for port in inputs],
        "outputs": [_port(port, layout) for port in outputs],
        "licence": weights.licence if weights else "MIT" if row.bundled else "",
        "commercial": weights.commercial if weights else True if row.bundled else None,
        "citation": row.citation,
        "warning": row.warning,
        "weights": {
            "sha256": _sha256(source) if source else "",
            "file": Path(source).name if source else "",
            "url": weights.place if weights else "",
        },
        "versions": {"alphamat": alphamat.__version__, "jax": version("jax"), **versions},
        "difference": difference._asdict(),
    }
    return json.dumps(data, indent=2, ensure_ascii=False).encode() + b"\n"


def _port(port: Port, layout: str) -> dict[str, Any]:
    shape = [side if isinstance(side, int) else str(side) for side in port.laid_out(layout)]
    data = {
        "name": port.name,
        "role": port.role,
        "shape": shape,
        "layout": layout,
        "dtype": "float32",
    }
    if port.role == "state" and not all(isinstance(side, int) for side in shape):
        data["initial"] = [side if isinstance(side, int) else 1 for side in shape]
    return data


def _sha256(path: str | os.PathLike[str]) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
