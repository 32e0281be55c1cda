"""Files of .safetensors whose header lies."""

import struct

import pytest

pytest.importorskip("jax")

from alphamat_deep import checkpoints
from tests.alphamat_deep.checkpoints.writing import (
    MIB,
    refused,
    safetensors,
)


def told(dtype="F32", shape=(2, 3), offsets=(0, 24)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ({"a": told(shape=(3, 3))}, "cannot be"),
        ({"a": told(shape=(2, 2))}, "cannot be"),
        ({"a": told(shape=(-2, -3))}, "a shape that no tensor has"),
        ({"a": told(shape=(2**40, 2**40))}, "a shape that no tensor has"),
        ({"a": told(shape=("2", 3))}, "a shape that no tensor has"),
        ({"a": told(shape=(2**40,), offsets=(0, 2**42))}, "do not fill it"),
        ({"a": told(offsets=(24, 0))}, "cannot be"),
        ({"a": told(offsets=(-24, 0))}, "cannot be"),
        ({"a": told(offsets=(0,))}, "cannot be"),
        ({"a": told(shape=(5,), offsets=(0, 20))}, "do not fill it"),
        ({"a": told(), "b": told()}, "do not fill it"),
        ({"a": told(dtype="F8_E4M3")}, "values of type 'F8_E4M3'"),
        ({"a": 3}, "cannot be"),
        ({"a": []}, "cannot be"),
        ({"__metadata__": {}}, "do not fill it"),
        (b'{"a": 1, "a": 1}', "two values"),
        (b'{"a": ' + b"[" * 100_000, "no JSON"),
        (b'{"a": ' + b"9" * 10_000 + b"}", "no JSON"),
        (b"{\xff}", "no JSON"),
        (b"{", "no JSON"),
    ],
)
def test_refuses_safetensors_whose_headers_lie(tmp_path, header, message):
    refused(tmp_path, safetensors(header), message, memory=4 * MIB)


def test_refuses_safetensors_with_great_headers(tmp_path):
    refused(tmp_path, struct.pack("<Q", 2**63) + b"{}", "cut short: its header alone")
    header = b'{"a":[' + b"[]," * 300_000 + b"0]}"
    refused(tmp_path, safetensors(header), "claims .* header", limit=16 * MIB, memory=4 * MIB)


def test_metadata_are_texts(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(safetensors({"a": told(), "__metadata__": {"epoch": 3}}))
    with pytest.raises(ValueError, match="metadata are no texts"):
        checkpoints.metadata(path)
    path.write_bytes(safetensors({"a": told()}))
    assert checkpoints.metadata(path) == {}
