import pytest

from libs.common.storage.build import open_storage
from libs.common.storage.folder import FolderStorage
from libs.common.storage.s3.s3_storage import S3Storage


@pytest.mark.parametrize(
    "url", ["", "data", "file:data", "file://host/data", "s3://", "s3://k:s@b", "s3://b?key=1"]
)
def test_what_names_no_storage_is_refused(url):
    with pytest.raises(ValueError, match="not a storage URL"):
        open_storage(url)


async def test_the_url_decides_which_storage(tmp_path):
    assert isinstance(open_storage(f"file://{tmp_path}/with%20space"), FolderStorage)
    opened = open_storage("s3://b?endpoint=http://127.0.0.1:9&region=eu-west-1")
    assert isinstance(opened, S3Storage)
    await opened.close()
