"""What frameworks wrote, read without them."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("jax")

from alphamat_deep import checkpoints
from tests.alphamat_deep.checkpoints.writing import (
    TENSOR,
    Call,
    Global,
    counted,
    npz,
    numpy_array,
    paddle,
    pickled,
    torch_old,
    torch_tensor,
    torch_zip,
    zipped,
)

FILES = Path(__file__).parent / "files"
FLOATS = ["float64", "float32", "float16", "bfloat16"]
DTYPES = [*FLOATS, "int8", "int16", "int32", "int64", "uint8", "bool"]
CONV = {"weight": (3, 2, 3, 3), "bias": (3,)}


def written(folder, content, name="file"):
    path = folder / name
    path.write_bytes(content)
    return path


def same(found, expected):
    assert list(found) == list(expected)
    for name, array in found.items():
        assert array.dtype == expected[name].dtype, name
        np.testing.assert_array_equal(array, expected[name])
        assert array.flags.c_contiguous
        assert array.flags.owndata
        assert array.flags.writeable
        assert array.dtype.isnative
    return True


@pytest.mark.parametrize("file", ["dtypes.pth", "dtypes_before_1.6.pth"])
def test_reads_every_dtype_and_view_of_pytorch(file):
    base = counted(4, 5)
    views = {
        "scalar": np.array(7),
        "empty": np.zeros((0, 3), "float32"),
        "base": base,
        "transposed": base.T,
        "corner": base[1:3, 2:],
        "expanded": np.repeat(counted(3)[:, None], 2, axis=1),
        "channels_last": counted(2, 3, 2, 2),
        "parameter": counted(3),
    }
    dtypes = {name: counted(2, 3, dtype=name) for name in DTYPES}
    assert same(checkpoints.read(FILES / file), dtypes | views)


def test_reads_every_dtype_of_paddle():
    expected = {name: counted(2, 3, dtype=name) for name in DTYPES}
    assert same(checkpoints.read(FILES / "dtypes.pdparams"), expected)


@pytest.mark.parametrize("file", ["layer.pdparams", "layer_protocol_2.pdparams", "nested.pdparams"])
def test_reads_layers_of_paddle_by_their_structured_names(file):
    shapes = {f"0.{name}": shape for name, shape in CONV.items()}
    shapes |= {f"1.{name}": (3,) for name in ("weight", "bias", "_mean", "_variance")}
    expected = {name: counted(*shape) for name, shape in shapes.items()}
    assert same(checkpoints.read(FILES / file), expected)


def test_finds_the_network_in_what_a_training_program_saved():
    shapes = {f"conv.{name}": shape for name, shape in CONV.items()}
    shapes |= {f"norm.{n}": (3,) for n in ("weight", "bias", "running_mean", "running_var")}
    expected = {f"module.{name}": counted(*shape) for name, shape in shapes.items()}
    expected["module.norm.num_batches_tracked"] = np.array(0)
    assert same(checkpoints.read(FILES / "training.tar"), expected)


@pytest.mark.parametrize("compressed", [False, True])
def test_reads_npz(tmp_path, compressed):
    expected = {
        "gray/a": counted(5),
        "b": counted(2, 3, 4, dtype="float16"),
        "fortran": np.asfortranarray(counted(3, 4)),
        "scalar": np.array(True),
    }
    path = written(tmp_path, npz(compressed, **expected, swapped=counted(3, dtype=">i4")))
    assert same(checkpoints.read(path), expected | {"swapped": counted(3, dtype="i4")})


def test_reads_what_it_writes(tmp_path):
    tensors = {name: counted(2, 3, dtype=name) for name in DTYPES[::-1]}
    tensors |= {"a/b": counted(3, 4).T, "scalar": np.array(7), "empty": np.zeros((0, 3), "f4")}
    path = tmp_path / "native.safetensors"
    checkpoints.write_native(path, tensors, {"licence": "none", "ß": '"\n'})
    assert same(checkpoints.read(path), tensors)
    assert checkpoints.metadata(path) == {"licence": "none", "ß": '"\n'}


def test_agrees_with_the_safetensors_package(tmp_path):
    package = pytest.importorskip("safetensors.numpy")
    tensors = {n: counted(2, 3, dtype=n) for n in reversed(DTYPES) if n != "bfloat16"}
    checkpoints.write_native(tmp_path / "ours.safetensors", tensors, {"by": "us"})
    theirs = package.load_file(tmp_path / "ours.safetensors")
    assert same({name: theirs[name].copy() for name in tensors}, tensors)
    package.save_file(tensors, tmp_path / "theirs", {"by": "them"})
    found = checkpoints.read(tmp_path / "theirs")
    assert same({name: found[name] for name in tensors}, tensors)
    assert checkpoints.metadata(tmp_path / "theirs") == {"by": "them"}


def test_aligns_what_it_writes(tmp_path):
    path = tmp_path / "a.safetensors"
    checkpoints.write_native(path, {"a": counted(3, dtype="int8"), "b": counted(2)}, {})
    assert path.read_bytes().endswith(counted(2).tobytes() + counted(3, dtype="int8").tobytes())
    assert (path.stat().st_size - 11) % 8 == 0


def test_writes_nothing_rather_than_half(tmp_path, monkeypatch):
    path = written(tmp_path, b"before", "a.safetensors")
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        checkpoints.write_native(path, {"a": counted(3)}, {})
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [b"before"]


@pytest.mark.parametrize(
    ("tensors", "metadata", "message"),
    [
        ({"a": counted(2, dtype="complex64")}, {}, "complex64 under the name 'a'"),
        ({"__metadata__": counted(2)}, {}, "__metadata__"),
        ({3: counted(2)}, {}, "under the name 3"),
        ({"a": counted(2)}, {"epoch": 3}, "`metadata` is not a dictionary of str to str"),
    ],
)
def test_refuses_to_write_what_the_format_does_not_hold(tmp_path, tensors, metadata, message):
    with pytest.raises(ValueError, match=message):
        checkpoints.write_native(tmp_path / "a.safetensors", tensors, metadata)
    assert not list(tmp_path.iterdir())


def test_refuses_to_write_by_another_name(tmp_path):
    with pytest.raises(ValueError, match=r"a\.pth cannot be written; expected .*\.safetensors"):
        checkpoints.write_native(tmp_path / "a.pth", {"a": counted(2)}, {})


SIX = counted(2, 3)


def ordered(items):
    return Call(Global("collections", "OrderedDict"), (items,))


@pytest.mark.parametrize(
    ("outermost", "entry", "expected"),
    [
        ({"w": TENSOR, "epoch": 3}, None, "w"),
        ({"state_dict": {"w": TENSOR}, "loss": TENSOR, "ema_of_loss": {}}, None, "w"),
        ({"model": {"state_dict": {"w": TENSOR}}, "optimizer": {"state": {0: {}}}}, None, "w"),
        ({"params": {"w": TENSOR}, "params_ema": {"v": TENSOR}}, "params_ema", "v"),
        ({"gan": {"g": {"w": TENSOR}, "d": {"v": TENSOR}}}, "gan/g", "w"),
        (ordered([["w", TENSOR]]), None, "w"),  # as Python 2 has it
    ],
)
def test_finds_the_dictionary_that_is_meant(tmp_path, outermost, entry, expected):
    path = written(tmp_path, torch_zip(outermost))
    assert same(checkpoints.read(path, entry=entry), {expected: SIX})


@pytest.mark.parametrize(
    ("outermost", "entry", "message"),
    [
        ({"params": {"w": TENSOR}, "params_ema": {"v": TENSOR}}, None, "'params', 'params_ema'"),
        ({"g": {"w": TENSOR}, "d": {"v": TENSOR}, "loss": TENSOR}, None, "'g', 'd'"),
        ({"x": {"g": {"w": TENSOR}, "d": {"v": TENSOR}}}, "x", "'x/g', 'x/d'"),
        ({"g": {"w": TENSOR}}, "h/i", "no entry 'h'; there is 'g'"),
        ({"w": 3}, None, "no tensors"),
        ([TENSOR], None, "no tensors"),
        (TENSOR, None, "no tensors"),
    ],
)
def test_asks_which_dictionary_is_meant(tmp_path, outermost, entry, message):
    path = written(tmp_path, torch_zip(outermost))
    with pytest.raises(ValueError, match=message) as refusal:
        checkpoints.read(path, entry=entry)
    assert str(path) in str(refusal.value)


def test_reads_older_forms_of_pickles(tmp_path):
    latin = Call(Global("_codecs", "encode"), (counted(6).tobytes().decode("latin-1"), "latin1"))
    array = numpy_array(raw=latin, fortran=True)
    path = written(tmp_path, paddle({"a": array, "b": numpy_array(order=">")}))
    found = checkpoints.read(path)
    expected = {"a": counted(3, 2).T, "b": counted(2, 3).byteswap()}
    assert same(found, expected)


def test_joins_the_pieces_of_great_arrays_of_paddle(tmp_path):
    pieces = {f"w@@.{i}": numpy_array((3,), raw=counted(6)[3 * i :][:3].tobytes()) for i in (0, 1)}
    plan = {"w": {"OriginShape": (2, 3), "slices": list(pieces)}}
    path = written(tmp_path, paddle(pieces | {"UnpackBigParamInfor@@": plan, "v": numpy_array()}))
    assert same(checkpoints.read(path), {"v": SIX, "w": SIX})
    path = written(tmp_path, paddle({"UnpackBigParamInfor@@": plan, "v": numpy_array()}))
    with pytest.raises(ValueError, match="pieces of an array in it are missing"):
        checkpoints.read(path)


def test_tensors_that_share_a_storage_become_apart(tmp_path):
    path = written(tmp_path, torch_old({"a": torch_tensor(old=True), "b": torch_tensor(old=True)}))
    found = checkpoints.read(path)
    found["a"] += 1
    np.testing.assert_array_equal(found["b"], SIX)


@pytest.mark.parametrize("name", ["checkpoint", "x.npz", "x.safetensors", "x.png"])
def test_knows_files_by_their_contents(tmp_path, name):
    assert same(checkpoints.read(written(tmp_path, torch_zip({"w": TENSOR}), name)), {"w": SIX})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"x", "begins with b'x'"),
        (b"\x89PNG\r\n\x1a\n", "begins with b.*; expected one of PyTorch, Paddle"),
        (b"\0" * 257 + b"ustar\0" + b"\0" * 300, "a tar archive, as only the first releases"),
        (zipped({"readme.txt": b"hello"}), "a zip archive, but neither"),
        (torch_zip({"w": TENSOR}, **{"code/x.py": b"", "constants.pkl": b""}), "TorchScript"),
        (torch_zip({"w": TENSOR}, byteorder=b"big"), "big-endian"),
        (torch_old({}, {}, little_endian=False), "big-endian"),
        (npz(a=np.array(["text"])), "values of type '<U4'"),
        (npz(a=np.array([{}], dtype=object)), "no plain numbers"),
        (npz(a=counted(3, dtype="complex64")), "values of type '<c8'"),
        (pickled(3), "no tensors"),
    ],
)
def test_says_what_a_file_is_that_is_not_read(tmp_path, content, message):
    path = written(tmp_path, content)
    with pytest.raises(ValueError, match=message) as refusal:
        checkpoints.read(path)
    assert str(refusal.value).startswith(str(path))


def test_refuses_real_programs_of_pytorch():
    with pytest.raises(ValueError, match=r"asks for '__main__\.Net'; expected a state dict"):
        checkpoints.read(FILES / "module.pth")
    with pytest.raises(ValueError, match=r"script\.pt is a TorchScript archive"):
        checkpoints.read(FILES / "script.pt")


def test_refuses_what_is_no_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="does not exist; expected a checkpoint file"):
        checkpoints.read(tmp_path / "absent.pth")
    with pytest.raises(IsADirectoryError, match="is a folder"):
        checkpoints.read(tmp_path)


def test_only_safetensors_have_metadata(tmp_path):
    with pytest.raises(ValueError, match="only these have metadata"):
        checkpoints.metadata(written(tmp_path, torch_zip({"w": TENSOR})))
    with pytest.raises(FileNotFoundError, match="does not exist"):
        checkpoints.metadata(tmp_path / "absent")
