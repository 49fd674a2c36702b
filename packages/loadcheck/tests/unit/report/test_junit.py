from loadcheck.report.write import properties_of


def test_a_result_tells_its_verdict_first_then_its_figures(results):
    found = properties_of(results["documented_load"])
    assert found[0] == ("verdict", "missed")
    told = dict(found)
    assert told["requests"] == 3594
    assert told["p95_ms"] == round(results["documented_load"].judgements[0].figures.p95_ms, 3)
    assert "/api/v1/clients/search p95_ms" in told


def test_each_limit_is_told_with_what_was_measured(results):
    told = dict(properties_of(results["ttl_expiry"]))
    assert told["p90 ≤ 20 ms"] == "4.02 ms [3.75 ms to 4.54 ms]"
    assert told["upstream calls ≤ 14"] == "12"


def test_why_a_run_is_void_and_what_failed_is_told(results):
    found = properties_of(results["breaking_point"])
    assert ("void", "something else kept 1.0 of 2 cores busy") in found
    assert ("failed: GET /api/v1/clients/: HTTP 503", 3) in found
