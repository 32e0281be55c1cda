"""PyTorch's files: a pickle that says where the tensors lie, and the bytes of their storages.

Since PyTorch 1.6 a zip archive; before, pickles in a row, and then the storages.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import NamedTuple

from alphamat_deep.checkpoints import unpickling
from alphamat_deep.checkpoints.archive import Archive
from alphamat_deep.checkpoints.known import KNOWN, inert
from alphamat_deep.checkpoints.tensors import (
    DTYPES,
    Budget,
    Buffer,
    Dictionary,
    Refusal,
    Tensor,
)

STORAGES = {
    "torch.DoubleStorage": "<f8",
    "torch.FloatStorage": "<f4",
    "torch.HalfStorage": "<f2",
    "torch.BFloat16Storage": "<bfloat16",
    "torch.LongStorage": "<i8",
    "torch.IntStorage": "<i4",
    "torch.ShortStorage": "<i2",
    "torch.CharStorage": "<i1",
    "torch.ByteStorage": "<u1",
    "torch.BoolStorage": "<b1",
}

OLD = bytes.fromhex("6cfc9c46f9206aa85019")  # in the first pickle of the old format
OLD_PROTOCOL = 1001


class Storage(NamedTuple):
    """The bytes that one or more tensors lie in."""

    content: Callable[[], Buffer]
    dtype: str


def tensor(storage, offset, shape, strides, requires_grad=None, hooks=None, bits=None) -> Tensor:
    """Stand in for PyTorch's function that makes a view of a storage."""
    if type(storage) is not Storage:
        raise TypeError
    if type(bits) is Dictionary and bits.pairs:
        raise Refusal("has tensors that are to be negated or conjugated; expected plain ones.")
    return Tensor(storage.content, storage.dtype, shape, strides, offset)


TORCH_KNOWN = {
    **KNOWN,
    **dict.fromkeys(STORAGES, inert),  # they are named, and never called
    "torch._utils._rebuild_tensor": tensor,
    "torch._utils._rebuild_tensor_v2": tensor,
    "torch._utils._rebuild_parameter": lambda data, requires_grad, hooks: data,
}


def load_zip(files: Archive, budget: Budget) -> object:
    """Return what a file of PyTorch 1.6 or later holds."""
    names = [name.partition("/") for name in files.entries]
    if any(rest == "constants.pkl" or rest.startswith("code/") for _, _, rest in names):
        raise Refusal(
            "is a TorchScript archive, which is a program; expected a state dict. With PyTorch, "
            "torch.save(torch.jit.load(this).state_dict(), that) makes one."
        )
    homes = [home for home, _, rest in names if rest == "data.pkl"]
    if len(homes) != 1:
        raise Refusal("is a zip archive, but neither a checkpoint of PyTorch nor an .npz file.")
    if "byteorder" in (rest for _, _, rest in names):
        _refuse_big_endian(bytes(files.read(f"{homes[0]}/byteorder")) != b"little")
    read = cache(files.read)  # a storage may hold many tensors

    def storage(key: str, dtype: str) -> Storage:
        return Storage(partial(read, f"{homes[0]}/data/{key}"), dtype)

    pickle = memoryview(files.read(f"{homes[0]}/data.pkl"))
    return unpickling.load(pickle, 0, budget, TORCH_KNOWN, partial(_identified, storage))[0]


def recognises_old(content: memoryview) -> bool:
    return content[:1] == b"\x80" and OLD in bytes(content[:32])


def load_old(content: memoryview, budget: Budget) -> object:
    """Return what a file of PyTorch before 1.6 holds."""
    at, head = 0, []
    for _ in range(3):  # a magic number, the format's version, the machine it was made on
        said, at = unpickling.load(content, at, budget, {})
        head.append(said)
    if type(head[1]) is not int or head[1] != OLD_PROTOCOL or type(head[2]) is not Dictionary:
        raise Refusal("is damaged, or of a format of PyTorch that there never was.")
    _refuse_big_endian(any(key == "little_endian" and not value for key, value in head[2].pairs))
    dtypes: dict[str, str] = {}
    places: dict[str, memoryview] = {}

    def storage(key: str, dtype: str) -> Storage:
        if dtypes.setdefault(key, dtype) != dtype:
            raise Refusal(f"is damaged: its storage {key[:100]!r} is of two types.")
        return Storage(partial(places.__getitem__, key), dtype)

    outermost, at = unpickling.load(content, at, budget, TORCH_KNOWN, partial(_identified, storage))
    keys, at = unpickling.load(content, at, budget, {})
    if type(keys) is not list or [key for key in keys if type(key) is not str]:
        raise Refusal("is damaged: its storages have no names.")
    if set(keys) != set(dtypes):
        raise Refusal("is damaged: its storages are not those that its tensors lie in.")
    for key in keys:
        count = int.from_bytes(content[at : at + 8], "little")
        end = at + 8 + count * DTYPES[dtypes[key]].itemsize
        if end > len(content):
            raise Refusal(f"is cut short: its storages need {end - len(content):,} bytes more.")
        places[key] = content[at + 8 : end]
        at = end
    return outermost


def _identified(storage: Callable[[str, str], Storage], identity: object) -> Storage:
    """Return the storage that a pickle means."""
    match identity:
        case ("storage", unpickling.Known(name=name), str(key), _, _, *views) if name in STORAGES:
            if any(view is not None for view in views):
                raise Refusal("has views of storages, as only PyTorch before 0.4 wrote them.")
            return storage(key, STORAGES[name])
    raise Refusal("is damaged: its pickle refers to something that is no storage of PyTorch.")


def _refuse_big_endian(is_big: bool) -> None:
    if is_big:
        raise Refusal("was written on a big-endian machine; expected little-endian.")
