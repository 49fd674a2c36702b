import math
from collections.abc import Iterator
from threading import Thread

import pytest
from packages.loadcheck.tests.system import dropping_server

from loadcheck.model.samples import Label
from loadcheck.run.probe import Probe, Question
from loadcheck.run.server import free_port
from loadcheck.run.target import Target


def ask(target: Target, path: str, wrong: str = "") -> Label:
    with Probe(target) as caller:
        label = caller.ask(Question(path=path, name="name", what_is_wrong=lambda _: wrong))
        assert caller.samples().labels == (label,)
    return label


def test_an_answer_is_timed_and_kept(small_target: Target) -> None:
    with Probe(small_target, headers={"X-API-Key": "k"}) as caller:
        assert len(caller.samples()) == 0
        for _ in range(3):
            caller.ask(Question(path="/good", name="good"))
    found = caller.samples()
    assert [*found.size] == [10, 10, 10]
    assert min(found.response_ms) > 0
    assert [*found.start_s] == sorted(found.start_s)
    assert [*found.latency_ms] == [*found.response_ms]
    assert (found.done_s * 1_000 >= found.start_s * 1_000 + found.response_ms).all()


def test_the_first_byte_is_timed_apart_from_the_body(small_target: Target) -> None:
    with Probe(small_target) as caller:
        caller.ask(Question(path="/late-body", name="late"))
    (first_ms,), (whole_ms,) = caller.samples().first_byte_ms, caller.samples().response_ms
    assert 0 < first_ms < whole_ms
    assert whole_ms > 99  # the body comes 100 ms after the head


@pytest.mark.parametrize(
    ("path", "wrong", "told"),
    [
        ("/stale", "", (200, "", "stale")),
        ("/broken", "not reached", (500, "HTTP 500", "")),
        ("/good", "no hit", (200, "no hit", "hit")),
    ],
)
def test_answers_are_told_by_status_content_and_cache(
    path: str, wrong: str, told: tuple[int, str, str], small_target: Target
) -> None:
    label = ask(small_target, path, wrong)
    assert (label.status, label.failure, label.cache) == told


def test_the_check_is_given_the_body(small_target: Target) -> None:
    with Probe(small_target) as caller:
        question = Question(path="/good", name="good", what_is_wrong=lambda body: body.decode())
        assert caller.ask(question).failure == '[{"id":7}]'


@pytest.fixture
def dropping() -> Iterator[Target]:
    """A server that hangs up on the second request of each connection."""
    with dropping_server.Server(("127.0.0.1", 0), dropping_server.Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield Target("dropping", f"http://127.0.0.1:{server.server_address[1]}")
        server.shutdown()
        thread.join()


def test_silence_is_a_failure_without_a_first_byte(dropping: Target) -> None:
    with Probe(dropping) as caller:
        for _ in range(2):
            caller.ask(Question(path="/good", name="good"))
    with Probe(Target("nobody", f"http://127.0.0.1:{free_port()}")) as lonely:
        lonely.ask(Question(path="/good", name="good"))
    assert [label.failure for label in caller.samples().labels] == ["", "RemoteDisconnected"]
    assert [label.failure for label in lonely.samples().labels] == ["ConnectionRefusedError"]
    for found in (caller.samples().failed(), lonely.samples()):
        assert [label.status for label in found.labels if label.failure] == [0]
        assert math.isnan(found.first_byte_ms[0])


def test_after_a_dropped_connection_the_next_question_opens_another(dropping: Target) -> None:
    with Probe(dropping) as caller:
        told = [caller.ask(Question(path="/good", name="good")).failure for _ in range(3)]
    assert told == ["", "RemoteDisconnected", ""]


def test_after_a_silence_the_next_question_is_asked_anew(
    small_target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loadcheck.run.probe.ANSWER_WITHIN_S", 0.2)
    with Probe(small_target) as caller:
        told = [caller.ask(Question(path=path, name="x")).failure for path in ("/hang", "/good")]
    assert told == ["TimeoutError", ""]


def test_questions_are_asked_below_the_targets_own_path(small_target: Target) -> None:
    assert ask(Target("below", f"{small_target.url}/below"), "/tea").status == 418
