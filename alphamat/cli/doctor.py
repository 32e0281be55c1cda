"""`alphamat doctor`: what a report of a fault needs to say of this machine."""

from __future__ import annotations

import json
import math
import os
import platform
import re
import subprocess
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, metadata, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import typer

from alphamat import __version__, memory
from alphamat.cli.arguments import AsJson
from alphamat.extras import EXTRAS, missing

PACKAGES = [
    "numpy",
    "scipy",
    "numba",
    "llvmlite",
    "scikit-image",
    "opencv-python-headless",
    "pillow",
    "tifffile",
    "typer",
    "jax",
    "jaxlib",
    "flax",
    "onnxruntime",
    "av",
    "zarr",
]
VARIABLES = [
    "NUMBA_NUM_THREADS",
    "NUMBA_CACHE_DIR",
    "NUMBA_DISABLE_JIT",
    "OMP_NUM_THREADS",
    "JAX_PLATFORMS",
    "JAX_COMPILATION_CACHE_DIR",
]
PATIENCE = 60  # seconds for JAX to find its devices, and for a kernel to be compiled

DEVICES = "import jax; print([f'{d.platform}: {d.device_kind}' for d in jax.devices()])"
KERNEL = """
import numpy as np, alphamat
trimap = np.full((9, 9), 0.5); trimap[0], trimap[-1] = 0, 1
print(alphamat.closed_form(np.full((9, 9, 3), 0.5), trimap)[4].mean())
"""


def examine(as_json: AsJson = False) -> None:
    """Say what alphamat finds on this machine: versions, cores, memory, caches, extras, devices.

    Put it into reports of faults. It ends with exit code 1 where something is
    broken. Folders of yours are shown from the home, ~.
    """
    found = {
        "versions": _versions(),
        "processor": _processor(),
        "memory": _memory(),
        "caches": _caches(),
        "extras": {extra: missing(extra) for extra in EXTRAS},
        "devices": _devices(),
        "kernels": _kernels(),
    }
    broken = _broken(found)
    if as_json:
        typer.echo(json.dumps({**found, "broken": broken}, indent=2))
    else:
        typer.echo(_told(found))
        for fault in broken:
            typer.echo(f"broken: {fault}", err=True)
    if broken:
        raise typer.Exit(1)


def _versions() -> dict[str, str | None]:
    first = {"alphamat": __version__, "python": platform.python_version()}
    return {**first, "system": platform.platform(), **{name: _version(name) for name in PACKAGES}}


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _processor() -> dict[str, Any]:
    may = getattr(os, "sched_getaffinity", None)
    return {
        "cores": os.cpu_count(),
        "this process may use": len(may(0)) if may else os.cpu_count(),
        "control group allows": _quota(),
        "variables": {name: _short(os.environ[name]) for name in VARIABLES if name in os.environ},
    }


def _quota() -> float | None:
    """Return how many cores a control group (version 2) allows; None without a limit."""
    try:
        most, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return None if most == "max" else int(most) / int(period)
    except (OSError, ValueError):
        return None


def _memory() -> dict[str, float | None]:
    """Return GiB: what the machine has, and what this process may still use."""
    amounts = {"machine": memory.physical(), "this process may use": min(memory.limits())[0]}
    return {
        name: round(amount / 2**30, 1) if math.isfinite(amount) else None
        for name, amount in amounts.items()
    }


def _caches() -> dict[str, dict[str, Any]]:
    import solvers

    beside = Path(solvers.__file__).parent / "__pycache__"
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    chosen = os.environ.get("JAX_COMPILATION_CACHE_DIR")
    return {
        "kernels": _folder(Path(os.environ.get("NUMBA_CACHE_DIR") or beside)),
        "networks": _folder(Path(chosen or home / "alphamat" / "jax")),
    }


def _folder(path: Path) -> dict[str, Any]:
    """Return where a folder is, whether it can be written to, and its size in MiB."""
    there = next((p for p in (path, *path.parents) if p.is_dir()), path)
    try:
        tempfile.TemporaryFile(dir=there).close()
        writable = True
    except OSError:
        writable = False
    sizes = [entry.stat().st_size for entry in path.rglob("*") if entry.is_file()]
    return {"folder": _short(path), "writable": writable, "MiB": round(sum(sizes) / 2**20, 1)}


def _short(path: str | Path) -> str:
    """Return a path with ~ for the user's home."""
    home = str(Path.home())
    return str(path).replace(home, "~", 1) if home != "/" else str(path)


def _devices() -> str | None:
    return _answer(DEVICES) if find_spec("jax") else None


def _kernels() -> str:
    answer = _answer(KERNEL)
    return "work" if re.fullmatch(r"0\.\d+", answer) else answer


def _answer(program: str) -> str:
    """Run a program in another process; return what it prints last, or why it failed."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, timeout=PATIENCE
        )
    except subprocess.TimeoutExpired:
        return f"failed: no answer in {PATIENCE} s"
    lines = (done.stderr if done.returncode else done.stdout).strip().splitlines()
    last = _short(lines[-1]) if lines else f"exit code {done.returncode}"
    return f"failed: {last}" if done.returncode else last


def _broken(found: dict[str, Any]) -> list[str]:
    """Return what does not work, or is missing though alphamat requires it."""
    required = metadata("alphamat").get_all("Requires-Dist") or []
    names = [re.split(r"[^\w-]", line)[0] for line in required if "extra ==" not in line]
    faults = [f"{name} is not installed" for name in names if _version(name) is None]
    if found["kernels"] != "work":
        faults.append(f"kernels: {found['kernels']}")
    if str(found["devices"]).startswith("failed"):
        faults.append(f"JAX: {found['devices']}")
    return faults


def _told(found: dict[str, Any]) -> str:
    lines = [f"{name:<24} {text or 'not installed'}" for name, text in found["versions"].items()]
    for name, value in found["processor"].items():
        if name != "variables":
            lines.append(f"{name:<24} {'no limit' if value is None else value}")
    lines += [f"{name:<24} {value}" for name, value in found["processor"]["variables"].items()]
    for name, gib in found["memory"].items():
        lines.append(f"{'memory: ' + name:<24} {'no limit' if gib is None else f'{gib} GiB'}")
    for name, cache in found["caches"].items():
        state = "" if cache["writable"] else ", which cannot be written to"
        lines.append(f"{'cache: ' + name:<24} {cache['folder']}, {cache['MiB']} MiB{state}")
    for extra, absent in found["extras"].items():
        how = f'pip install "alphamat[{extra}]" brings {", ".join(absent)}'
        lines.append(f"{'extra: ' + extra:<24} {how if absent else 'installed'}")
    lines.append(f"{'devices of JAX':<24} {found['devices'] or 'JAX is not installed'}")
    return "\n".join([*lines, f"{'kernels':<24} {found['kernels']}"])
