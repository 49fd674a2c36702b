from pathlib import Path

import httpx
import msgspec
import pytest

from benchmarks.peers.servers.bare_app import create_app

HEADERS = [(b"content-type", b"application/json"), (b"etag", b'"x"'), (b"content-length", b"2")]
RECORDED = {
    "list": [("/clients/", "", 200, HEADERS, b"[]")],
    "list-304": [("/clients/", "", 304, [(b"etag", b'"x"')], b"")],
    "search": [("/clients/search", "q=a%20b", 200, HEADERS, b"[]")],
    "verify": [("/clients/7/verify", "", 200, [(b"content-length", b"4")], b"true")],
}


@pytest.fixture
async def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "answers").write_bytes(msgspec.msgpack.encode(RECORDED))
    monkeypatch.setenv("PEERS_ANSWERS", str(tmp_path / "answers"))
    transport = httpx.ASGITransport(app=create_app())
    async with httpx.AsyncClient(transport=transport, base_url="http://bare") as client:
        yield client


async def choose(bare: httpx.AsyncClient, case: str) -> int:
    return (await bare.put(f"/_case/{case}")).status_code


async def test_it_sends_status_headers_and_body_as_they_were_recorded(bare):
    await choose(bare, "list")
    answer = await bare.get("/clients/")
    assert (answer.status_code, answer.headers.raw, answer.content) == (200, HEADERS, b"[]")


async def test_the_same_path_has_another_answer_in_another_case(bare):
    await choose(bare, "list-304")
    assert (await bare.get("/clients/")).status_code == 304


async def test_a_query_is_part_of_what_is_asked(bare):
    await choose(bare, "search")
    assert (await bare.get("/clients/search?q=a%20b")).content == b"[]"
    assert (await bare.get("/clients/search?q=c")).status_code == 404


async def test_a_body_is_read_to_its_end_before_the_answer(bare):
    async def parts():
        for part in (b'{"name":', b'"A"}'):
            read.append(part)
            yield part

    read: list[bytes] = []
    await choose(bare, "verify")
    answer = await bare.post("/clients/7/verify", content=parts())
    assert (answer.content, len(read)) == (b"true", 2)


async def test_a_case_that_it_has_no_answers_for_is_refused(bare):
    assert (await choose(bare, "list"), await choose(bare, "plans")) == (204, 404)
