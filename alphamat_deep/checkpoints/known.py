"""What a pickle may name and call: functions of ours that keep what they are given, or forget it.

They must take constant time, hash, compare and print nothing, and believe nothing: a pickle can
call them with anything, and again and again.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from alphamat_deep.checkpoints.tensors import Buffer, Dictionary, Refusal, Tensor


class Inert(NamedTuple):
    """Something that training programs keep, and nobody here needs."""


class Latin(NamedTuple):
    """Bytes that an old protocol keeps as text."""

    text: object = ""


class NumpyType:
    """NumPy's dtype, while it is being read."""

    def __init__(self, code: object, *options: object) -> None:
        self.code = code
        self.order: object = "<"


def inert(*arguments: object) -> Inert:
    return Inert()


def dictionary(items: object = None) -> Dictionary:
    """Make a dictionary; Python 2 gives the items of an ordered one as a list of lists."""
    return Dictionary(items) if type(items) is list else Dictionary()


def unfilled_array(*arguments: object) -> Tensor:
    return Tensor(partial(_bytes_of, None), "", ())


def _fill_array(array: Tensor, state: tuple) -> None:
    _, array.shape, dtype, array.fortran, raw = state
    if type(dtype) is not NumpyType or type(dtype.code) is not str or type(dtype.order) is not str:
        raise TypeError
    array.dtype = dtype.order + dtype.code
    array.storage = partial(_bytes_of, raw)


def _bytes_of(raw: Any) -> Buffer:
    if type(raw) is memoryview:
        return raw
    try:
        return raw.text.encode("latin-1")
    except (AttributeError, UnicodeEncodeError) as error:
        raise Refusal("is damaged: the values of an array in it are no bytes.") from error


def _order_type(dtype: NumpyType, state: tuple) -> None:
    dtype.order = state[1]


def _ignore(target: object, state: object) -> None:
    """Keep no attributes, such as PyTorch's `_metadata`."""


KNOWN: dict[str, Callable] = {
    "collections.OrderedDict": dictionary,
    "collections.defaultdict": dictionary,
    "numpy.dtype": NumpyType,
    **{f"numpy.{core}.multiarray._reconstruct": unfilled_array for core in ("core", "_core")},
    "_codecs.encode": lambda text, codec: Latin(text),
    **dict.fromkeys(("builtins.bytes", "__builtin__.bytes"), Latin),
    **dict.fromkeys(
        (
            "argparse.Namespace",
            "collections.Counter",
            "numpy.ndarray",
            "numpy.core.multiarray.scalar",
            "numpy._core.multiarray.scalar",
            "torch.Size",
            "torch.device",
            *(
                f"{b}.{name}"
                for b in ("builtins", "__builtin__")
                for name in ("dict", "int", "list", "set")
            ),
        ),
        inert,
    ),
}

# What may be given a state, by what we made of it.
BUILDS: dict[type, Callable[[Any, Any], None]] = {
    Tensor: _fill_array,
    NumpyType: _order_type,
    Dictionary: _ignore,
    Inert: _ignore,
}
