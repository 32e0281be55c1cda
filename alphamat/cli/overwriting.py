"""Outputs that would overwrite an input are refused."""

from __future__ import annotations

from pathlib import Path


def refuse_overwriting(path: Path, *inputs: Path | str | None) -> None:
    """Raise if `path` is one of the inputs, perhaps by another name."""
    for given in inputs:
        if given is not None and path.exists() and Path(given).exists() and path.samefile(given):
            raise ValueError(
                f"{path} is one of the inputs, and would be overwritten; name another --output."
            )


def refuse_clip_overwriting(output: Path, *inputs: Path | str | None) -> None:
    """Raise if `output` is an input, or a folder that holds the pictures of one."""
    refuse_overwriting(output, *inputs)
    pattern = set(output.name) & set("%#")
    folder = output if output.is_dir() else output.parent if pattern else None
    for given in filter(None, map(_folder, inputs)):
        if folder is not None and folder.exists() and folder.samefile(given):
            raise ValueError(f"{output} is in the folder of an input; name another --output.")


def _folder(given: Path | str | None) -> Path | None:
    """Return the folder of an input that is a folder or a pattern of pictures."""
    path = Path(given or "")
    if given and path.is_dir():
        return path
    return path.parent if set(path.name) & set("%*#") and path.parent.is_dir() else None
