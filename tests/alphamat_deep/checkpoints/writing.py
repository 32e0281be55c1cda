"""Checkpoint files written by hand, honest and hostile, without the frameworks."""

import json
import pickle
import struct
import time
import tracemalloc
import zipfile
from io import BytesIO
from typing import NamedTuple

import numpy as np
import pytest

MIB = 2**20


class Global(NamedTuple):
    module: str
    name: str


class Call(NamedTuple):
    callee: Global
    arguments: tuple
    state: object = None


class Persistent(NamedTuple):
    identity: object


class Raw(NamedTuple):
    opcodes: bytes


def pickled(value, protocol=2):
    """Return a pickle of plain values and of the classes above, which a Pickler would not make."""
    return b"\x80" + bytes([protocol]) + opcodes(value) + b"."


def opcodes(value):
    match value:
        case Raw(raw):
            return raw
        case Global(module, name):
            return f"c{module}\n{name}\n".encode()
        case Call(callee, arguments, state):
            made = opcodes(callee) + opcodes(arguments) + b"R"
            return made if state is None else made + opcodes(state) + b"b"
        case Persistent(identity):
            return opcodes(identity) + b"Q"
        case None | True | False:
            return {None: b"N", True: b"\x88", False: b"\x89"}[value]
        case int():
            encoded = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
            return b"\x8a" + bytes([len(encoded)]) + encoded
        case str():
            return b"X" + struct.pack("<I", len(value.encode())) + value.encode()
        case bytes():
            return b"B" + struct.pack("<I", len(value)) + value
        case tuple():
            return b"(" + b"".join(map(opcodes, value)) + b"t"
        case list():
            return b"](" + b"".join(map(opcodes, value)) + b"e"
        case dict():
            return b"}(" + b"".join(opcodes(x) for pair in value.items() for x in pair) + b"u"
    raise TypeError(value)


def counted(*shape, dtype="float32"):
    return np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype)


REBUILD = Global("torch._utils", "_rebuild_tensor_v2")
ORDERED = Call(Global("collections", "OrderedDict"), ())


def torch_tensor(
    key="0", shape=(2, 3), strides=(3, 1), offset=0, kind="FloatStorage", numel=6, old=False
):
    view = (None,) if old else ()
    identity = ("storage", Global("torch", kind), key, "cpu", numel, *view)
    return Call(REBUILD, (Persistent(identity), offset, shape, strides, False, ORDERED))


def torch_zip(outermost, storages=None, **files):
    """Return a file of PyTorch; the storage "0" holds six float32 unless others are given."""
    storages = {"0": counted(6).tobytes()} if storages is None else storages
    return zipped(
        {"a/data.pkl": pickled(outermost), "a/byteorder": b"little", "a/version": b"3\n"}
        | {f"a/data/{key}": content for key, content in storages.items()}
        | {f"a/{name}": content for name, content in files.items()}
    )


def torch_old(outermost, storages=None, little_endian=True):
    """Return a file of PyTorch before 1.6."""
    storages = {"0": (6, counted(6).tobytes())} if storages is None else storages
    head = (0x1950A86A20F9469CFC6C, 1001, {"little_endian": little_endian})
    return b"".join(
        [pickled(value) for value in (*head, outermost, list(storages))]
        + [struct.pack("<q", numel) + content for numel, content in storages.values()]
    )


def numpy_array(shape=(2, 3), code="f4", order="<", raw=None, fortran=False):
    dtype = Call(
        Global("numpy", "dtype"), (code, False, True), (3, order, None, None, None, -1, -1, 0)
    )
    raw = counted(6).tobytes() if raw is None else raw
    rebuild = Global("numpy.core.multiarray", "_reconstruct")
    return Call(rebuild, (Global("numpy", "ndarray"), (0,), b"b"), (1, shape, dtype, fortran, raw))


def paddle(outermost):
    return pickled(outermost, protocol=4)


def published(arrays, framework):
    """Return a state dict as the framework's users save it."""
    if framework == "Paddle":
        return pickle.dumps(dict(arrays), protocol=4)
    kinds = {"float32": "FloatStorage", "int64": "LongStorage"}
    tensors, storages = {}, {}
    for key, (name, x) in enumerate(arrays.items()):
        strides = tuple(step // x.itemsize for step in np.asarray(x, order="C").strides)
        kind = kinds[x.dtype.name]
        tensors[name] = torch_tensor(str(key), x.shape, strides, kind=kind, numel=x.size)
        storages[str(key)] = x.tobytes()
    return torch_zip(tensors, storages)


def safetensors(header):
    header = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(header)) + header + counted(6).tobytes()


def npz(compressed=False, **arrays):
    file = BytesIO()
    (np.savez_compressed if compressed else np.savez)(file, **arrays)
    return file.getvalue()


def zipped(files, method=zipfile.ZIP_STORED):
    file = BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


TENSOR = torch_tensor()


def refused(folder, content, message, *, memory=MIB, **options):
    """Check that a file is refused at once, by name, and that little memory is used to tell."""
    from alphamat_deep import checkpoints

    path = folder / "file"
    path.write_bytes(content)
    start = time.process_time()
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=message) as refusal:
            checkpoints.read(path, **options)
        assert tracemalloc.get_traced_memory()[1] < memory
    finally:
        tracemalloc.stop()
    assert time.process_time() - start < 5
    assert str(refusal.value).startswith(f"{path} ")
    assert len(str(refusal.value)) < 1000


def outcome(path, content):
    """Return the tensors of a file, or None where it is refused as it should be."""
    from alphamat_deep import checkpoints

    path.write_bytes(content)
    try:
        return checkpoints.read(path, limit=MIB)
    except ValueError as refusal:
        if not str(refusal).startswith(f"{path} "):
            raise
        return None
