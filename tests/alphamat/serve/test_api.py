"""Requests and their answers; the work is a stand-in."""

import asyncio
import json
import logging
from io import BytesIO
from zipfile import ZipFile

import pytest

from alphamat.serve.faults import log_fault
from tests.alphamat.serve import stand_in
from tests.alphamat.serve.clients import (
    API,
    bomb,
    done,
    mask,
    png,
    post,
    settled,
    text_of,
)


def test_a_picture_becomes_a_job_and_its_results(served):
    async def test(client, service):
        answer = await post(client)
        assert answer.status_code == 202
        assert answer.json()["state"] in ("queued", "running")
        job = await settled(client, answer.json()["id"])
        assert (job["state"], job["progress"], job["warnings"]) == ("done", 1, ["It is pale."])
        assert (job["width"], job["height"], job["doubt"]) == (14, 11, 0.1)
        address = f"{API}/jobs/{job['id']}"
        answer = await client.get(f"{address}/composite.png?bits=16&over=red")
        assert text_of(answer.content).startswith("composite 16 red")
        assert (await client.delete(address)).status_code == 204
        assert (await client.get(address)).status_code == 404
        assert not served.kept

    served(test)


def test_options_reach_the_work_with_the_methods_name(served):
    async def test(client, service):
        data = {"options": json.dumps({"box": [1, 2, 9, 10], "keep": [3, 4]})}
        answer = await client.post(f"{API}/jobs", files={"picture": png()}, data=data)
        job = await settled(client, answer.json()["id"])
        assert job["method"] == "learned"
        told = (served.folder / job["id"] / "told").read_text()
        assert eval(told) == {
            "method": "learned",
            "weights": None,
            "box": (1, 2, 9, 10),
            "keep": (3, 4),
        }

    served(test)


def test_corrections_go_to_the_work(served):
    async def test(client, service):
        job = await done(client)
        address = f"{API}/jobs/{job['id']}"
        answer = await client.post(f"{address}/strokes?x=5&y=4", content=b"abc")
        assert (answer.content, answer.headers["X-Rectangle"]) == (b"cba", "5,4,3,2")
        files = {"trimap": b"1234567"}
        answer = await client.post(f"{address}/trimap", files=files, data={"options": "{}"})
        assert answer.status_code == 202
        assert (await settled(client, job["id"]))["width"] == 7
        data = {"options": '{"method": "fast"}'}
        answer = await client.post(f"{address}/trimap", files={}, data=data)
        answer = await client.post(f"{address}/box", json={"box": [0, 0, 5, 5]})
        assert answer.status_code == 202
        await settled(client, job["id"])
        assert "'box': (0, 0, 5, 5)" in (served.folder / job["id"] / "told").read_text()

    served(test)


@pytest.mark.parametrize(
    ("what", "error", "argument"),
    [
        (stand_in.REFUSE, "`trimap` is odd; expected an even one.", "trimap"),
        (stand_in.FILL, "The disk of the server is full; try again later.", None),
        (stand_in.DIE, "The process that did this was killed; memory may be short.", None),
        (stand_in.STUMBLE, "The server could not do this; its log says why.", None),
        (stand_in.HANG, "This took longer than the limit of 3 s.", None),
    ],
)
def test_a_job_that_fails_says_so_in_one_sentence(served, change, what, error, argument):
    change(limit=3)

    async def test(client, service):
        job = await done(client, mask=mask(what))
        assert (job["state"], job["error"], job["argument"]) == ("failed", error, argument)
        files = (served.folder / job["id"]).iterdir()
        assert {path.name for path in files} == {"picture", "mask"}
        assert (await done(client))["state"] == "done"

    served(test)


def test_the_log_tells_nothing_private(served, caplog):
    caplog.set_level(logging.INFO, "alphamat.serve")

    async def test(client, service):
        answer = await post(client, name="alice.png", mask=mask(stand_in.STUMBLE))
        job = await settled(client, answer.json()["id"])
        try:
            raise RuntimeError("secret".upper())
        except RuntimeError as fault:
            log_fault(fault)
        assert "cut by learned: failed after" in caplog.text
        assert "RuntimeError" in caplog.text
        records = [record for record in caplog.records if record.name == "alphamat.serve"]
        told = "".join(record.getMessage() for record in records)
        assert not any(secret in told for secret in ("alice", "SECRET", job["id"]))

    served(test)


def test_an_unsure_job_gives_its_reason(served):
    async def test(client, service):
        job = await done(client, mask=mask(stand_in.DOUBT))
        assert (job["state"], job["doubt"], job["reason"]) == ("unsure", 0.9, "It is too dark.")

    served(test)


def test_too_many_jobs_are_refused(served, change):
    change(queue=2)

    async def test(client, service):
        answers = await asyncio.gather(*(post(client, mask=mask(stand_in.REST)) for _ in range(9)))
        codes = [answer.status_code for answer in answers]
        assert 2 <= codes.count(202) <= 3
        refused = next(answer for answer in answers if answer.status_code != 202)
        assert (refused.status_code, refused.headers["Retry-After"]) == (429, "5")
        assert len(served.kept) == codes.count(202)
        assert "requests_refused_total" in (await client.get("/metrics")).text

    served(test)


def test_strokes_do_not_wait_for_jobs(served):
    async def test(client, service):
        job = await done(client)
        await post(client, mask=mask(stand_in.HANG))
        answer = await client.post(f"{API}/jobs/{job['id']}/strokes?x=0&y=0", content=b"ab")
        assert answer.content == b"ba"

    served(test)


def test_a_job_that_is_deleted_while_it_runs_leaves_nothing(served):
    async def test(client, service):
        id = (await post(client, mask=mask(stand_in.HANG))).json()["id"]
        while (await client.get(f"{API}/jobs/{id}")).json()["step"] != "looking":
            await asyncio.sleep(0.02)
        await client.delete(f"{API}/jobs/{id}")
        assert (await done(client))["state"] == "done"
        assert len(served.kept) == 1

    served(test)


@pytest.mark.parametrize(
    ("files", "status", "words"),
    [
        ({}, 422, "`picture` is missing"),
        ({"picture": b"GIF89a"}, 415, "expected PNG, JPEG, TIFF, WebP, AVIF or HEIC"),
        ({"picture": b"v/1\1\2\0\0\0"}, 415, "expected PNG, JPEG, TIFF, WebP, AVIF or HEIC"),
        ({"picture": png()[:20]}, 422, "`picture` "),
        ({"picture": bomb(50_000)}, 422, "178,956,970 pixels, which is too large."),
        ({"picture": bomb(100)}, 422, "100 × 100 pixels; expected at most 1,000."),
        ({"picture": png(), "trimap": b"?"}, 415, "`trimap` is not an image"),
        ({"picture": png(), "other": png()}, 422, "`other`"),
        ({"picture": bytes(200_000)}, 413, "0.0954 MiB"),
        ([("picture", png())] * 5, 400, "Too many files"),
    ],
)
def test_files_that_are_no_pictures_are_refused_and_not_kept(served, files, status, words):
    async def test(client, service):
        answer = await client.post(f"{API}/jobs", files=files or {"mask": png()})
        assert (answer.status_code, words in answer.json()["error"]) == (status, True), answer.text
        assert str(served.folder) not in answer.text
        assert not served.kept

    served(test)


@pytest.mark.parametrize(
    "options",
    ['{"box": [1, 2]}', '{"weights": "/etc"}', "[]", "[" * 10_000, '{"keep": "some"}', "{", "\0"],
)
def test_options_are_of_a_known_form(served, options):
    async def test(client, service):
        data = {"options": options}
        answer = await client.post(f"{API}/jobs", files={"picture": png()}, data=data)
        assert (answer.status_code, answer.json()["argument"]) == (422, "options")
        assert not served.kept

    served(test)


@pytest.mark.parametrize("method", ["os:system", "/etc/passwd", "modnet", "../fast"])
def test_methods_are_those_that_are_listed(served, method):
    async def test(client, service):
        data = {"options": json.dumps({"method": method})}
        answer = await client.post(f"{API}/jobs", files={"picture": png()}, data=data)
        assert (answer.status_code, answer.json()["argument"]) == (422, "method")
        listed = (await client.get(f"{API}/methods")).json()["methods"]
        assert listed[0]["name"] == "learned"
        assert not any(one["network"] for one in listed)

    served(test)


def test_results_that_are_not_there_yet_are_told_so(served):
    async def test(client, service):
        address = f"{API}/jobs/{(await post(client, mask=mask(stand_in.REST))).json()['id']}"
        for answer in (
            await client.get(f"{address}/alpha.png"),
            await client.post(f"{address}/strokes?x=0&y=0", content=b"a"),
        ):
            assert answer.status_code == 409
            assert answer.json()["error"].startswith("There is no result yet: the job is ")

    served(test)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/v1/jobs/..%2F..%2Fetc", 404),
        ("/api/v1/jobs/../../etc/passwd", 404),
        ("/api/v1/jobs/ID/..%2Fpicture.png", 404),
        ("/api/v1/jobs/ID/profile.png", 422),
        ("/api/v1/jobs/ID/alpha.png?bits=7", 422),
        ("/page/..%2F..%2Fapi.py", 404),
        ("/page/../api.py", 404),
        ("/api/v1/batches/..%2Fx.zip", 404),
        ("/docs", 404),
    ],
)
def test_paths_lead_nowhere_else(served, path, status):
    async def test(client, service):
        job = await done(client)
        answer = await client.get(path.replace("ID", job["id"]))
        assert answer.status_code == status
        assert set(answer.json()) == {"error", "argument"}

    served(test)


def test_parameters_that_are_wrong_are_named(served):
    async def test(client, service):
        job = await done(client)
        address = f"{API}/jobs/{job['id']}"
        answer = await client.post(f"{address}/strokes?x=1", content=b"")
        assert answer.json() == {"error": "`y` is missing.", "argument": "y"}
        answer = await client.get(f"{address}/alpha.png?bits=7")
        assert answer.json()["error"] == "`bits` is not understood: input should be '8' or '16'."

    served(test)


def test_a_batch_gives_an_archive_with_safe_names(served):
    async def test(client, service):
        names = ["../../cat.png", "Cat.jpg", "C:\\con.png", "..", "é ü.png"]
        files = [("picture", (name, png())) for name in names]
        answer = await client.post(f"{API}/batches", files=files)
        assert answer.status_code == 202
        for job in answer.json()["jobs"]:
            await settled(client, job["id"])
        answer = await client.get(f"{API}/batches/{answer.json()['id']}.zip")
        with ZipFile(BytesIO(answer.content)) as archive:
            assert archive.namelist() == [
                "cat_cutout.png",
                "Cat-2_cutout.png",
                "con_cutout.png",
                "picture_cutout.png",
                "é ü_cutout.png",
            ]
            assert text_of(archive.read("cat_cutout.png")).startswith("cutout 8")
        assert len(served.kept) == 5

    served(test)


def test_of_a_batch_with_one_bad_picture_nothing_is_taken(served):
    async def test(client, service):
        files = [("picture", ("a.png", png())), ("picture", ("b.png", b"?"))]
        answer = await client.post(f"{API}/batches", files=files)
        assert answer.status_code == 415
        assert not served.kept
        assert not service.jobs.all

    served(test)


def test_old_results_make_room(served, monkeypatch):
    async def test(client, service):
        first = await done(client)
        monkeypatch.setattr(service.jobs, "keep", 0)
        service.jobs.sweep()
        assert (await client.get(f"{API}/jobs/{first['id']}")).status_code == 404
        monkeypatch.setattr(service.jobs, "keep", 3600)
        monkeypatch.setattr(service.jobs, "most_disk", 250)
        first, second = await done(client), await done(client)
        assert (await client.get(f"{API}/jobs/{first['id']}")).status_code == 404
        assert (await client.get(f"{API}/jobs/{second['id']}")).status_code == 200
        monkeypatch.setattr(service.jobs, "most_disk", 0)
        service.jobs.all[second["id"]].state = "running"
        answer = await post(client)
        assert (answer.status_code, answer.headers["Retry-After"]) == (507, "30")

    served(test)


def test_a_full_disk_is_told_and_nothing_is_left(served, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    async def test(client, service):
        monkeypatch.setattr("alphamat.serve.uploads.shutil.copyfileobj", full)
        answer = await post(client)
        assert answer.status_code == 507
        assert answer.json()["error"] == "The disk of the server is full; try again later."
        assert not served.kept

    served(test)


def test_the_interface_describes_itself(served):
    async def test(client, service):
        paths = (await client.get(f"{API}/openapi.json")).json()["paths"]
        form = paths[f"{API}/jobs"]["post"]["requestBody"]["content"]["multipart/form-data"]
        assert set(form["schema"]["properties"]) == {
            *("picture", "trimap", "plate", "mask", "options")
        }

    served(test)
