# SPDX-License-Identifier: MIT
"""The plugin of the build tree, and real servers on loopback: each kind is
started when the first test asks for it, and ends with the tests.

With ROK4_NO_SKIP=YES a test that is skipped fails."""

import glob
import hashlib
import os
import shutil
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "autotest", "pymod"))

if "GDAL_DRIVER_PATH" not in os.environ:
    found = glob.glob(os.path.join(ROOT, "build", "dev", "**",
                                   "gdal_ROK4.so"), recursive=True)
    if found:
        os.environ["GDAL_DRIVER_PATH"] = os.path.dirname(found[0])
# What the machine is set to reach is not what is tested.
for key in list(os.environ):
    if (key.startswith(("AWS_", "SWIFT_", "OS_", "CEPH_", "ROK4_S3_",
                        "ROK4_SWIFT_", "ROK4_KEYSTONE_", "ROK4_CEPH_")) or
            key in ("GDAL_NUM_THREADS", "GDAL_CACHEMAX", "CPL_DEBUG")):
        del os.environ[key]
os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"
os.environ["PATH"] += ":/usr/sbin:/sbin"

import pytest  # noqa: E402
from osgeo import gdal  # noqa: E402

gdal.DontUseExceptions()

import rok4_tms  # noqa: E402
import rok4_util  # noqa: E402

NO_SKIP = os.environ.get("ROK4_NO_SKIP") == "YES"
PROGRAMS = "ceph-mon", "ceph-osd", "radosgw", "nginx"


def not_installed():
    """What of the servers is not there, or None."""
    for name in PROGRAMS:
        if shutil.which(name) is None:
            return name
    for name in ("boto3", "rados"):
        try:
            __import__(name)
        except ImportError:
            return "Python's " + name
    return None


if not_installed() is None:
    import cluster
    import fault_proxy as proxies
    import stores
    import web_server


def pytest_sessionstart(session):
    missing = not_installed()
    if missing:
        # 5 is what pytest says when there is nothing to run.
        pytest.exit("%s is not installed: cmake/install-packages.sh storage" %
                    missing, returncode=3 if NO_SKIP else 5)
    if gdal.GetDriverByName("ROK4") is None:
        pytest.exit("no ROK4 driver in GDAL_DRIVER_PATH=%s" %
                    os.environ.get("GDAL_DRIVER_PATH"), returncode=3)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if NO_SKIP and report.skipped:
        report.outcome = "failed"
        report.longrepr = "skipped, in spite of ROK4_NO_SKIP: %s" % (
            call.excinfo.value if call.excinfo else "")


@pytest.fixture(scope="session")
def tms_directory(tmp_path_factory):
    """A directory with every TMS that fixtures and tests name."""
    place = tmp_path_factory.mktemp("tms")
    for definition in (rok4_tms.pm(), rok4_tms.lamb93_10cm(),
                       rok4_tms.lamb93_1m_mnt(), rok4_tms.degrees()):
        rok4_tms.write(str(place), definition)
    shutil.copy(os.path.join(rok4_util.DATA, "tms", "T64.json"), str(place))
    os.environ["ROK4_TMS_DIRECTORY"] = str(place)
    return str(place)


@pytest.fixture(autouse=True)
def environment(tms_directory):
    """Every test starts with the TMS directory and no other option."""
    with rok4_util.config(ROK4_TMS_DIRECTORY=tms_directory,
                          GDAL_NUM_THREADS=None):
        yield


@pytest.fixture(scope="session")
def start():
    """Starts servers in a directory of their own, in memory where the system
    has that: start(class, ...). They end with the tests."""
    shared = "/dev/shm"
    fast = os.path.isdir(shared) and os.access(shared, os.W_OK)
    started = []

    def one(kind, *args):
        place = tempfile.mkdtemp(prefix="rok4-", dir=shared if fast else None)
        servers = kind(place, *args)
        started.append(servers)
        servers.guard()
        servers.start()
        return servers
    yield one
    for servers in reversed(started):
        servers.remove()


@pytest.fixture(scope="session")
def ceph(start):
    """A Cluster. A test that stops some of it starts that again."""
    return start(cluster.Cluster)


@pytest.fixture(scope="session")
def second_ceph(start):
    """Another Cluster, at the same time."""
    return start(cluster.Cluster)


@pytest.fixture(scope="session")
def durable_ceph(start):
    """A Cluster whose OSD may be killed. It takes five seconds to start."""
    return start(cluster.Cluster, "bluestore")


@pytest.fixture(scope="session")
def web(start):
    """A WebServer."""
    return start(web_server.WebServer)


@pytest.fixture(scope="session")
def proxy_before():
    """The FaultProxy before an endpoint, proxy_before("127.0.0.1:8080")."""
    known = {}

    def one(endpoint):
        if endpoint not in known:
            known[endpoint] = proxies.FaultProxy(endpoint)
        return known[endpoint]
    yield one
    for proxy in known.values():
        proxy.close()


@pytest.fixture
def fault_proxy(ceph, proxy_before):
    """The FaultProxy before the gateway, for S3 and Swift."""
    proxy = proxy_before(ceph.endpoint)
    proxy.clear()
    yield proxy
    proxy.clear()


@pytest.fixture
def make_storage(request, tmp_path, proxy_before):
    """Makes an empty place, of the same name in each run of the test:
    make_storage("S3"), make_storage("S3", second_ceph)."""
    made = []
    start_of_name = "rok4-" + hashlib.sha1(
        request.node.nodeid.encode()).hexdigest()[:10]

    def one(kind, where=None, **more):
        tray = "%s-%d" % (start_of_name, len(made))
        if kind == "FILE":
            made.append(stores.Files(where or tmp_path, tray))
        elif kind == "HTTP":
            where = where or request.getfixturevalue("web")
            endpoint = (where.whole_endpoint if more.get("whole")
                        else where.endpoint)
            made.append(stores.Http(where, tray, proxy_before(endpoint),
                                    **more))
        else:
            where = where or request.getfixturevalue("ceph")
            made.append({"S3": stores.Bucket, "SWIFT_V1": stores.SwiftV1,
                         "SWIFT_V3": stores.SwiftV3, "RADOS": stores.Pool}[
                             kind](where, tray, proxy_before(where.endpoint)))
        return made[-1]
    yield one
    for one_made in reversed(made):
        one_made.close()


def settled(request, kind):
    """An empty place that GDAL reaches."""
    if kind == "RADOS" and "/vsirados/" not in gdal.GetFileSystemsPrefixes():
        pytest.skip("GDAL has no /vsirados/: its plugin was not built")
    return request.getfixturevalue("make_storage")(kind).settled()


def kinds(names):
    """A fixture with a Storage of each of these kinds."""
    @pytest.fixture(params=names)
    def one(request):
        with settled(request, request.param) as made:
            yield made
    return one


s3 = kinds(["S3"])
swift_v1 = kinds(["SWIFT_V1"])
swift_v3 = kinds(["SWIFT_V3"])
rados = kinds(["RADOS"])
http = kinds(["HTTP"])
# Of all kinds; of those that GDAL can write; of those that are no files; of
# those behind a proxy, that makes requests fail; of those that count requests.
storage = kinds(["FILE", "S3", "SWIFT_V1", "SWIFT_V3", "RADOS", "HTTP"])
writable_storage = kinds(["FILE", "S3", "SWIFT_V1", "SWIFT_V3", "RADOS"])
object_storage = kinds(["S3", "SWIFT_V1", "SWIFT_V3", "RADOS"])
faulty_storage = kinds(["S3", "SWIFT_V1", "SWIFT_V3", "HTTP"])
counted_storage = kinds(["S3", "SWIFT_V1", "SWIFT_V3", "RADOS", "HTTP"])
