"""pytest plugin: the last lines of a run say what it ran against, what it skipped, and why.

ran against: Apache Kafka 4.1.1 native at 127.0.0.1:33127; PostgreSQL 15.18 native at ...
skipped 3: no java on the PATH; install a JRE 17 or newer
"""

from collections import Counter

import pytest

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


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Write the lines."""
    servers = config.stash.get(RAN_AGAINST, [])
    skipped = skip_reasons(terminalreporter.stats.get("skipped", []))
    if not servers and not skipped:
        return
    terminalreporter.section("servers and skipped tests")
    terminalreporter.write_line(f"ran against: {'; '.join(servers) or 'no server'}")
    for reason, count in skipped.most_common():
        terminalreporter.write_line(f"skipped {count}: {reason}")
    if not skipped:
        terminalreporter.write_line("skipped: nothing")
