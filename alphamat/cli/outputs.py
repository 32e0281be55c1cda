"""The pictures that a command writes: named and refused before the work, written after it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import numpy as np

from alphamat.cli.arguments import Bits, samples
from alphamat.cli.faults import faults_are_misuse
from alphamat.cli.overwriting import refuse_overwriting
from alphamat.colours import Colours, for_display, is_exr, write_coloured
from alphamat.io.exr import openexr
from alphamat.io.images import DEPTHS, KINDS, WRITABLE
from alphamat.io.whole import refuse_unwritable, replace_file
from alphamat.words import LEVELS, is_folder, output_paths

LOSSY = {".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
LONGEST = {"JPEG": 65_500, "WEBP": 16_383}
QUALITY = 95
FLOATING = (Bits.HALF, Bits.FLOAT)
SRGB = Colours()


def named_outputs(source: Path, output: str | None, kinds: Sequence[str]) -> dict[str, Path]:
    """Return the file for each kind of picture made from `source`; see `output_paths`."""
    with faults_are_misuse("--output"):
        return output_paths(source, output, kinds)


def refuse_outputs(
    outputs: dict[str, Path],
    output: str | None,
    *inputs: Path | str | None,
    size: tuple[int, ...] = (0,),
    bits: Bits | None = None,
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
        if not (kind == "trimap" and bits in FLOATING):  # it is not rounded in 8 bits
            _refuse_bits(path, form, bits)
        if form and max(size[:2]) > LONGEST[form]:
            raise ValueError(
                f"{path} cannot be written: {form} has at most {LONGEST[form]:,} pixels a side."
            )


def _refuse_bits(path: Path, form: str | None, bits: Bits | None) -> None:
    if form and bits not in (None, Bits.EIGHT):
        raise ValueError(f"{path} cannot be written: {form} has 8 bits per channel.")
    if form:
        return
    kind = KINDS[path.suffix.lower()]
    if bits is not None and samples(bits) not in DEPTHS[kind]:
        expected = " or ".join(map(str, DEPTHS[kind]))
        raise ValueError(
            f"{path} cannot be written: {kind.upper()} has {expected} bits per channel; give that "
            "as --bits."
        )
    if is_exr(path):
        openexr()


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
    if kind in LEVELS:
        return tuple(ending for ending in WRITABLE if ending != ".exr")
    return (*WRITABLE, *LOSSY) if kind == "composite" else WRITABLE


def write_all(
    outputs: dict[str, Path],
    pictures: dict[str, np.ndarray],
    colours: Colours = SRGB,
    *,
    bits: Bits | None = None,
) -> None:
    """Write pictures; a stop in between knows which are there."""
    written: list[str] = []
    try:
        for kind, path in outputs.items():
            depth = None if kind == "trimap" and bits in FLOATING else bits
            write_one(path, pictures[kind], colours, bits=depth)
            written.append(str(path))
    except KeyboardInterrupt as stop:
        stop.add_note(f"Written: {', '.join(written) or 'nothing'}.")
        raise


def write_one(
    path: Path | IO[bytes], pixels: np.ndarray, colours: Colours, *, bits: Bits | None = None
) -> None:
    """Write a picture as `write_coloured` does, or with loss."""
    if isinstance(path, Path) and (form := LOSSY.get(path.suffix.lower())):
        replace_file(path, [_lossy(for_display(pixels, colours), form, colours.profile)])
    else:
        write_coloured(path, pixels, colours, bits=samples(bits))


def _lossy(pixels: np.ndarray, form: str, profile: bytes | None) -> bytes:
    from io import BytesIO

    from PIL import Image

    file = BytesIO()
    picture = Image.fromarray(np.rint(255 * pixels).astype(np.uint8))
    options = {"subsampling": 0} if form == "JPEG" else {}
    picture.save(file, form, quality=QUALITY, icc_profile=profile, **options)
    return file.getvalue()
