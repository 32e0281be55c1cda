import math
import os
import sys

import numpy as np
import pytest

from alphamat import memory


def test_memory_is_known_here_or_unlimited(monkeypatch):
    assert memory.physical() > 2**20
    monkeypatch.delattr(os, "sysconf", raising=False)
    assert memory.physical() == float("inf")


def test_refuses_only_what_exceeds_it(monkeypatch):
    monkeypatch.setattr(memory, "physical", lambda: 2.0**30)
    memory.refuse_beyond(2.0**30, "It", "Nothing to do.")
    with pytest.raises(MemoryError, match=r"It needs about 2\.0 GiB, .* 1\.0 GiB of memory\. Rest"):
        memory.refuse_beyond(2.0**31, "It", "Rest.")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
def test_the_peak_is_of_what_was_held_since_it_was_forgotten():
    early = np.ones(5 * 10**6)
    del early
    held = memory.forget_peak()
    kept = np.ones(10**6)
    assert np.ones(2 * 10**6).sum() == 2 * kept.sum()
    assert 2.3e7 < memory.peak() - held < 3e7


def test_a_peak_that_nobody_tells_is_nan(monkeypatch):
    def nothing(*_):
        raise FileNotFoundError

    monkeypatch.setattr("builtins.open", nothing)
    assert math.isnan(memory.forget_peak())
    assert math.isnan(memory.peak())
