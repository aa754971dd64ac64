"""Who may reach whom in Kubernetes."""

import ipaddress
from typing import Any

import yaml

from tests.infrastructure.deployments import DEPLOY, SERVICES

POLICIES: dict[str, dict[str, Any]] = {
    policy["metadata"]["name"]: policy["spec"]
    for policy in yaml.safe_load_all(
        (DEPLOY / "k8s" / "overlays" / "example" / "network-policies.yaml").read_text()
    )
}
PRIVATE = (
    "10.1.2.3",
    "100.64.0.1",
    "127.0.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "192.168.1.1",
    "fd00::1",
    "fe80::1",
    "::1",
    "::ffff:10.1.2.3",
)


def reachable(address: str) -> bool:
    asked = ipaddress.ip_address(address)
    for peer in POLICIES["internet"]["egress"][0]["to"]:
        block = ipaddress.ip_network(peer["ipBlock"]["cidr"])
        outside = map(ipaddress.ip_network, peer["ipBlock"]["except"])
        if asked in block and not any(asked in network for network in outside):
            return True
    return False


def test_nothing_is_allowed_that_is_not_said() -> None:
    nothing = POLICIES["nothing"]
    assert nothing["policyTypes"] == ["Ingress", "Egress"]
    assert "ingress" not in nothing
    assert "egress" not in nothing
    assert nothing["podSelector"]["matchLabels"] == {"app.kubernetes.io/part-of": "lectern"}


def test_only_who_fetches_and_who_tells_reach_the_internet() -> None:
    open_ones = [name for name, policy in POLICIES.items() if "ipBlock" in str(policy)]
    assert open_ones == ["internet"]
    [chosen] = POLICIES["internet"]["podSelector"]["matchExpressions"]
    assert chosen["values"] == ["ingest", "notifier"]
    assert set(chosen["values"]) < set(SERVICES)


def test_the_internet_has_no_private_address() -> None:
    assert reachable("93.184.216.34")
    assert reachable("2606:4700::1111")
    assert [address for address in PRIVATE if reachable(address)] == []
