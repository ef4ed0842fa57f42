# SPDX-License-Identifier: MIT
"""The same done in files and on a storage, and compared."""

import json

import numpy as np
import pytest
from osgeo import gdal

import pyramids
import rok4_objects
import rok4_write
from rok4_util import Errors


class Both:
    """A directory and a storage, where the same is done. name: of the
    pyramid."""

    def __init__(self, storage, tmp_path, name="N"):
        self.storage, self.name = storage, name
        self.directory = tmp_path / "files"
        self.directory.mkdir()
        self.paths = [str(self.directory / (name + ".json")),
                      "ROK4:" + storage.path(name + ".json")]

    def create(self, source, *options, small=True):
        for path in self.paths:
            rok4_write.create(path, source, *options, small=small)

    def do(self, work):
        """work(path), on either, without a message."""
        for path in self.paths:
            with Errors() as errors:
                work(path)
            assert not errors.texts(), errors.texts()

    def check(self):
        """Objects and bytes are what the files become as objects; read, they
        are the same."""
        storage, name = self.storage, self.name
        found = storage.get_all()
        expected = rok4_objects.objects_of(self.paths[0], storage.type,
                                           storage.tray, name)
        assert sorted(found) == sorted(expected)
        for key in (name + ".json", name + ".list"):
            left, right = found.pop(key), expected.pop(key)
            if key.endswith(".json"):
                assert json.loads(left) == json.loads(right)
            else:
                assert left.split(b"#\n")[0] == right.split(b"#\n")[0]
                assert sorted(left.split()) == sorted(right.split())
        assert [key for key in found if found[key] != expected[key]] == []
        ours, theirs = (pyramids.seen(path) for path in self.paths)
        assert ours[0] == theirs[0]
        pyramids.assert_same_levels(ours[1], theirs[1])


@pytest.fixture(params=["S3", "SWIFT_V1", "RADOS"])
def both(request, make_storage, tmp_path):
    if (request.param == "RADOS" and
            "/vsirados/" not in gdal.GetFileSystemsPrefixes()):
        pytest.skip("GDAL has no /vsirados/: its plugin was not built")
    with make_storage(request.param).settled() as storage:
        yield Both(storage, tmp_path)


@pytest.fixture
def with_s3(s3, tmp_path):
    """For what does not depend on the storage."""
    return Both(s3, tmp_path)


def valid(size=rok4_write.SIZE):
    """Most of the pixels, in a pattern."""
    px_y, px_x = np.mgrid[0:size[0], 0:size[1]]
    return (px_x // 40 + px_y // 30) % 3 != 0


# Of a patch, in pixels of level 5.
PATCH_PX = 66 * 64 + 5, 46 * 64 + 5
