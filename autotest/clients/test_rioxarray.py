# SPDX-License-Identifier: MIT
"""rioxarray with Dask: chunks read by threads and by processes at once."""

import numpy as np
import pytest

from client_util import quadtree_pyramid, reference
from rok4_util import fixture

pytest.importorskip("rioxarray",
                    reason="python3-rioxarray is not installed")
distributed = pytest.importorskip(
    "distributed", reason="python3-distributed is not installed")
import rioxarray  # noqa: E402


def level_array(ref, i):
    return ref.overview(ref.levels[0], ref.levels[i]).transpose(2, 0, 1)


@pytest.fixture(scope="module")
def pyramid(tmp_path_factory):
    return quadtree_pyramid(tmp_path_factory.mktemp("rioxarray"),
                            limits=(8, 8, 23, 23))


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Two processes of two threads; they inherit the environment."""
    place = str(tmp_path_factory.mktemp("dask"))
    with distributed.LocalCluster(
            n_workers=2, threads_per_worker=2, processes=True,
            dashboard_address=None, local_directory=place) as workers:
        with distributed.Client(workers) as client:
            yield client


def read_everywhere(pyramid):
    """Chunks across tiles, with no lock: each worker and thread opens."""
    ref = reference(pyramid.path)
    for chunks in ({"x": 64, "y": 64}, {"x": 100, "y": 170}, True):
        array = rioxarray.open_rasterio(pyramid.path, chunks=chunks,
                                        lock=False)
        np.testing.assert_array_equal(array.compute(), level_array(ref, 0))
    for i in (0, 2):
        array = rioxarray.open_rasterio(
            pyramid.path, chunks={"x": 50, "y": 50}, lock=False,
            overview_level=i)
        np.testing.assert_array_equal(array.compute(),
                                      level_array(ref, i + 1))
        assert array.rio.resolution() == pytest.approx(
            (ref.levels[i + 1].cell, -ref.levels[i + 1].cell))


def test_processes(cluster, pyramid):
    read_everywhere(pyramid)
    assert len(cluster.scheduler_info()["workers"]) == 2


def test_threads(pyramid):
    """The threads of one process, without a cluster."""
    import dask
    with dask.config.set(scheduler="threads", num_workers=4):
        read_everywhere(pyramid)


def test_reductions_of_terrain(cluster):
    ref = reference("lamb93mnt_zip_float32")
    values = level_array(ref, 0)[0]
    array = rioxarray.open_rasterio(
        fixture("lamb93mnt_zip_float32"), chunks={"x": 200, "y": 300},
        lock=False, masked=True)
    valid = values[values != -99999]
    assert int(array.count()) == valid.size
    assert float(array.mean(dtype=np.float64)) == pytest.approx(
        valid.mean(dtype=np.float64), rel=1e-9)
    assert float(array.max()) == valid.max()
    assert array.rio.crs.to_proj4().startswith("+proj=lcc +lat_0=46.5")


def test_clip_and_reproject(pyramid):
    ref = reference(pyramid.path)
    array = rioxarray.open_rasterio(pyramid.path, chunks=True, lock=False)
    (x, y), cell = ref.levels[0].corner, ref.levels[0].cell
    box = array.rio.clip_box(x + 70.5 * cell, y - 200.5 * cell,
                             x + 150.5 * cell, y - 90.5 * cell)
    np.testing.assert_array_equal(box, level_array(ref, 0)[:, 90:201, 70:151])
    assert box.rio.reproject("EPSG:2154").std() > 20
