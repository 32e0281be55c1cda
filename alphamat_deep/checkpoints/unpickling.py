"""A reader of pickles that knows plain values, containers and arrays, and runs nothing.

It is a machine of our own, because a `pickle.Unpickler` that is restricted in `find_class` still
allocates whatever a length or a memo's index claims, hashes what it is given, and sets attributes
on our own functions where BUILD says so. Here each of some forty instructions takes constant time
and memory beside the bytes it copies, both are counted, and the only functions that can be called
are those of a literal table, which do no more than keep their arguments.
"""

from __future__ import annotations

import pickle  # for the names of its instructions
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from alphamat_deep.checkpoints.known import BUILDS
from alphamat_deep.checkpoints.tensors import Budget, Dictionary, Refusal

# Bytes counted for an instruction: more than it leaves behind beside what it copies, so that the
# limit bounds the time as well.
STEP = 1024
STOP = pickle.STOP[0]


class Known(NamedTuple):
    """Something global that a pickle may name, and what we make when it is called."""

    name: str
    make: Callable


def load(
    content: memoryview,
    at: int,
    budget: Budget,
    known: Mapping[str, Callable],
    persistent: Callable[[object], object] | None = None,
) -> tuple[object, int]:
    """Read the pickle that begins at a byte; return what it holds, and where it ends."""
    machine = Machine(content, at, budget, known, persistent)
    try:
        while (opcode := machine.number(1)) != STOP:
            budget.claim(STEP, "what its pickle nests")
            step = STEPS.get(opcode)
            if step is None:
                raise Refusal(
                    "is damaged, or holds what no checkpoint needs: its pickle has an instruction "
                    f"{bytes([opcode])!r} at byte {machine.at - 1:,}."
                )
            step(machine)
        return machine.pop(), machine.at
    except Refusal:
        raise
    # Fed with garbage, a machine pops from empty stacks and appends to what is no list.
    except (IndexError, KeyError, TypeError, ValueError) as error:
        raise Refusal(
            f"is damaged: its pickle makes no sense before byte {machine.at:,}."
        ) from error


@dataclass
class Machine:
    content: memoryview
    at: int
    budget: Budget
    known: Mapping[str, Callable]
    persistent: Callable[[object], object] | None
    stack: list = field(default_factory=list)
    marked: list[list] = field(default_factory=list)  # stacks below the marks
    memo: dict[int, object] = field(default_factory=dict)

    def take(self, size: int) -> memoryview:
        taken = self.content[self.at : self.at + size]
        if len(taken) < size:
            raise Refusal(
                f"is cut short or damaged: its pickle wants {size:,} bytes after byte "
                f"{self.at:,}, and there are {len(taken):,}."
            )
        self.at += size
        return taken

    def number(self, size: int, *, signed: bool = False) -> int:
        return int.from_bytes(self.take(size), "little", signed=signed)

    def text(self, size: int) -> str:
        encoded = self.take(size)
        self.budget.claim(4 * size, "the texts of its pickle")
        return str(encoded, "utf-8")

    def line(self) -> str:
        end = bytes(self.content[self.at : self.at + 256]).index(b"\n")
        return str(self.take(end + 1)[:-1], "utf-8")

    def push(self, value: object) -> None:
        self.stack.append(value)

    def pop(self) -> object:
        return self.stack.pop()

    def pop_marked(self) -> list:
        items, self.stack = self.stack, self.marked.pop()
        return items


def _mark(machine: Machine) -> None:
    machine.marked.append(machine.stack)
    machine.stack = []


def _tuple(size: int) -> Callable[[Machine], None]:
    def step(machine: Machine) -> None:
        machine.push(tuple(reversed([machine.pop() for _ in range(size)])))

    return step


def _append(machine: Machine, items: list) -> None:
    if type(machine.stack[-1]) is not list:
        raise TypeError
    machine.stack[-1].extend(items)


def _set_items(machine: Machine, items: list) -> None:
    if type(machine.stack[-1]) is not Dictionary:
        raise TypeError
    machine.stack[-1].pairs.extend(zip(items[::2], items[1::2], strict=True))


def _remember(machine: Machine, index: int) -> None:
    machine.memo[index] = machine.stack[-1]


def _global(machine: Machine, module: object, name: object) -> None:
    if type(module) is not str or type(name) is not str:
        raise TypeError
    called = f"{module}.{name}"
    if called not in machine.known:
        raise Refusal(
            f"asks for {called[:100]!r}; expected a state dict, of tensors and containers alone. "
            "Nothing in it was run. If you trust it, load it where it was made, and save only its "
            "state dict."
        )
    machine.push(Known(called, machine.known[called]))


def _named_on_stack(machine: Machine) -> None:
    name, module = machine.pop(), machine.pop()
    _global(machine, module, name)


def _call(machine: Machine) -> None:
    arguments, callee = machine.pop(), machine.pop()
    if type(callee) is not Known or type(arguments) is not tuple:
        raise TypeError
    machine.push(callee.make(*arguments))


def _build(machine: Machine) -> None:
    state = machine.pop()
    BUILDS[type(machine.stack[-1])](machine.stack[-1], state)


def _persistent(machine: Machine) -> None:
    if machine.persistent is None:
        raise TypeError
    machine.push(machine.persistent(machine.pop()))


STEPS: dict[int, Callable[[Machine], object]] = {
    pickle.PROTO[0]: lambda m: m.take(1),
    pickle.FRAME[0]: lambda m: m.take(8),
    # plain values
    pickle.NONE[0]: lambda m: m.push(None),
    pickle.NEWTRUE[0]: lambda m: m.push(True),
    pickle.NEWFALSE[0]: lambda m: m.push(False),
    pickle.BININT[0]: lambda m: m.push(m.number(4, signed=True)),
    pickle.BININT1[0]: lambda m: m.push(m.number(1)),
    pickle.BININT2[0]: lambda m: m.push(m.number(2)),
    pickle.LONG1[0]: lambda m: m.push(m.number(m.number(1), signed=True)),
    pickle.BINFLOAT[0]: lambda m: m.push(struct.unpack(">d", m.take(8))[0]),
    pickle.SHORT_BINUNICODE[0]: lambda m: m.push(m.text(m.number(1))),
    pickle.BINUNICODE[0]: lambda m: m.push(m.text(m.number(4))),
    pickle.BINUNICODE8[0]: lambda m: m.push(m.text(m.number(8))),
    pickle.SHORT_BINSTRING[0]: lambda m: m.push(m.text(m.number(1))),
    pickle.BINSTRING[0]: lambda m: m.push(m.text(m.number(4))),
    pickle.SHORT_BINBYTES[0]: lambda m: m.push(m.take(m.number(1))),
    pickle.BINBYTES[0]: lambda m: m.push(m.take(m.number(4))),
    pickle.BINBYTES8[0]: lambda m: m.push(m.take(m.number(8))),
    # containers
    pickle.MARK[0]: _mark,
    pickle.EMPTY_TUPLE[0]: lambda m: m.push(()),
    pickle.TUPLE1[0]: _tuple(1),
    pickle.TUPLE2[0]: _tuple(2),
    pickle.TUPLE3[0]: _tuple(3),
    pickle.TUPLE[0]: lambda m: m.push(tuple(m.pop_marked())),
    pickle.EMPTY_LIST[0]: lambda m: m.push([]),
    pickle.APPEND[0]: lambda m: _append(m, [m.pop()]),
    pickle.APPENDS[0]: lambda m: _append(m, m.pop_marked()),
    pickle.EMPTY_DICT[0]: lambda m: m.push(Dictionary()),
    pickle.SETITEM[0]: lambda m: _set_items(m, [m.pop(), m.pop()][::-1]),
    pickle.SETITEMS[0]: lambda m: _set_items(m, m.pop_marked()),
    # the memo
    pickle.BINPUT[0]: lambda m: _remember(m, m.number(1)),
    pickle.LONG_BINPUT[0]: lambda m: _remember(m, m.number(4)),
    pickle.MEMOIZE[0]: lambda m: _remember(m, len(m.memo)),
    pickle.BINGET[0]: lambda m: m.push(m.memo[m.number(1)]),
    pickle.LONG_BINGET[0]: lambda m: m.push(m.memo[m.number(4)]),
    # all else
    pickle.GLOBAL[0]: lambda m: _global(m, m.line(), m.line()),
    pickle.STACK_GLOBAL[0]: _named_on_stack,
    pickle.REDUCE[0]: _call,
    pickle.NEWOBJ[0]: _call,
    pickle.BUILD[0]: _build,
    pickle.BINPERSID[0]: _persistent,
}
