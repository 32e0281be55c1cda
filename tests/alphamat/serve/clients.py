"""Clients of the service, without a server between them, and pictures to send."""

import asyncio
import zlib
from io import BytesIO

import httpx
import numpy as np
from PIL import Image

from alphamat.serve import Settings
from alphamat.serve.api import application

STAND_IN = "tests.alphamat.serve.stand_in"
API = "/api/v1"
BASE = "http://127.0.0.1:8000"


def png(shape=(11, 14, 3), level=0):
    file = BytesIO()
    Image.fromarray(np.full(shape, level, np.uint8)).save(file, "png")
    return file.getvalue()


def mask(what):
    """Return a mask that tells the stand-in what to do."""
    return png((11, 14), what)


def bomb(side):
    """Return a short PNG that claims side × side pixels."""
    small = bytearray(png())
    small[16:24] = side.to_bytes(4, "big") * 2
    small[29:33] = zlib.crc32(small[12:29]).to_bytes(4, "big")
    return bytes(small)


class Served:
    """A service of stand-ins, in a folder; calling it with a coroutine runs a test against it."""

    def __init__(self, folder, **settings):
        self.folder, self.runner = folder, asyncio.Runner()
        chosen = Settings(**{"most_pixels": 1000, "most_bytes": 100_000, **settings})
        app = application(chosen, folder, STAND_IN)
        self.service, self.life = app.state.service, app.router.lifespan_context(app)
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE)

    def __enter__(self):
        self.runner.run(self.life.__aenter__())
        return self

    def __exit__(self, *_):
        self.runner.run(self.life.__aexit__(None, None, None))
        self.runner.close()

    def __call__(self, test):
        """Run `test(client, service)`, and forget its jobs."""
        try:
            self.runner.run(asyncio.wait_for(test(self.client, self.service), 60))
        finally:
            for job in list(self.service.jobs.all.values()):
                self.service.delete(job)

    @property
    def kept(self):
        """What lies in the folder."""
        return list(self.folder.iterdir())


async def post(client, name="cat.png", **files):
    return await client.post(f"{API}/jobs", files={"picture": (name, png()), **files})


async def settled(client, id):
    """Return a job once it is not busy."""
    while True:
        job = (await client.get(f"{API}/jobs/{id}")).json()
        if job["state"] not in ("queued", "running"):
            return job
        await asyncio.sleep(0.02)


async def done(client, **files):
    """Return the job of a picture once it is not busy."""
    answer = await post(client, **files)
    assert answer.status_code == 202, answer.text
    return await settled(client, answer.json()["id"])


def text_of(content):
    """Return what the stand-in wrote into a picture."""
    return np.asarray(Image.open(BytesIO(content))).tobytes().decode()
