from loadcheck.objectives import Objective, judge
from loadcheck.report.table import render
from loadcheck.result import Result
from loadcheck.samples import Label, Samples

FAILED = Samples((Label("GET", "/a", 500, "HTTP 500"),), [0.0], [0.0], [1.0], [2], [0])
SLOW = Samples((Label("GET", "/b", 200),), [0.0], [0.0], [9.0], [2], [0])
VOID = Result(
    scenario="busy",
    judgements=(judge(Objective(endpoint="/a", p95_ms=8), FAILED, 2), judge(Objective(max_ms=8), SLOW, 2)),
    void_reasons=("something else kept 1.0 of 2 cores busy",),
    failures={"GET /a: HTTP 500": 1},
)


def test_a_void_run_says_why_and_excuses_slowness_but_no_failures() -> None:
    lines = render([VOID], width=160, has_colour=False).splitlines()
    assert lines[1].split() == ["busy", "missed"]
    assert lines[2].split()[:7] == ["/a", "1", "0.5", "-", "-", "-", "-"]
    assert [line.split()[-1] for line in lines[2:4]] == ["missed", "void"]
    assert lines[4:] == [
        "busy is void: something else kept 1.0 of 2 cores busy",
        "busy: 1 x GET /a: HTTP 500",
    ]


def test_colours_only_where_asked_for() -> None:
    assert "\x1b[" in render([VOID], width=160, has_colour=True)
    assert "\x1b[" not in render([VOID], width=160, has_colour=False)
