import json
import re
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

import services
from lectern.generate.s3_policies import ACCESS, s3_policies
from lectern.service_catalog import SERVICES

KEY = re.compile(r'f"((?:documents|audio|calibrations|users|mails)/\{[^"]*)"')

BELOW = re.compile(r'f"\{below\}/([^"]*)"')
"""``below`` is the prefix of a document."""
PREFIXES = {"audio/X/X", "audio/X", "documents/X"}


def keys_of(service: str) -> set[str]:
    """The keys that the code of a service makes, with X for what differs."""
    found = set()
    for path in (Path(services.__path__[0]) / service).rglob("*.py"):
        if "tests" not in path.parts:
            text = path.read_text()
            found |= set(KEY.findall(text))
            found |= {f"documents/X/{rest}" for rest in BELOW.findall(text)}
    keys = {re.sub(r"\{[^}]*\}", "X", key) for key in found}
    return {key for key in keys if not key.endswith("/")} - PREFIXES


@pytest.mark.parametrize("service", ACCESS)
def test_every_key_that_a_service_makes_may_be_written_by_it(service):
    writes = ACCESS[service].writes
    denied = [key for key in keys_of(service) if not any(fnmatchcase(key, w) for w in writes)]
    assert denied == []


def test_every_service_has_a_policy_and_erases_documents():
    assert set(ACCESS) == {spec.name for spec in SERVICES}
    for access in ACCESS.values():
        assert "documents/*" in access.erases
        assert "documents/*" in access.reads


def test_only_synth_writes_audio():
    writers = {name for name, access in ACCESS.items() if "audio/*" in access.writes}
    assert writers == {"synth"}


def test_only_who_writes_mails_reads_addresses():
    readers = {name for name, access in ACCESS.items() if "mails/*" in access.reads}
    assert readers == {"notifier"}
    writers = {name for name, access in ACCESS.items() if "users/*" in access.writes}
    assert writers == {"gateway"}


def test_a_policy_names_the_bucket_and_the_prefixes():
    policies = dict(s3_policies("of-ours"))
    statements = json.loads(policies["segmenter"])["Statement"]
    [put] = [part for part in statements if part["Action"] == ["s3:PutObject"]]
    assert put["Resource"] == [
        "arn:aws:s3:::of-ours/documents/*/segments/*",
        "arn:aws:s3:::of-ours/documents/*/failures/*",
    ]
