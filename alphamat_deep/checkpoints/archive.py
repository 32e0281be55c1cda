"""Zip archives, in which nothing is believed: neither a size, nor a place, nor a name.

Python's `zipfile` reads a directory of any size into memory, and tells no offsets; here entries
that are not compressed are read in place.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from alphamat_deep.checkpoints.tensors import Budget, Buffer, Refusal

LOCAL = struct.Struct("<4s22x2H")  # signature; lengths of name and extra
CENTRAL = struct.Struct("<4s4x2H4x3I3H8xI")  # …, flags, method; checksum, sizes; lengths; place
END = struct.Struct("<4s6xH2I2x")  # …, count, size and start of the directory
WIDE_LOCATOR = struct.Struct("<4s4xQ4x")  # …, place of the wide end
WIDE_END = struct.Struct("<4s28x3Q")  # as the end, for what needs 64 bits

STORED, DEFLATED = 0, 8
ENCRYPTED = 1  # a flag
WIDE = 0xFFFFFFFF  # where a number needs 64 bits, and is in the extra

ENTRY = 1024  # bytes: more than is kept of an entry, beside its name


class Entry(NamedTuple):
    start: int
    stored: int
    size: int
    method: int
    checksum: int


@dataclass
class Archive:
    content: memoryview
    budget: Budget
    entries: dict[str, Entry]

    def read(self, name: str) -> Buffer:
        """Return an entry's bytes, in place where it is not compressed."""
        if name not in self.entries:
            raise Refusal(f"is damaged: its archive has no entry {name[:100]!r}.")
        entry = self.entries[name]
        whole = self.content[entry.start : entry.start + entry.stored]
        if entry.method == DEFLATED:
            # twice, since zlib joins pieces
            self.budget.claim(2 * entry.size, f"its compressed entry {name[:100]!r}")
            whole = _inflated(whole, entry.size)
        if len(whole) != entry.size or zlib.crc32(whole) != entry.checksum:
            raise Refusal(
                f"is damaged: its entry {name[:100]!r} is not what the directory says of it."
            )
        return whole


def recognises(content: memoryview) -> bool:
    return content[:4] == b"PK\3\4"


def opened(content: memoryview, budget: Budget) -> Archive:
    """Read the directory of an archive."""
    count, size, start = _directory(content)
    entries, at = {}, start
    for _ in range(count):
        flags, method, checksum, stored, whole, *lengths, header = _unpack(
            CENTRAL, content, at, b"PK\1\2"
        )
        budget.claim(ENTRY + 4 * lengths[0], "the directory of its archive")
        name, extra, _ = _cut(content, at + CENTRAL.size, lengths)
        whole, stored, header = _widened(extra, [whole, stored, header])
        lengths_there = _unpack(LOCAL, content, header, b"PK\3\4")
        name_there, _ = _cut(content, header + LOCAL.size, lengths_there)
        begin = header + LOCAL.size + sum(lengths_there)
        key = str(name, "utf-8", "replace")
        if name != name_there or key in entries or begin + stored > len(content):
            raise Refusal(f"is damaged: its archive contradicts itself about {key[:100]!r}.")
        if flags & ENCRYPTED or method not in (STORED, DEFLATED):
            raise Refusal(
                f"has an entry {key[:100]!r} that is encrypted, or compressed as none are here."
            )
        entries[key] = Entry(begin, stored, whole, method, checksum)
        at += CENTRAL.size + sum(lengths)
    if at != start + size:
        raise Refusal("is damaged: the directory of its archive is not as long as it says.")
    return Archive(content, budget, entries)


def _directory(content: memoryview) -> tuple[int, int, int]:
    """Return the number of entries, and the size and start of the directory."""
    tail = max(0, len(content) - END.size - 0xFFFF)  # a comment may follow
    end = tail + bytes(content[tail:]).rfind(b"PK\5\6")
    if end < tail or end + END.size > len(content):
        raise Refusal("is cut short: a zip archive without the directory at its end.")
    if content[max(0, end - WIDE_LOCATOR.size) :][:4] == b"PK\6\7":
        (wide,) = _unpack(WIDE_LOCATOR, content, end - WIDE_LOCATOR.size, b"PK\6\7")
        return _unpack(WIDE_END, content, wide, b"PK\6\6")
    return _unpack(END, content, end, b"PK\5\6")


def _unpack(form: struct.Struct, content: memoryview, at: int, signature: bytes) -> tuple:
    if at + form.size > len(content) or content[at : at + 4] != signature:
        raise Refusal(f"is damaged: its archive has no {signature!r} at byte {at:,}.")
    return form.unpack_from(content, at)[1:]


def _cut(content: memoryview, at: int, lengths: Iterable[int]) -> list[memoryview]:
    """Return consecutive pieces."""
    pieces = []
    for length in lengths:
        pieces.append(content[at : at + length])
        at += length
    return pieces


def _widened(extra: memoryview, numbers: list[int]) -> list[int]:
    """Replace the numbers that need 64 bits by those in an entry's extra field."""
    wide = b""
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<2H", extra)
        if kind == 1:
            wide = extra[4 : 4 + length]
        extra = extra[4 + length :]
    there = iter(struct.unpack(f"<{len(wide) // 8}Q", wide[: len(wide) // 8 * 8]))
    return [next(there, WIDE) if number == WIDE else number for number in numbers]


def _inflated(packed: memoryview, size: int) -> bytes:
    """Decompress, no further than one byte beyond what is said to be there."""
    try:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, size + 1)
    except zlib.error as error:
        raise Refusal(f"is damaged: it does not decompress ({error}).") from error
