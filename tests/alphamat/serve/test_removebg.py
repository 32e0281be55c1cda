"""The request that programs for remove.bg send, and numbers for Prometheus."""

import base64
from io import BytesIO

import pytest
from PIL import Image

from tests.alphamat.serve import stand_in
from tests.alphamat.serve.clients import mask, png, post, settled, text_of

ADDRESS = "/v1.0/removebg"
PICTURE = {"image_file": ("cat.png", png())}


@pytest.mark.parametrize(
    ("files", "fields", "told"),
    [
        (PICTURE, {"size": "auto"}, "cutout 8 None"),
        (PICTURE, {"format": "png", "bg_color": "81d4fa"}, "composite 8 #81d4fa"),
        (PICTURE, {"bg_color": "red"}, "composite 8 red"),
        ({}, {"image_file_b64": base64.b64encode(png()).decode()}, "cutout 8 None"),
        (
            {},
            {"image_file_b64": f"data:image/png;base64,{base64.b64encode(png()).decode()}"},
            "cut",
        ),
    ],
)
def test_the_answer_is_the_picture(served, files, fields, told):
    async def test(client, service):
        form = files or {"nothing": (None, "")}  # so that it is multipart
        answer = await client.post(ADDRESS, files=form, data=fields)
        assert answer.status_code == 200, answer.text
        assert text_of(answer.content).startswith(told)
        assert not served.kept
        assert not service.jobs.all

    served(test)


def test_a_jpeg_lies_over_white(served, monkeypatch):
    async def render(job, kind, bits, over):
        assert (kind, over) == ("composite", "white")
        return png()

    async def test(client, service):
        monkeypatch.setattr(service, "render", render)
        answer = await client.post(ADDRESS, files=PICTURE, data={"format": "jpg"})
        assert answer.headers["Content-Type"] == "image/jpeg"
        with Image.open(BytesIO(answer.content)) as picture:
            assert (picture.format, picture.size) == ("JPEG", (14, 11))

    served(test)


@pytest.mark.parametrize(
    ("files", "fields", "status", "words"),
    [
        ({}, {"image_url": "http://127.0.0.1/"}, 400, "`image_url` is not fetched"),
        (PICTURE, {"image_url": "file:///etc/passwd"}, 400, "`image_url` is not fetched"),
        (PICTURE, {"format": "zip"}, 400, "expected auto, png or jpg"),
        (PICTURE, {"bg_color": "bluish"}, 422, "'bluish' is not an opaque CSS colour"),
        ({}, {}, 400, "There is no picture"),
        ({}, {"image_file_b64": "%"}, 422, "is not base64"),
        ({"image_file": b"?"}, {}, 415, "is not an image"),
    ],
)
def test_what_is_refused_is_told_as_remove_bg_does(served, files, fields, status, words):
    async def test(client, service):
        form = files or {"nothing": (None, "")}
        answer = await client.post(ADDRESS, files=form, data=fields)
        assert answer.status_code == status
        assert words in answer.json()["errors"][0]["title"]
        assert not served.kept

    served(test)


def test_an_unknown_foreground_has_the_code_of_remove_bg(served, monkeypatch):
    async def test(client, service):
        def cut(job, options):
            job.state, job.reason = "unsure", "It is too dark."

        monkeypatch.setattr(service, "cut", cut)
        answer = await client.post(ADDRESS, files=PICTURE)
        assert answer.status_code == 400
        assert answer.json()["errors"] == [
            {
                "title": "The foreground could not be told. It is too dark.",
                "code": "unknown_foreground",
            }
        ]

    served(test)


def test_numbers_tell_what_has_happened(served):
    async def test(client, service):
        service.metrics.refused.clear()
        await client.post("/api/v1/jobs", headers={"Origin": "http://example.org"})
        job = (await post(client, mask=mask(stand_in.DOUBT))).json()
        await settled(client, job["id"])
        lines = (await client.get("/metrics")).text.splitlines()
        assert 'alphamat_jobs{state="unsure"} 1' in lines
        assert 'alphamat_requests_refused_total{reason="origin"} 1' in lines
        assert "alphamat_queue_length 0" in lines
        below = [line for line in lines if line.startswith('alphamat_seconds_bucket{what="cut"')]
        counts = [float(line.split()[-1]) for line in below]
        assert counts == sorted(counts)
        assert f'alphamat_seconds_count{{what="cut"}} {counts[-1]:g}' in lines

    served(test)
