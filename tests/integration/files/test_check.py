"""`reactor files check`: bytes against rows, and files against the documents that name them."""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reactor.files.links import STORAGE
from reactor.values.ids import new_id
from tests.support.chosen_store import CHOSEN
from tests.support.server import Server


@pytest.fixture
def gallery(tmp_path: Path) -> Iterator[Server]:
    with Server("gallery", tmp_path / "data") as server:
        yield server


def upload(server: Server, content: bytes) -> str:
    return upload_to(server.mutation("pictures:upload_url"), content)


def upload_to(url: str, content: bytes) -> str:
    # Without the library, which takes its time to be ready for certificates.
    with urllib.request.urlopen(urllib.request.Request(url, content, method="POST")) as answer:
        return json.load(answer)["storageId"]


def check(server: Server, *options: str, code: int = 0) -> str:
    """What the command prints, on both streams."""
    program = Path(sys.executable).parent / "reactor"
    where = ["--dir", str(server.app), "--data", str(server.data)]
    ran = subprocess.run(
        [program, "files", "check", *where, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **CHOSEN.environment(server.data)},
    )
    assert ran.returncode == code, ran.stdout
    return ran.stdout


def report(server: Server, *options: str, code: int = 0) -> dict[str, Any]:
    return json.loads(check(server, "--json", *options, code=code))


def bytes_of(server: Server, id: str) -> Path:
    return server.data / "files" / id


def test_all_is_well(gallery: Server):
    for number in range(3):
        gallery.mutation("pictures:add", caption="", file=upload(gallery, b"x" * 1000 * number))
    assert check(gallery, "--older-than", "0") == (
        "3 files, 2.9 KiB; 3 documents looked at\nbytes: all there\nunused: none\n"
    )


def test_bytes_that_are_missing_short_or_others_are_found(gallery: Server):
    good, gone, short, other = (upload(gallery, b"some content") for _ in range(4))
    bytes_of(gallery, gone).unlink()
    bytes_of(gallery, short).write_bytes(b"some")
    bytes_of(gallery, other).write_bytes(b"same length!")
    quick = {fault["id"]: fault["problem"] for fault in report(gallery, code=1)["faults"]}
    assert quick == {gone: "its bytes are not there", short: "it has 4 bytes, and should have 12"}
    thorough = {fault["id"]: fault["problem"] for fault in report(gallery, "--digests", code=1)["faults"]}
    assert thorough == {**quick, other: "its bytes are others than those that were stored"}
    assert good not in thorough
    assert f"{gone}: its bytes are not there" in check(gallery, code=1)


def test_what_no_document_names_is_unused(gallery: Server):
    by_id, by_address, in_a_text, nowhere = (upload(gallery, b"x") for _ in range(4))
    gallery.mutation("pictures:add", caption="", file=by_id)
    gallery.mutation("pictures:add", caption=gallery.query("pictures:url", file=by_address), file=by_id)
    gallery.mutation("pictures:add", caption=json.dumps({"file": in_a_text}), file=by_id)
    assert [file["id"] for file in report(gallery, "--older-than", "0")["unused"]] == [nowhere]
    assert report(gallery)["unused"] == [], "it is not a day old"
    assert nowhere in check(gallery, "--older-than", "0")
    refused = check(gallery, "--older-than", "0", "--delete-unused", "--json", code=2)
    assert "needs --yes" in refused
    assert set(gallery.query("pictures:rows")) == {by_id, by_address, in_a_text, nowhere}
    assert report(gallery, "--older-than", "0", "--delete-unused", "--yes")["deleted"] == 1
    assert set(gallery.query("pictures:rows")) == {by_id, by_address, in_a_text}


def test_more_than_a_page_of_each(gallery: Server):
    url = gallery.mutation("pictures:upload_url")
    used = [upload_to(url, b"%d" % number) for number in range(205)]
    for id in used:
        gallery.mutation("pictures:add", caption="", file=id)
    unused = {upload_to(url, b"%d" % number) for number in range(205)}
    found = report(gallery, "--older-than", "0")
    assert (found["files"], found["documents"], found["faults"]) == (410, 205, [])
    assert {file["id"] for file in found["unused"]} == unused
    assert report(gallery, "--older-than", "0", "--delete-unused", "--yes")["deleted"] == 205
    assert sorted(gallery.query("pictures:rows")) == sorted(used)


def test_stray_bytes_are_told(gallery: Server):
    upload(gallery, b"x")
    stray = new_id(STORAGE, 1_700_000_000_000)
    bytes_of(gallery, stray).write_bytes(b"of an upload that was cut off")
    assert report(gallery)["stray"] == [stray]
    assert "stray: bytes of 1 file; the server removes them within a day" in check(gallery)


def test_a_folder_that_no_server_holds_is_opened(gallery: Server):
    used, unused = upload(gallery, b"used"), upload(gallery, b"unused")
    gallery.mutation("pictures:add", caption="", file=used)
    gallery.stop()
    assert [file["id"] for file in report(gallery, "--older-than", "0", "--delete-unused", "--yes")["unused"]] == [
        unused
    ]
    gallery.start()
    assert gallery.query("pictures:rows") == [used]
