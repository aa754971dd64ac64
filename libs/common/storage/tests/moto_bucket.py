"""An empty bucket of moto's S3, in a thread of the tests, on a free loopback port."""

import boto3
import pytest
from moto.server import ThreadedMotoServer

from libs.common.testing.fixtures import skip_if_fast


@pytest.fixture(scope="module")
def moto_endpoint(pytestconfig):
    skip_if_fast(pytestconfig)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(moto_endpoint):
    """A client of the bucket ``lectern``, to look behind the storage's back."""
    client = boto3.client(
        "s3",
        endpoint_url=moto_endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    client.create_bucket(Bucket="lectern")
    yield client
    for key, version in versions(client):
        client.delete_object(Bucket="lectern", Key=key, VersionId=version)
    client.delete_bucket(Bucket="lectern")
    client.close()


def versions(client) -> list[tuple[str, str]]:
    """Keys and ids of all versions and delete markers in the bucket."""
    listed = client.list_object_versions(Bucket="lectern")
    found = [*listed.get("Versions", ()), *listed.get("DeleteMarkers", ())]
    return [(version["Key"], version["VersionId"]) for version in found]


def keep_versions(client, status="Enabled") -> None:
    """Have the bucket keep versions, or not any more (``Suspended``)."""
    client.put_bucket_versioning(Bucket="lectern", VersioningConfiguration={"Status": status})
