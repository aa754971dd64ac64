import pytest

from services.gateway.http.ratelimit.client_networks import client_network


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/56"),
        ("2001:db8:1:ff:ffff::1", "2001:db8:1::/56"),
        ("2001:db8:1:100::1", "2001:db8:1:100::/56"),
        ("a socket", "unknown"),
    ],
)
def test_clients_are_told_apart_by_address_or_network(address, expected):
    assert client_network({"type": "http", "client": (address, 1)}) == expected


def test_who_has_no_address_is_one_client():
    assert client_network({"type": "http", "client": None}) == "unknown"
