from services.ingest.sandbox.kernel.allowed_calls import ATTACKS, COMPUTING
from services.ingest.sandbox.rules import PARSER, fetcher


def test_a_parser_keeps_nothing():
    assert (dict(PARSER.calls), PARSER.readable, PARSER.ports, PARSER.sockets) == (
        {},
        (),
        (),
        False,
    )


def test_a_fetcher_reaches_the_name_service_and_the_ports_of_websites():
    assert fetcher([80, 443]).ports == (53, 80, 443)
    assert fetcher(None).ports is None


def test_a_fetcher_reads_what_resolving_takes():
    readable = fetcher([]).readable
    assert "/etc/resolv.conf" in readable
    assert all(path.startswith("/etc/") for path in readable)


def test_of_what_attacks_use_a_fetcher_keeps_its_sockets_alone():
    calls = fetcher([]).calls
    assert calls.keys() & ATTACKS.keys() == {"socket", "connect"}
    assert calls.keys().isdisjoint(COMPUTING)
