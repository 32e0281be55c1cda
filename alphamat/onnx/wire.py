"""Where a file in ONNX keeps its tensors, found before anything opens what it names.

ONNX is a protocol buffer: fields of a number and a value, where a value may hold fields again. The
numbers are those of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path

# Which fields of a message hold messages in which there may be tensors.
INSIDE = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "place"},
}
VARINT, EIGHT_BYTES, LENGTH, FOUR_BYTES = 0, 1, 2, 5  # kinds of values
DEEPEST = 60  # messages in one another: four for each graph in a graph


def files_of(path: Path) -> list[Path]:
    """Return a file in ONNX, and the files beside it in which it keeps tensors.

    Raises
    ------
    ValueError
        If it is no such file, or names a file by more than its name, or by a link.
    FileNotFoundError
        If a file beside it is missing.
    """
    files = [path]
    for name in sorted(set(_external(path))):
        beside = path.parent / name
        if name in ("", ".", "..") or any(mark in name for mark in "/\\:\0"):
            raise ValueError(
                f"{path} keeps tensors in {name!r}; expected the name of a file of its own folder."
            )
        if beside.is_symlink():
            raise ValueError(
                f"{path} keeps tensors in {name}, which is a link; expected the file itself."
            )
        if not beside.is_file():
            raise FileNotFoundError(f"{path} keeps tensors in {name}, which is not beside it.")
        files.append(beside)
    return files


def _external(path: Path) -> list[str]:
    """Return the names under which tensors lie in other files."""
    with path.open("rb") as file:
        try:
            model = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
            if 7 not in {number for number, _ in _fields(model)}:
                raise ValueError("it has no graph")
            return list(_places(model, "model", DEEPEST))
        except ValueError as fault:
            raise ValueError(f"{path} is no whole file in ONNX: {fault}.") from None


def _places(message: memoryview, kind: str, depth: int) -> Iterator[str]:
    if not depth:
        raise ValueError("its graphs lie in one another too deep")
    for number, value in _fields(message):
        inside = INSIDE[kind].get(number)
        if inside is None or isinstance(value, int):
            continue
        if inside == "place":
            entry = {key: bytes(text) for key, text in _fields(value) if not isinstance(text, int)}
            if entry.get(1) == b"location":
                yield entry.get(2, b"").decode(errors="replace")
        else:
            yield from _places(value, inside, depth - 1)


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Yield the number of each field with its value."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, kind = key >> 3, key & 7
        if kind == VARINT:
            value, at = _varint(message, at)
            yield number, value
            continue
        if kind == LENGTH:
            size, at = _varint(message, at)
        elif kind in (EIGHT_BYTES, FOUR_BYTES):
            size = 8 if kind == EIGHT_BYTES else 4
        else:
            raise ValueError("it has other contents")
        if not number or size > len(message) - at:
            raise ValueError("it is cut short, or has other contents")
        yield number, message[at : at + size]
        at += size


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """Return a number of seven bits in each byte, the lowest first, and where it ends."""
    number = 0
    for end, byte in enumerate(message[at : at + 10], at + 1):
        number |= (byte & 127) << 7 * (end - at - 1)
        if byte < 128:
            return number, end
    raise ValueError("it is cut short, or has other contents")
