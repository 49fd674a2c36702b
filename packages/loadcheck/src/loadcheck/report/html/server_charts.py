"""What the servers did meanwhile, and the test's own counters, over the time of the run."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from loadcheck.model.resources import Moment
from loadcheck.model.result import Result
from loadcheck.model.samples import Floats
from loadcheck.report.html.chart import MOST_SERIES, Chart, Numbers, Series, numbers

MOST_READINGS = 600


def server_charts(result: Result) -> Iterator[Chart]:
    """Draw the counters, then what each server consumed; nothing of what nobody read."""
    if any(result.counters.values()):
        yield counters(result.counters)
    servers = {name: moments for name, moments in result.servers.items() if moments}
    if not servers:
        return
    yield _of_servers("Server CPU", "cores", servers, lambda moment: moment.cores)
    yield _of_servers("Server memory", "MB", servers, lambda moment: moment.memory_bytes / 1e6)
    lagging = {name: moments for name, moments in servers.items() if _knows_lag(moments)}
    if lagging:
        yield _of_servers("Event loop lag", "ms", lagging, lambda moment: moment.lag_ms)
    yield _of_servers("Threads", "", servers, lambda moment: moment.threads)
    yield _of_servers("Open files", "", servers, lambda moment: moment.open_files)


def counters(readings: Mapping[str, tuple[tuple[float, float], ...]]) -> Chart:
    """Draw a counter that never falls by its growth per second, any other by its value."""
    series = [_counter(name, np.array(pairs)) for name, pairs in readings.items() if pairs]
    x = sorted({at_s for at_s, _, _ in series for at_s in at_s.tolist()})
    return Chart(
        title="Counters of the test",
        unit="",
        x=tuple(x),
        series=tuple(
            Series(name=name, values=_at(x, at_s, values), colour=number % MOST_SERIES)
            for number, (at_s, values, name) in enumerate(series)
        ),
    )


def _counter(name: str, pairs: Floats) -> tuple[Floats, Floats, str]:
    at_s, values = pairs[:, 0], pairs[:, 1]
    if len(pairs) < 2 or np.any(np.diff(values) < 0):  # noqa: PLR2004 - growth needs two
        return at_s, values, name
    return at_s[1:], np.diff(values) / np.maximum(np.diff(at_s), 1e-9), f"{name} per second"


def _of_servers(
    title: str,
    unit: str,
    servers: Mapping[str, Sequence[Moment]],
    value: Callable[[Moment], float | None],
) -> Chart:
    shown = {name: moments[:: len(moments) // MOST_READINGS + 1] for name, moments in servers.items()}
    x = sorted({moment.at_s for moments in shown.values() for moment in moments})
    return Chart(
        title=title,
        unit=unit,
        x=numbers(np.array(x), 8),
        series=tuple(
            Series(name=name, values=_readings(x, moments, value), colour=number % MOST_SERIES)
            for number, (name, moments) in enumerate(shown.items())
        ),
    )


def _readings(
    x: Sequence[float], moments: Sequence[Moment], value: Callable[[Moment], float | None]
) -> Numbers:
    known = [(moment.at_s, found) for moment in moments if (found := value(moment)) is not None]
    at_s, values = (np.array(column) for column in zip(*known, strict=True))
    return _at(x, at_s, values)


def _at(x: Sequence[float], at_s: Floats, values: Floats) -> Numbers:
    """Bring readings to common moments, straight between two and nothing outside."""
    return numbers(np.interp(x, at_s, values, left=np.nan, right=np.nan))


def _knows_lag(moments: Sequence[Moment]) -> bool:
    return any(moment.lag_ms is not None for moment in moments)
