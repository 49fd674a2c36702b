from loadcheck.probe import Probe, Question
from loadcheck.server import Server


def ask(server: Server, path: str, wrong: str = "") -> tuple[int, str, str]:
    with Probe(server) as caller:
        label = caller.ask(Question(path=path, name="name", what_is_wrong=lambda _: wrong))
        assert caller.samples().labels == (label,)
    return label.status, label.failure, label.cache


def test_an_answer_is_timed_and_kept(small_server: Server) -> None:
    with Probe(small_server, headers={"X-API-Key": "k"}) as caller:
        assert len(caller.samples()) == 0
        for _ in range(3):
            caller.ask(Question(path="/good", name="good"))
    found = caller.samples()
    assert [*found.size] == [10, 10, 10]
    assert min(found.response_ms) > 0
    assert [*found.start_s] == sorted(found.start_s)


def test_failures_are_told_by_status_content_and_silence(small_server: Server) -> None:
    assert ask(small_server, "/stale") == (200, "", "stale")
    assert ask(small_server, "/broken", "not reached") == (500, "HTTP 500", "")
    assert ask(small_server, "/good", "no hit") == (200, "no hit", "hit")
    small_server.stop()
    assert ask(small_server, "/good") == (0, "ConnectionRefusedError", "")
