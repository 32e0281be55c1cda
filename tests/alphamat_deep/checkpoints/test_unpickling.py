"""Pickles made to run something, to fill the memory, or to take for ever."""

import random
import struct

import pytest

pytest.importorskip("jax")

from alphamat_deep import checkpoints
from tests.alphamat_deep.checkpoints.writing import (
    MIB,
    TENSOR,
    Call,
    Global,
    Persistent,
    Raw,
    numpy_array,
    outcome,
    paddle,
    pickled,
    refused,
    torch_old,
    torch_tensor,
    torch_zip,
)

KINDS = ["zip", "old", "paddle"]


def containers(value):
    """Return one file of each kind that holds a pickle."""
    return [torch_zip({"w": value}, {}), torch_old({"w": value}, {}), paddle({"w": value})]


SHELL = ("touch {}",)
STACK_GLOBAL = Raw(b"\x8c\x05posix\x8c\x06system\x93\x8c\x02id\x85R")
NEW_OBJECT = Raw(b"csubprocess\nPopen\n\x8c\x02id\x85\x81")


@pytest.mark.parametrize("kind", range(3), ids=KINDS)
@pytest.mark.parametrize(
    ("value", "named"),
    [
        (Call(Global("os", "system"), SHELL), "os.system"),
        (Call(Global("builtins", "eval"), SHELL), "builtins.eval"),
        (Call(Global("builtins", "getattr"), (1, "real")), "builtins.getattr"),
        (Call(Global("torch._utils", "sys.modules"), ()), "torch._utils.sys.modules"),
        (Call(Global("numpy", "load"), SHELL), "numpy.load"),
        (Call(Global("models.net", "Net"), (), {"w": TENSOR}), "models.net.Net"),
        (Global("nt", "system"), "nt.system"),
        (STACK_GLOBAL, "posix.system"),
        (NEW_OBJECT, "subprocess.Popen"),
    ],
)
def test_runs_nothing(tmp_path, monkeypatch, kind, value, named):
    for module, name in [("os", "system"), ("builtins", "eval"), ("subprocess", "Popen")]:
        monkeypatch.setattr(f"{module}.{name}", lambda *_: pytest.fail("something was run"))
    refused(tmp_path, containers(value)[kind], rf"asks for '{named}'; expected a state dict")


def test_runs_nothing_of_the_oldest_protocol(tmp_path):
    refused(tmp_path, b"cos\nsystem\n(S'id'\ntR.", "begins with")


def test_gives_no_attributes_to_our_own_functions(tmp_path):
    state = Raw(b"N}\x8c\x0c__defaults__)s\x86b")
    for known in [Global("collections", "OrderedDict"), Global("_codecs", "encode")]:
        value = Raw(pickled(known)[2:-1] + state.opcodes)
        refused(tmp_path, paddle({"w": value}), "makes no sense before byte")


@pytest.mark.parametrize("kind", range(3), ids=KINDS)
@pytest.mark.parametrize(
    ("opcodes", "message"),
    [
        (b"\x8e" + struct.pack("<Q", 2**40), "cut short or damaged: its pickle wants 1,0"),
        (b"B" + struct.pack("<I", 2**32 - 1), "cut short or damaged"),
        (b"\x8d" + struct.pack("<Q", 2**63), "cut short or damaged"),
        (b"Nr" + b"\xff" * 4 + b"j\xff\xff\xff\xfe", "makes no sense"),
        (b"h\x05", "makes no sense"),
        (b"t", "makes no sense"),
        (b"(R", "makes no sense"),
        (b"NNR", "makes no sense"),
        (b"Na", "makes no sense"),
        (b"N(K\x01e", "makes no sense"),
        (b"](N}s", "makes no sense"),
        (b"}(Nu", "makes no sense"),
        (b"NNb", "makes no sense"),
        (b"X\x01\x00\x00\x00\xff", "makes no sense"),
        (b"c" + b"x" * 1000, "makes no sense"),
        (b"I1\n", r"instruction b'I' at byte"),
        (b"\xff", "instruction"),
        (b"\x82\x01", "instruction"),  # a registered extension
        (b"\x97", "instruction"),  # a buffer from outside
    ],
)
def test_refuses_pickles_that_make_no_sense(tmp_path, kind, opcodes, message):
    refused(tmp_path, containers(Raw(opcodes))[kind], message)


def test_a_great_frame_allocates_nothing(tmp_path):
    path = tmp_path / "file"
    frame = b"\x95" + b"\xff" * 8
    path.write_bytes(paddle({"w": Raw(frame + pickled(numpy_array())[2:-1])}))
    assert list(checkpoints.read(path)) == ["w"]


HONEST = pickled({"w": TENSOR, "v": numpy_array()})[2:-1]
LAUGHS = b")" + b"".join(b"q%ch%ch%c\x86" % (i, i, i) for i in range(200))


@pytest.mark.parametrize(
    "value",
    [
        Raw(LAUGHS),
        torch_tensor(shape=Raw(LAUGHS)),
        torch_tensor(strides=Raw(LAUGHS)),
        torch_tensor(offset=Raw(LAUGHS)),
        numpy_array(shape=Raw(LAUGHS)),
        numpy_array(raw=Raw(LAUGHS)),
        numpy_array(code=Raw(LAUGHS)),
        Persistent(Raw(LAUGHS)),
        Raw(b"}" + LAUGHS + b"Ns"),
        Raw(LAUGHS + b"N\x86"),
        Raw(b"(" * 3000),
        Raw(b"]" + b"]" * 3000 + b"a" * 3000),
        Raw(b")" + b"\x85" * 20_000),
        Raw(b"}q\x00X\x0a\x00\x00\x00state_dicth\x00s"),
    ],
)
def test_is_not_exhausted_by_what_it_would_take_long_to_look_at(tmp_path, value):
    for content in [*containers(value), torch_zip({"state_dict": value})]:
        refused(tmp_path, content, "damaged|no tensors|asks for", memory=64 * MIB)


def test_refuses_pickles_that_nest_beyond_the_limit(tmp_path):
    content = paddle({"w": Raw(b"]" * 100_000)})
    refused(tmp_path, content, "claims .* pass a greater `limit`", limit=2**20, memory=2 * MIB)


def test_is_not_delayed_by_a_dictionary_named_again_and_again(tmp_path):
    value = Raw(b"}q\x00(" + b"\x8c\1kN" * 2000 + b"u")
    again = Raw(b"}(" + b"\x8c\1kh\x00" * 2000 + b"u")
    content = paddle({"x": value, "y": again})
    refused(tmp_path, content, "claims", entry="y", limit=128 * MIB, memory=16 * MIB)


@pytest.mark.parametrize("kind", range(3), ids=KINDS)
def test_garbage_is_refused_or_harmless(tmp_path, kind):
    rng = random.Random(43)
    for _ in range(100):
        opcodes = bytearray(rng.choice([HONEST, LAUGHS]))
        for _ in range(rng.randrange(1, 20)):
            at = rng.randrange(len(opcodes))
            opcodes[at : at + rng.randrange(3)] = rng.choices(b"}]()(.tusaebRQqhKN\x85\x86\x87\x81")
        outcome(tmp_path / "file", containers(Raw(bytes(opcodes)))[kind])
