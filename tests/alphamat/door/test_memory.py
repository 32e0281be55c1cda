import os

import pytest

from alphamat.door import memory


def test_memory_is_known_here_or_unlimited(monkeypatch):
    assert memory.physical() > 2**20
    monkeypatch.delattr(os, "sysconf", raising=False)
    assert memory.physical() == float("inf")


def test_refuses_only_what_exceeds_it(monkeypatch):
    monkeypatch.setattr(memory, "physical", lambda: 2.0**30)
    memory.refuse_beyond(2.0**30, "It", "Nothing to do.")
    with pytest.raises(MemoryError, match=r"It needs about 2\.0 GiB, .* 1\.0 GiB of memory\. Rest"):
        memory.refuse_beyond(2.0**31, "It", "Rest.")
