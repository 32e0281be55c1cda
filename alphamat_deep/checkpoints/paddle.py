"""Paddle's .pdparams: a pickle of NumPy arrays by name."""

from __future__ import annotations

from alphamat_deep.checkpoints import unpickling
from alphamat_deep.checkpoints.known import KNOWN, NumpyType
from alphamat_deep.checkpoints.tensors import Budget, Dictionary, Refusal, Tensor, texted

# An entry that says which arrays were cut to pieces below 1 GiB; the spelling is Paddle's.
PIECES = "UnpackBigParamInfor@@"


def dtype(code: object, *options: object) -> NumpyType:
    """Stand in for NumpyType: Paddle calls bfloat16 uint16, which it does not have."""
    return NumpyType("bfloat16" if type(code) is str and code == "u2" else code)


def named_array(pair: object) -> object:
    """Return the array of a (name, array): the name is one that only Paddle's graph knows."""
    if type(pair) is tuple and len(pair) == 2 and type(pair[1]) is Tensor:
        return pair[1]
    return pair


PADDLE_KNOWN = {
    **KNOWN,
    "numpy.dtype": dtype,
    "builtins.tuple": named_array,
    "__builtin__.tuple": named_array,
}


def recognises(content: memoryview) -> bool:
    return content[:2] in (b"\x80\2", b"\x80\3", b"\x80\4")


def load(content: memoryview, budget: Budget) -> object:
    """Return what a file of Paddle holds."""
    outermost, _ = unpickling.load(content, 0, budget, PADDLE_KNOWN)
    pairs = texted(outermost, budget)
    plans = [plan for name, plan in pairs if name == PIECES]
    if not plans:
        return outermost
    found = dict(pairs)
    whole = [(name, _joined(plan, found, budget)) for name, plan in texted(plans[0], budget)]
    return Dictionary([(name, value) for name, value in found.items() if "@@." not in name] + whole)


def _joined(plan: object, found: dict[str, object], budget: Budget) -> Tensor:
    """Describe an array that was cut to pieces."""
    told = dict(texted(plan, budget))
    names = told.get("slices")
    names = names if type(names) is list and all(type(name) is str for name in names) else []
    pieces = [piece for name in names if isinstance(piece := found.get(name), Tensor)]
    if not pieces or len(pieces) < len(names):
        raise Refusal("is damaged: pieces of an array in it are missing.")

    def storage() -> bytes:
        storages = [piece.storage() for piece in pieces]
        budget.claim(sum(map(len, storages)), "the pieces of an array")
        return b"".join(storages)

    return Tensor(storage, pieces[0].dtype, told.get("OriginShape"))
