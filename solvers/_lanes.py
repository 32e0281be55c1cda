"""What numba has to know of `solvers.lanes`: LLVM's vectors, their type and instructions."""

from __future__ import annotations

import operator

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.datamodel import models
from numba.core.errors import TypingError
from numba.core.typing.templates import ConcreteTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, register_model


class Lanes(types.Type):
    """So many numbers of one type, which instructions take at once."""

    def __init__(self, dtype, count):
        self.dtype, self.count = dtype, count
        super().__init__(f"Lanes({dtype}, {count})")


@register_model(Lanes)
class _Model(models.PrimitiveModel):
    def __init__(self, manager, lanes):
        entry = manager.lookup(lanes.dtype).get_value_type()
        super().__init__(manager, lanes, ir.VectorType(entry, lanes.count))


def _pointer(context, builder, lanes, array_type, array, at_type, at):
    if array_type.ndim != 1 or array_type.layout != "C":
        raise TypingError(f"{array_type} has no entries side by side")
    array = context.make_array(array_type)(context, builder, array)
    at = context.cast(builder, at, at_type, types.intp)
    if context.enable_boundscheck:
        length = builder.extract_value(array.shape, 0)
        last = builder.add(at, ir.Constant(at.type, lanes.count - 1))
        for index in (at, last):
            cgutils.do_boundscheck(context, builder, index, length)
    pointer = builder.gep(array.data, [at])
    return builder.bitcast(pointer, context.get_value_type(lanes).as_pointer())


@intrinsic
def load(_, array, at, like):
    lanes = Lanes(array.dtype, len(like))

    def generate(context, builder, signature, arguments):
        array_type, at_type, _ = signature.args
        pointer = _pointer(context, builder, lanes, array_type, arguments[0], at_type, arguments[1])
        return builder.load(pointer, align=array.dtype.bitwidth // 8)

    return lanes(array, at, like), generate


@intrinsic
def store(_, lanes, array, at):
    def generate(context, builder, signature, arguments):
        value, array_value, at_value = arguments
        pointer = _pointer(context, builder, lanes, array, array_value, at, at_value)
        builder.store(value, pointer, align=lanes.dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(lanes, array, at), generate


@intrinsic
def spread(_, value, like):
    lanes = Lanes(value, len(like))

    def generate(context, builder, signature, arguments):
        vector = context.get_value_type(lanes)
        place = ir.Constant(ir.IntType(32), 0)
        one = builder.insert_element(ir.Constant(vector, ir.Undefined), arguments[0], place)
        mask = ir.Constant(ir.VectorType(ir.IntType(32), lanes.count), [0] * lanes.count)
        return builder.shuffle_vector(one, ir.Constant(vector, ir.Undefined), mask)

    return lanes(value, like), generate


@intrinsic
def widen(_, lanes):
    wide = Lanes(types.float64, lanes.count)

    def generate(context, builder, signature, arguments):
        return builder.fpext(arguments[0], context.get_value_type(wide))

    return wide(lanes), generate


@intrinsic
def lane(_, lanes, at):
    def generate(context, builder, signature, arguments):
        return builder.extract_element(*arguments)

    return lanes.dtype(lanes, at), generate


@intrinsic
def total(_, lanes):
    def generate(context, builder, signature, arguments):
        entries = [
            builder.extract_element(arguments[0], ir.Constant(ir.IntType(32), k))
            for k in range(lanes.count)
        ]
        while len(entries) > 1:
            pairs = zip(entries[::2], entries[1::2], strict=False)
            odd = entries[-1:] if len(entries) % 2 else []
            entries = [builder.fadd(a, b) for a, b in pairs] + odd
        return entries[0]

    return lanes.dtype(lanes), generate


def _arithmetic(operation, instruction):
    @infer_global(operation)  # pyright: ignore[reportOptionalCall]
    class _(ConcreteTemplate):
        def apply(self, args, kws):
            if len(args) == 2 and args[0] == args[1] and isinstance(args[0], Lanes):
                return signature(args[0], *args)
            return None

    @lower_builtin(operation, Lanes, Lanes)
    def _(context, builder, signature, arguments):
        return getattr(builder, instruction)(*arguments)


_arithmetic(operator.add, "fadd")
_arithmetic(operator.sub, "fsub")
_arithmetic(operator.mul, "fmul")
