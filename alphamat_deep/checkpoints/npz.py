"""NumPy's .npz: a zip archive of arrays, of which none may hold Python objects."""

from __future__ import annotations

import re

from alphamat_deep.checkpoints.archive import Archive
from alphamat_deep.checkpoints.tensors import Dictionary, Refusal, Tensor

# NumPy evaluates it as Python; it always looks like this.
HEADER = re.compile(
    rb"\{'descr': '([<>|][a-zA-Z]\d{1,9})', 'fortran_order': (True|False), "
    rb"'shape': \(((?:\d{1,19}L?, ?)*(?:\d{1,19}L?)?)\),? ?\} *\n?"
)


def recognises(files: Archive) -> bool:
    return bool(files.entries) and all(name.endswith(".npy") for name in files.entries)


def load(files: Archive) -> Dictionary:
    """Return the arrays of an .npz file."""
    return Dictionary([(name.removesuffix(".npy"), _array(files, name)) for name in files.entries])


def _array(files: Archive, name: str) -> Tensor:
    """Describe an array of the .npy format."""
    content = memoryview(files.read(name))
    begin = 10 if content[6:7] == b"\1" else 12  # since version 2 the header's length has 32 bits
    end = begin + int.from_bytes(content[8:begin], "little")
    header = HEADER.fullmatch(bytes(content[begin : min(end, begin + 2**16)]))
    if content[:6] != b"\x93NUMPY" or header is None:
        raise Refusal(
            f"has an array {name[:100]!r} that is damaged or no plain numbers; expected .npy "
            "with float, int or bool."
        )
    dtype, fortran, shape = header.groups()
    return Tensor(
        lambda: content[end:],
        dtype.decode(),
        tuple(int(n) for n in re.findall(rb"\d+", shape)),
        fortran=fortran == b"True",
    )
