"""The pictures that a command writes: named and refused before the work, written after it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from alphamat.cli.faults import faults_are_misuse
from alphamat.cli.overwriting import refuse_overwriting
from alphamat.io.images import WRITABLE, write_image
from alphamat.io.whole import refuse_unwritable, replace_file
from alphamat.words import is_folder, output_paths

LOSSY = {".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
LONGEST = {"JPEG": 65_500, "WEBP": 16_383}
QUALITY = 95


def named_outputs(source: Path, output: str | None, kinds: Sequence[str]) -> dict[str, Path]:
    """Return the file for each kind of picture made from `source`; see `output_paths`."""
    with faults_are_misuse("--output"):
        return output_paths(source, output, kinds)


def refuse_outputs(
    outputs: dict[str, Path],
    output: str | None,
    *inputs: Path | str | None,
    size: tuple[int, ...] = (0,),
    bits: int = 8,
) -> None:
    """Raise if an output cannot be written, or is one of the inputs.

    `output` is what --output says. A folder that is not there yet can be made.
    """
    for kind, path in outputs.items():
        form = LOSSY.get(path.suffix.lower())
        if not path.suffix and not path.is_dir():
            raise ValueError(
                f"{path} has no ending; expected a name in {', '.join(_endings(kind))}, or a "
                f"folder, {path}{os.sep}."
            )
        if not _is_new_folder(output):
            refuse_unwritable(path, endings=_endings(kind))
        refuse_overwriting(path, *inputs)
        if form and bits != 8:
            raise ValueError(f"{path} cannot be written: {form} has 8 bits per channel.")
        if form and max(size[:2]) > LONGEST[form]:
            raise ValueError(
                f"{path} cannot be written: {form} has at most {LONGEST[form]:,} pixels a side."
            )


def make_folder(output: str | None) -> None:
    """Make the folder of the outputs, if --output names one that is not there."""
    if output is None or not _is_new_folder(output):
        return
    try:
        Path(output).mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        reason = "a file has this name" if Path(output).is_file() else fault.strerror
        raise ValueError(f"the folder {output} cannot be made: {reason}.") from None


def _is_new_folder(output: str | None) -> bool:
    return output is not None and is_folder(output) and not Path(output).is_dir()


def _endings(kind: str) -> tuple[str, ...]:
    return (*WRITABLE, *LOSSY) if kind == "composite" else WRITABLE


def write_all(
    outputs: dict[str, Path],
    pictures: dict[str, np.ndarray],
    *,
    bits: int = 8,
    profile: bytes | None = None,
) -> None:
    """Write pictures, those in colours with a profile; a stop in between knows which are there."""
    written: list[str] = []
    try:
        for kind, path in outputs.items():
            if form := LOSSY.get(path.suffix.lower()):
                replace_file(path, [_lossy(pictures[kind], form, profile)])
            else:
                gray = kind in ("alpha", "trimap")
                write_image(path, pictures[kind], bits=bits, profile=None if gray else profile)
            written.append(str(path))
    except KeyboardInterrupt as stop:
        stop.add_note(f"Written: {', '.join(written) or 'nothing'}.")
        raise


def _lossy(pixels: np.ndarray, form: str, profile: bytes | None) -> bytes:
    from io import BytesIO

    from PIL import Image

    file = BytesIO()
    picture = Image.fromarray(np.rint(255 * pixels).astype(np.uint8))
    options = {"subsampling": 0} if form == "JPEG" else {}
    picture.save(file, form, quality=QUALITY, icc_profile=profile, **options)
    return file.getvalue()
