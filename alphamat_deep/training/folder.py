"""The folder of a run: what it was begun with, and what would stop it before it begins.

run.json              settings, versions, where the weights came from
checkpoints/          the last states, and that of the best network
PRESET.safetensors    the best network, for `alphamat_deep.load`
scalars.jsonl         losses of every step, and scores
left_out.txt          damaged files, if there are any
sheets/               pictures of the validation
report.html
.lock                 empty; kept open while a process trains
"""

from __future__ import annotations

import json
import platform
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax
from jax.typing import DTypeLike

import alphamat
from alphamat.identity import describe
from alphamat.io.whole import replace_file
from alphamat_deep.training.locking import locked
from alphamat_deep.training.recipe import Recipe

LIBRARIES = "jax", "jaxlib", "flax", "optax", "numpy"


def settings_of(
    recipe: Recipe, seed: int, dtype: DTypeLike, parts: int = 1, minutes: float | None = None
) -> dict[str, Any]:
    """Return what has to be equal for a run to go on."""
    told = {field.name: getattr(recipe, field.name) for field in fields(recipe)}
    plain: dict[str, Any] = {
        name: value if isinstance(value, bool | int | float | str) else described(value)
        for name, value in told.items()
    }
    if minutes is not None:
        plain["steps"] = f"as many as {minutes:g} minutes take"
    return {**plain, "seed": seed, "dtype": jax.numpy.dtype(dtype).name, "parts": parts}


def described(value: Any, depth: int = 4) -> str:
    """Return text that tells functions apart by what they hold, such as a rate, too."""
    if depth == 0:
        return "…"
    deeper = partial(described, depth=depth - 1)
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key}: {deeper(value[key])}' for key in sorted(value))}}}"
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(deeper, value))}]"
    if isinstance(value, partial):
        return f"{deeper(value.func)}({deeper(value.args)}, {deeper(value.keywords)})"
    cells = getattr(value, "__closure__", None) or ()
    held = [*(getattr(value, "__defaults__", None) or ()), *(x.cell_contents for x in cells)]
    return describe(value) + (f"({', '.join(map(deeper, held))})" if held else "")


def about(batches: Callable, source: str) -> dict[str, Any]:
    """Return what a reader wants to know of a run beside its settings."""
    return {
        "data": described(batches)[:1000],
        "begun with": source,
        "alphamat": alphamat.__version__,
        **{library: version(library) for library in LIBRARIES},
        "python": platform.python_version(),
        "devices": f"{jax.device_count()} × {jax.devices()[0].device_kind}",
    }


@contextmanager
def open_run(
    out: Path, settings: dict[str, Any], told: dict[str, Any], *, resume: bool
) -> Iterator[None]:
    """Make the folder of a run, or find it, and keep it; raise if it is another's.

    A run without a checkpoint has nothing to lose, and is begun again.

    Raises
    ------
    FileExistsError, BlockingIOError, ValueError, OSError
        If there is a run and `resume` is False, if another process trains there, if it has other
        settings, or if nothing can be written there.
    """
    record, states = out / "run.json", out / "checkpoints"
    if out.exists() and not out.is_dir():
        raise NotADirectoryError(f"`out` is {out}, which is a file; expected a folder.")
    known = record.exists() or any(states.glob("*.safetensors"))
    if not known and out.exists() and any(out.iterdir()):
        raise FileExistsError(
            f"`out` is {out}, which has files, but no run; expected a new folder."
        )
    with _naming_what_cannot_be_written(out):
        states.mkdir(parents=True, exist_ok=True)
    with locked(out):
        if any(states.glob("*.safetensors")):
            _continue(out, settings, resume)
        else:
            text = json.dumps({"settings": settings, "about": told}, indent=1)
            with _naming_what_cannot_be_written(out):
                replace_file(record, [text.encode()])
        yield


def read_run(out: Path) -> dict[str, Any]:
    """Return what `open_run` wrote: "settings" and "about"."""
    record = out / "run.json"
    try:
        match json.loads(record.read_bytes()):
            case {"settings": dict(), "about": dict()} as found:
                return found
    except (OSError, ValueError, RecursionError):
        pass
    raise ValueError(f"{record} is missing or damaged. Name another folder as `out`.")


def refuse_full(out: Path, needed: int) -> None:
    """Raise unless the disk has room for so many bytes beside what the folder has."""
    held = sum(file.stat().st_size for file in out.rglob("*") if file.is_file())
    free = shutil.disk_usage(out).free
    if needed > held + free:
        raise OSError(
            f"`out` is {out}, whose disk has {free / 1e9:.2f} GB left; the checkpoints need "
            f"{(needed - held) / 1e9:.2f} GB. Free some, or lower `keep`."
        )


@contextmanager
def _naming_what_cannot_be_written(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as fault:
        reason = fault.strerror or fault
        raise type(fault)(f"`out` is {out}, where nothing can be written: {reason}.") from fault


def _continue(out: Path, settings: dict[str, Any], resume: bool) -> None:
    if not resume:
        raise FileExistsError(
            f"`out` is {out}, which has a run already. Continue it with resume=True, or name "
            "another folder."
        )
    for part in out.glob(".*.part"):  # of a process that was killed
        part.unlink()
    _refuse_other_settings(out, settings)


def _refuse_other_settings(out: Path, settings: dict[str, Any]) -> None:
    before = read_run(out)["settings"]
    changes = [
        f"{name} was {before.get(name)} and is {value}"
        for name, value in settings.items()
        if before.get(name) != value
    ]
    if changes:
        raise ValueError(
            f"`out` is {out}, whose run has other settings: {'; '.join(changes)}. Name another "
            "folder, or go on with the settings of before."
        )
