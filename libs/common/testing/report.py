"""pytest plugin: the last lines of a run say what it ran against, what it skipped, and why.

ran against: Apache Kafka 4.1.1 native at 127.0.0.1:33127; PostgreSQL 15.18 native at ...
skipped 3: no java on the PATH; install a JRE 17 or newer

The workers of a parallel run send what they noted when they end.
"""

from collections import Counter
from typing import Any

import pytest

from libs.common.testing.selection import LEFT_OUT

RAN_AGAINST = pytest.StashKey[list[str]]()


def ran_against(config: pytest.Config, server: str) -> None:
    """Note a server that tests ran against: name, version, how it was had, address."""
    noted = config.stash.setdefault(RAN_AGAINST, [])
    if server not in noted:
        noted.append(server)


def skip_reasons(reports: list[pytest.TestReport]) -> Counter[str]:
    """Count skipped tests by reason."""
    reasons: Counter[str] = Counter()
    for report in reports:
        if isinstance(report.longrepr, tuple):  # (path, line, reason)
            reasons[str(report.longrepr[2]).removeprefix("Skipped: ")] += 1
    return reasons


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Send what a worker noted to the process that writes the lines."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["ran_against"] = session.config.stash.get(RAN_AGAINST, [])
        output["left_out"] = session.config.stash.get(LEFT_OUT, 0)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Note what a worker sent; one that crashed sends nothing."""
    output = getattr(node, "workeroutput", {})
    for server in output.get("ran_against", ()):
        ran_against(node.config, server)
    if output.get("left_out"):
        node.config.stash[LEFT_OUT] = output["left_out"]  # each collects, and leaves out, the same


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Write the lines."""
    servers = config.stash.get(RAN_AGAINST, [])
    skipped = skip_reasons(terminalreporter.stats.get("skipped", []))
    left_out = config.stash.get(LEFT_OUT, 0)
    if not servers and not skipped and not left_out:
        return
    terminalreporter.section("servers and skipped tests")
    terminalreporter.write_line(f"ran against: {'; '.join(servers) or 'no server'}")
    if left_out:
        terminalreporter.write_line(
            f"left out {left_out}: they need a server, run the whole, or are slow"
        )
    for reason, count in skipped.most_common():
        terminalreporter.write_line(f"skipped {count}: {reason}")
    if not skipped:
        terminalreporter.write_line("skipped: nothing")
