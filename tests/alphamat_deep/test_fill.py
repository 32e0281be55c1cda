"""Filling is strict: all arrays once, all tensors used or ignored by name, all faults told."""

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from alphamat_deep import layers
from alphamat_deep.fill import FORMS, Names, fill, renamed_like, tensors_of


class Net(nnx.Module):
    def __init__(self, rngs):
        self.conv = layers.Conv(2, 3, 3, rngs=rngs)
        self.up = layers.ConvTranspose(3, 4, bias=False, rngs=rngs)
        self.spectral = layers.SpectralConv(4, 5, 3, rngs=rngs)
        self.wide = layers.SpectralConvTranspose(5, 6, rngs=rngs)
        by_picture = layers.instance_norm(6, affine=True, rngs=rngs)
        self.blocks = nnx.List([layers.batch_norm(6, rngs=rngs), by_picture])
        self.standard = layers.StandardisedConv(6, 32, 1, rngs=rngs)
        self.groups = layers.group_norm(32, rngs=rngs)
        self.norm = nnx.LayerNorm(6, rngs=rngs)
        self.place = layers.PositionEmbedding(6, 2)
        self.attention = layers.RelativeAttention(6, 2, 4, rngs=rngs)
        self.windows = layers.WindowAttention(6, 2, 3, rngs=rngs)


SHAPES = {
    "conv.weight": (3, 2, 3, 3),
    "conv.bias": (3,),
    "up.weight": (3, 4, 4, 4),
    "spectral.weight_bar": (5, 4, 3, 3),
    "spectral.weight_u": (5,),
    "spectral.weight_v": (36,),
    "wide.weight_bar": (5, 6, 4, 4),
    "wide.weight_u": (5,),
    "wide.weight_v": (96,),
    "blocks.0.weight": (6,),
    "blocks.0.bias": (6,),
    "blocks.0.running_mean": (6,),
    "blocks.0.running_var": (6,),
    "blocks.1.scale": (6,),
    "blocks.1.bias": (6,),
    "standard.weight": (32, 6, 1, 1),
    "standard.bias": (32,),
    "groups.weight": (32,),
    "groups.bias": (32,),
    "norm.weight": (6,),
    "norm.bias": (6,),
    "place.weight": (1, 5, 6),
    "attention.qkv.weight": (18, 6, 1, 1),
    "attention.qkv.bias": (18,),
    "attention.proj.weight": (6, 6, 1, 1),
    "attention.proj.bias": (6,),
    "attention.rel_pos_h": (7, 3),
    "attention.rel_pos_w": (7, 3),
    "windows.qkv.weight": (18, 6, 1, 1),
    "windows.qkv.bias": (18,),
    "windows.proj.weight": (6, 6, 1, 1),
    "windows.proj.bias": (6,),
    "windows.relative_position_bias_table": (25, 2),
}


def tensors(**changes):
    rng = np.random.default_rng(61)
    made = {name: rng.normal(size=shape).astype(np.float32) for name, shape in SHAPES.items()}
    return made | changes


def empty():
    return nnx.eval_shape(lambda: Net(nnx.Rngs(0)))


def filled(given, names=Names()):
    model = empty()
    fill(model, given, names)
    return model


def test_every_kind_of_layer_is_filled_in_our_layout():
    given, model = tensors(), filled(tensors())
    assert {type(layer) for _, layer in nnx.iter_modules(model)} >= set(FORMS) - {nnx.Linear}
    o, i, h, w = 2, 1, 0, 2
    assert model.conv.kernel[h, w, i, o] == given["conv.weight"][o, i, h, w]
    assert model.up.kernel[h, w, i, o] == given["up.weight"][i, o, 3 - h, 3 - w]
    assert model.spectral.v[h, w, i] == given["spectral.weight_v"].reshape(4, 3, 3)[i, h, w]
    turned = given["wide.weight_v"].reshape(6, 4, 4)[:, ::-1, ::-1]
    assert model.wide.v[h, w, o] == turned[o, h, w]
    assert np.array_equal(model.blocks[0].mean[...], given["blocks.0.running_mean"])
    assert np.array_equal(model.norm.scale[...], given["norm.weight"])
    assert np.array_equal(model.attention.rel_pos_w[...], given["attention.rel_pos_w"])


def test_a_matrix_fills_a_kernel_of_one_pixel_and_no_larger_one():
    matrix = np.random.default_rng(67).normal(size=(3, 2)).astype(np.float32)
    for size in (1, 3):
        layer = layers.Conv(2, 3, size, bias=False, rngs=nnx.Rngs(0))
        if size == 1:
            fill(layer, {"weight": matrix})
            assert np.array_equal(layer.kernel[0, 0], matrix.T)
        else:
            with pytest.raises(ValueError, match=r"shape \(3, 2\)"):
                fill(layer, {"weight": matrix})


def test_spectral_value_is_the_same_in_either_layout():
    given, model = tensors(), filled(tensors())
    model.eval()
    for name, axes in (("spectral", "hwio,o,hwi"), ("wide", "hwio,i,hwo")):
        bar, u, v = (given[f"{name}.weight_{part}"] for part in ("bar", "u", "v"))
        layer = getattr(model, name)
        ratio = layers.spectral_norm(layer, axes)
        np.testing.assert_allclose(ratio, u @ bar.reshape(len(bar), -1) @ v, rtol=1e-4)


def test_prefixes_counters_and_the_other_framework_are_understood():
    given = {f"module.{name}": tensor for name, tensor in tensors().items()}
    given["module.blocks.0.num_batches_tracked"] = np.array(3)
    given["module.blocks.0._mean"] = given.pop("module.blocks.0.running_mean")
    given["module.blocks.0._variance"] = given.pop("module.blocks.0.running_var")
    given["module.spectral.weight_orig"] = given.pop("module.spectral.weight_bar")
    model = filled(given)
    assert np.array_equal(model.conv.bias[...], tensors()["conv.bias"])


def test_names_of_a_model_are_replaced_and_ignored():
    given = {name.replace("conv.", "stem.0."): tensor for name, tensor in tensors().items()}
    given["teacher.weight"] = np.zeros(3)
    names = Names(rename=((r"^stem\.0\.", "conv."),), ignore=(r"^teacher\.",))
    assert np.array_equal(filled(given, names).conv.bias[...], given["stem.0.bias"])


def test_half_precision_is_widened():
    given = tensors(**{"conv.bias": np.array([1, 2, 3], jnp.bfloat16)})
    assert filled(given).conv.bias.dtype == np.float32


def test_all_faults_are_told_at_once():
    given = tensors(**{"conv.bias": np.zeros(4), "head.weight": np.zeros(2)})
    given["up.weight"][0] = np.nan
    given["wide.weight_u"] = np.zeros(5, np.int64)
    given["module.spectral.weight_u"] = given["spectral.weight_u"]
    del given["blocks.0.bias"]
    with pytest.raises(ValueError, match="6 faults") as error:
        filled(given)
    for fault in (
        "`conv.bias` has shape (4,), not (3,)",
        "`head.weight` has no place",
        "`up.weight` (float32) does not hold finite numbers",
        "`wide.weight_u` (int64) does not hold finite numbers",
        "`module.spectral.weight_u` and `spectral.weight_u` are for one place",
        "nothing for `blocks.0.bias`",
    ):
        assert fault in str(error.value)


def test_a_message_lists_ten_faults_and_counts_the_others():
    told = rf"\({len(SHAPES)} faults\).*; and {len(SHAPES) - 10} more\."
    with pytest.raises(ValueError, match=told) as error:
        filled({})
    assert str(error.value).count("there is nothing for") == 10


def test_what_was_filled_is_given_back_by_our_names_and_by_theirs():
    given = {name.replace("conv.", "stem.0."): tensor for name, tensor in tensors().items()}
    names = Names(rename=((r"^stem\.0\.", "conv."),), ignore=(r"^teacher\.",))
    ours = tensors_of(filled(given, names))
    assert set(ours) == set(SHAPES)
    again = tensors_of(filled(ours, names))
    like = given | {"teacher.weight": np.zeros(3), "stem.0.num_batches_tracked": np.zeros(())}
    theirs = renamed_like(ours, like, names)
    assert set(theirs) == set(given)
    for name, tensor in tensors().items():
        assert np.array_equal(ours[name], tensor)
        assert np.array_equal(again[name], tensor)
        assert np.array_equal(theirs[name.replace("conv.", "stem.0.")], tensor)
    del like["stem.0.bias"]
    with pytest.raises(ValueError, match=r"no names for 1 arrays .* such as `conv\.bias"):
        renamed_like(ours, like, names)


def test_a_linear_layer_is_given_back_as_a_matrix_where_theirs_is_one():
    matrix = np.random.default_rng(67).normal(size=(3, 2)).astype(np.float32)
    layer = layers.Conv(2, 3, 1, bias=False, rngs=nnx.Rngs(0))
    fill(layer, {"weight": matrix})
    assert np.array_equal(
        renamed_like(tensors_of(layer), {"weight": matrix}, Names())["weight"], matrix
    )
