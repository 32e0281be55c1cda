"""Tensors whose description lies."""

import numpy as np
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
    counted,
    numpy_array,
    outcome,
    paddle,
    pickled,
    refused,
    torch_old,
    torch_tensor,
    torch_zip,
)


@pytest.mark.parametrize(
    ("tensor", "message"),
    [
        (torch_tensor(shape=(3, 3)), "reaches beyond its storage of 24 bytes"),
        (torch_tensor(offset=1), "reaches beyond"),
        (torch_tensor(offset=2**70), "reaches beyond"),
        (torch_tensor(strides=(4, 1)), "reaches beyond"),
        (torch_tensor(strides=(2**62, 2**62)), "reaches beyond"),
        (torch_tensor(kind="DoubleStorage"), "reaches beyond"),
        (torch_tensor(offset=-1), "strides or an offset"),
        (torch_tensor(strides=(-3, 1)), "strides or an offset"),
        (torch_tensor(strides=(1,)), "strides or an offset"),
        (torch_tensor(strides=None, shape=(7,)), "reaches beyond"),
        (torch_tensor(strides="12"), "strides or an offset"),
        (torch_tensor(shape=(-2, -3)), "a shape that no tensor has"),
        (torch_tensor(shape=(2, "3")), "a shape that no tensor has"),
        (torch_tensor(shape=[2, 3]), "a shape that no tensor has"),
        (torch_tensor(shape=(1,) * 40, strides=(1,) * 40), "a shape that no tensor has"),
        (torch_tensor(shape=(2**62, 2**62), strides=(0, 0)), "a shape that no tensor has"),
        (torch_tensor(shape=(0, 2**62), strides=(0, 0)), "a shape that no tensor has"),
        (torch_tensor(shape=(2**1000,), strides=(0,)), "a shape that no tensor has"),
        (torch_tensor(shape=(2**40,), strides=(0,)), r"claims 4,398.* of shape \(1099511627776,\)"),
        (torch_tensor(key="1"), "no entry 'a/data/1'"),
        (torch_tensor(key=3), "no storage of PyTorch"),
        (torch_tensor(kind="Float8Storage"), r"asks for 'torch\.Float8Storage'"),
        (Persistent(("module", Global("collections", "OrderedDict"), "", "")), "no storage"),
        (Persistent(3), "no storage"),
    ],
)
def test_refuses_tensors_whose_description_lies(tmp_path, tensor, message):
    refused(tmp_path, torch_zip({"w": tensor}), message)


def test_a_side_of_one_may_have_any_stride(tmp_path):
    value = torch_tensor(shape=(1, 2, 3), strides=(2**80, 3, 1))
    found = outcome(tmp_path / "file", torch_zip({"w": value}))
    np.testing.assert_array_equal(found["w"], counted(1, 2, 3))


def test_every_boolean_is_0_or_1(tmp_path):
    value = torch_tensor(kind="BoolStorage", shape=(3,), strides=(1,))
    found = outcome(tmp_path / "file", torch_zip({"w": value}, {"0": b"\0\1\2"}))
    np.testing.assert_array_equal(found["w"].view("uint8"), [0, 1, 1])


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (numpy_array(shape=(7,)), "reaches beyond"),
        (numpy_array(shape=(2**30, 2**10)), "claims 4,398"),
        (numpy_array(raw=[1, 2]), "no bytes"),
        (numpy_array(raw=3), "no bytes"),
        (numpy_array(raw=Call(Global("_codecs", "encode"), ("\u20ac", "latin1"))), "no bytes"),
        (numpy_array(code="O8", order="|"), "values of type '|O8'"),
        (numpy_array(code=3), "makes no sense"),
        (numpy_array(order=None), "makes no sense"),
        (Call(numpy_array().callee, ()), "values of type ''"),
    ],
)
def test_refuses_arrays_of_numpy_whose_description_lies(tmp_path, array, message):
    refused(tmp_path, paddle({"w": array}), message)


def test_refuses_two_tensors_of_one_name(tmp_path):
    twice = Raw(pickled({"w": TENSOR})[2:-2] + pickled({"w": TENSOR})[4:-1])
    refused(tmp_path, torch_zip(twice), "two tensors called 'w'")


def test_counts_tensors_that_share_a_storage_each(tmp_path):
    content = torch_zip({str(i): TENSOR for i in range(30)}, {"0": counted(6).tobytes()})
    tensors = {str(i): torch_tensor(shape=(10_000, 3), strides=(0, 1)) for i in range(30)}
    refused(tmp_path, torch_zip(tensors), "claims", limit=MIB, memory=2 * MIB)
    (tmp_path / "file").write_bytes(content)
    assert len(checkpoints.read(tmp_path / "file", limit=MIB)) == 30


@pytest.mark.parametrize(
    ("storages", "message"),
    [
        ({"0": (6, b"")}, "cut short: its storages need 24 bytes more"),
        ({"0": (2**62, counted(6).tobytes())}, "cut short"),
        ({"0": (-1, counted(6).tobytes())}, "cut short"),
        ({"0": (3, counted(3).tobytes())}, "reaches beyond"),
        ({"1": (6, counted(6).tobytes())}, "not those that its tensors lie in"),
        ({}, "not those that its tensors lie in"),
        ({0: (6, counted(6).tobytes())}, "have no names"),
    ],
)
def test_refuses_old_files_whose_storages_lie(tmp_path, storages, message):
    refused(tmp_path, torch_old({"w": torch_tensor(old=True)}, storages), message)


def test_refuses_views_of_storages(tmp_path):
    identity = ("storage", Global("torch", "FloatStorage"), "0", "cpu", 6, ("1", 0, 3))
    value = Call(TENSOR.callee, (Persistent(identity), 0, (3,), (1,), False, None))
    refused(tmp_path, torch_old({"w": value}), "views of storages")


def test_refuses_negated_tensors(tmp_path):
    value = Call(TENSOR.callee, (*TENSOR.arguments, {"neg": True}))
    refused(tmp_path, torch_zip({"w": value}), "negated or conjugated")
