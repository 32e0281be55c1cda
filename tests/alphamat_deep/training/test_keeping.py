"""Checkpoints come back bit for bit, or not at all."""

import warnings
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from alphamat_deep.training.keeping import Checkpoints, Notes, arrays_of, faults_of, state_of


class Pair(NamedTuple):
    first: jax.Array
    second: None


def state():
    """Return a tree of all kinds of arrays that a state has."""
    rng = np.random.default_rng(53)
    return {
        "step": jnp.int32(7),
        "pair": Pair(jnp.asarray(rng.normal(size=(3, 5)), jnp.float32), None),
        "half": jnp.asarray(rng.normal(size=4), jnp.bfloat16),
        "flag": jnp.asarray(True),
        "bits": jnp.asarray([2**32 - 1, 3], jnp.uint32),
        "key": jax.random.key(11),
    }


def nothing():
    pass


@pytest.fixture
def kept(tmp_path):
    checkpoints = Checkpoints(tmp_path / "checkpoints", keep=2)
    yield checkpoints
    checkpoints.close()


def save(kept, *steps):
    for step in steps:
        arrays = arrays_of(state() | {"step": jnp.int32(step)})
        kept.save(arrays, Notes(step, best=1, score=0.25), nothing)
    kept.wait()


def newest(kept):
    return kept.newest(arrays_of(state()))


def test_a_state_comes_back_with_its_notes(kept):
    save(kept, 7)
    arrays, notes = newest(kept)
    assert notes == Notes(7, 1, 0.25)
    back, whole = state_of(arrays, state()), state()
    assert jax.tree.structure(back) == jax.tree.structure(whole)
    assert jax.random.bits(back.pop("key")) == jax.random.bits(whole.pop("key"))
    for ours, theirs in zip(*map(jax.tree.leaves, (back, whole)), strict=True):
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)


def test_a_step_may_overwrite_what_was_copied():
    start = jnp.arange(1e5)
    arrays = arrays_of({"x": start})
    jax.block_until_ready(jax.jit(lambda x: -x, donate_argnums=0)(start))
    np.testing.assert_array_equal(arrays["['x']"], np.arange(1e5))


def test_no_checkpoint_is_no_state(kept):
    assert newest(kept) is None


def test_the_last_ones_and_the_best_are_kept(kept):
    save(kept, 1, 2, 3, 4)
    assert kept.steps() == [1, 3, 4]


@pytest.mark.parametrize("share", [0, 0.1, 0.5, 0.9, 0.999])
def test_one_that_was_cut_off_is_named_and_the_one_before_it_used(kept, share):
    save(kept, 1, 2)
    path = kept.path(2)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.warns(UserWarning, match=r"000002\.safetensors .* It is now .*000002\.damaged"):
        arrays, notes = newest(kept)
    assert (notes.step, arrays["['step']"]) == (1, 1)
    assert path.with_suffix(".damaged").exists()


def test_no_changed_byte_changes_what_is_read(kept):
    save(kept, 1)
    content, (whole, notes) = kept.path(1).read_bytes(), newest(kept)
    for at in np.random.default_rng(59).integers(0, len(content), 60):
        changed = bytearray(content)
        changed[at] ^= 4
        kept.path(1).write_bytes(changed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            try:
                found = newest(kept)
            except ValueError:  # none is whole, or it has other arrays
                continue
        assert found[1] == notes
        assert all(np.array_equal(found[0][name], whole[name]) for name in whole)


def test_nothing_whole_is_one_error(kept):
    save(kept, 1, 2)
    for step in (1, 2):
        kept.path(step).write_bytes(b"half")
    with (
        pytest.warns(UserWarning, match="damaged"),
        pytest.raises(ValueError, match="checkpoints has no checkpoint that is whole"),
    ):
        newest(kept)


def test_one_of_another_network_is_refused(kept):
    save(kept, 1)
    other = arrays_of(state() | {"pair": Pair(jnp.zeros((3, 6)), None)})
    with pytest.raises(ValueError, match=r"not of this recipe: .*first.*\(3, 5\).*\(3, 6\)"):
        kept.newest(other)


def test_what_goes_wrong_while_writing_is_raised_by_the_next_save(kept):
    kept.save(arrays_of(state()), Notes(1), lambda: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        kept.save(arrays_of(state()), Notes(2), nothing)


def test_halves_of_a_killed_process_are_removed(tmp_path, kept):
    half = kept.folder / ".0123456789abcdef.part"
    half.write_bytes(b"half")
    Checkpoints(kept.folder, keep=2).close()
    assert not half.exists()


def test_arrays_that_are_not_finite_are_named():
    broken = arrays_of({"a": jnp.ones(2), "b": jnp.asarray([1, jnp.nan], jnp.bfloat16)})
    assert faults_of(broken) == ["['b']"]
