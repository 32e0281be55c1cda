import asyncio

from alphamat.serve.faults import Fault
from alphamat.serve.pool import Pool


def test_the_process_for_strokes_is_warmed_until_it_is_there(monkeypatch):
    called = []

    def call(function, *rest, limit):
        called.append(function)
        raise Fault(500, "It died.")

    async def warm_twice(pool):
        pool.warm()
        monkeypatch.setattr(type(pool.live), "pid", 7)
        pool.warm()
        await pool.close()

    pool = Pool("tests.alphamat.serve.stand_in")
    monkeypatch.setattr(pool.live, "call", call)
    asyncio.run(warm_twice(pool))
    assert called == ["warm"]
