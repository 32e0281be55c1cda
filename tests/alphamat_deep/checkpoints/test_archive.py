"""Zip archives, and the .npz among them, made to fill the memory or to lie."""

import struct
import zipfile

import numpy as np
import pytest

pytest.importorskip("jax")

from tests.alphamat_deep.checkpoints.writing import (
    MIB,
    TENSOR,
    counted,
    npz,
    pickled,
    refused,
    zipped,
)

ZEROS = np.zeros(8 * MIB, "uint8")


def test_refuses_to_inflate_beyond_the_limit(tmp_path):
    refused(tmp_path, npz(True, a=ZEROS), "claims 16,7.* compressed entry 'a.npy'", limit=MIB)
    content = zipped({"a/data.pkl": pickled({"w": TENSOR}), "a/data/0": bytes(8 * MIB)}, 8)
    refused(tmp_path, content, "claims 16,8.* 'a/data/0'", limit=MIB)
    content = zipped({f"{i}.npy": npz(a=counted(3))[35:] for i in range(3000)})
    refused(tmp_path, content, "claims .* directory", limit=MIB, memory=4 * MIB)


def patched(content, offset, value, *, signature=b"PK\1\2", form="<I"):
    """Return a zip archive with a number of its first directory entry, or of its end, changed."""
    at = content.index(signature) + offset
    return content[:at] + struct.pack(form, value) + content[at + struct.calcsize(form) :]


@pytest.mark.parametrize(
    ("offset", "value", "message"),
    [
        (24, 2**30, "not what the directory says"),  # inflates to less
        (24, 2**32 - 2, "claims 8,58"),
        (20, 2**31, "contradicts itself"),  # compressed size
        (16, 0, "not what the directory says"),  # checksum
        (42, 1, "no b'PK"),  # place
        (42, 2**32 - 2, "no b'PK"),
        (42, 2**32 - 1, "no b'PK"),
    ],
)
def test_refuses_archives_that_lie(tmp_path, offset, value, message):
    content = patched(npz(True, a=ZEROS), offset, value)
    refused(tmp_path, content, message, memory=24 * MIB, limit=2**32)


def test_stops_inflating_where_the_directory_says_that_it_ends(tmp_path):
    content = patched(npz(True, a=ZEROS), 24, 100)
    refused(tmp_path, content, "not what the directory says")


def test_refuses_archives_that_call_an_entry_by_two_names(tmp_path):
    content = npz(a=counted(3)).replace(b"a.npy", b"b.npy", 1)
    refused(tmp_path, content, "contradicts itself about 'a.npy'")


@pytest.mark.parametrize(
    ("offset", "value", "message"),
    [
        (10, 0, "directory of its archive is not as long"),
        (10, 2, "no b'PK"),
        (10, 2**16 - 1, "no b'PK"),
        (12, 2**16 - 1, "directory of its archive is not as long"),
        (16, 2**16 - 1, "no b'PK"),
    ],
)
def test_refuses_archives_whose_directory_lies(tmp_path, offset, value, message):
    content = patched(npz(a=counted(3)), offset, value, signature=b"PK\5\6", form="<H")
    refused(tmp_path, content, message)


def test_refuses_other_compressions_and_secrets(tmp_path):
    content = zipped({"a.npy": b"x"}, zipfile.ZIP_BZIP2)
    refused(tmp_path, content, "encrypted, or compressed")
    refused(tmp_path, patched(npz(a=counted(3)), 8, 1, form="<H"), "encrypted, or compressed")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_refuses_archives_with_two_entries_of_one_name(tmp_path):
    with zipfile.ZipFile(tmp_path / "twice", "w") as archive:
        archive.writestr("a.npy", b"x")
        archive.writestr("a.npy", b"x")
    refused(tmp_path, (tmp_path / "twice").read_bytes(), "contradicts itself about 'a.npy'")


def npy(header):
    start = b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header.encode()
    return zipped({"a.npy": start + counted(6).tobytes()})


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (7,), }", "reaches beyond"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (9999999999999,), }", "claims 40,0"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", "no plain numbers"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (" + "1," * 99 + "), }", "a shape"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (" + "1" * 9999 + "), }", "no plain"),
        ("{'descr': '<f4', 'fortran_order': exit(), 'shape': (6,), }", "no plain numbers"),
        ("(" * 20_000, "no plain numbers"),
        ("", "no plain numbers"),
    ],
)
def test_refuses_npz_whose_headers_lie(tmp_path, header, message):
    refused(tmp_path, npy(header), message)
