# SPDX-License-Identifier: MIT
"""The file system /vsirados/ where clusters stop, refuse, and come back; from
many threads and processes."""

import contextlib
import json
import os
import random
import re
import subprocess
import sys
import time

import pytest
from osgeo import gdal

import rok4_doc
import vsi
from rok4_util import Errors, config, in_threads
from servers import wait_until
from vsirados import BYTES, MIB, counters, read_ranges

TIMEOUT = {"ROK4_NETWORK_TIMEOUT": "2"}


@contextlib.contextmanager
def paused(cluster, *names):
    for name in names:
        cluster.pause(name)
    try:
        yield
    finally:
        for name in names:
            cluster.resume(name)


def fails_in_time(call, *words, seconds=2):
    """The call raises one error, that holds these words, when its time is
    over, and neither sooner nor later. Gives what the call returned."""
    begun = time.monotonic()
    with Errors() as errors:
        result = call()
    took = time.monotonic() - begun
    assert len(errors.failures) == 1, errors.texts()
    for word in words:
        assert word in errors.failures[0]
    assert seconds - 0.1 < took < seconds + 1.5, took
    return result


def test_an_osd_that_hangs(rados, ceph):
    rados.put("a", BYTES[:4 * MIB])
    path, answer = rados.path("a"), "no answer within 2 s"
    with config(**TIMEOUT):
        file = gdal.VSIFOpenL(path, "rb")
        gdal.VSIFSeekL(file, MIB, 0)
        with paused(ceph, "osd"):
            assert not fails_in_time(
                lambda: gdal.VSIFReadL(1, 100000, file), path, answer,
                "reading 100000 bytes at byte 1048576")
            assert gdal.VSIFTellL(file) == MIB
            assert not gdal.VSIFEofL(file)
            assert fails_in_time(lambda: gdal.VSIFOpenL(path, "rb"), path,
                                 answer) is None
            assert fails_in_time(lambda: gdal.VSIStatL(path), path,
                                 answer) is None
            assert fails_in_time(lambda: gdal.ReadDir(rados.root),
                                 rados.root, "listing", answer) is None
            assert fails_in_time(lambda: gdal.Unlink(rados.path("b")),
                                 rados.path("b"), answer) == -1
            assert not fails_in_time(
                lambda: vsi.write(rados.path("c"), b"x"), rados.path("c"),
                "writing 1 bytes", answer)
        # The same handle, the same process.
        wait_until(lambda: vsi.size(path), "the OSD answers")
        assert bytes(gdal.VSIFReadL(1, 100000, file)) == \
            BYTES[MIB:MIB + 100000]
        gdal.VSIFCloseL(file)
    # What was sent may arrive afterwards: whole, or not at all.
    assert rados.get("c") in (None, b"x")


def test_all_ranges_wait_together(rados, ceph):
    """So 16 times 4 of them take one timeout, not 64."""
    rados.put("a", BYTES[:4 * MIB])
    ranges = [(i * 50000 + 20000, 1000) for i in range(64)]
    assert read_ranges(rados.path("a"), ranges) == [
        BYTES[offset:offset + size] for offset, size in ranges]
    with config(**TIMEOUT):
        file = gdal.VSIFOpenL(rados.path("a"), "rb")
        with paused(ceph, "osd"):
            gdal.VSIFSeekL(file, 20000, 0)
            assert not fails_in_time(
                lambda: gdal.VSIFReadL(1, 4 * MIB - 20000, file))
        gdal.VSIFCloseL(file)


def test_a_failed_opening_tells_gdal_why(rados, ceph):
    """Not that the file does not exist."""
    rados.put("a", b"x")
    with config(**TIMEOUT), paused(ceph, "osd"):
        with Errors() as errors:
            assert gdal.OpenEx(rados.path("a")) is None
        assert any("no answer within 2 s" in text
                   for text in errors.failures), errors.texts()


def test_a_listing_that_breaks_off_gives_nothing(rados, ceph):
    rados.put_all(dict.fromkeys(("DATA_%d" % i for i in range(2000)), b""))
    with config(**TIMEOUT):
        directory = gdal.OpenDir(rados.root, -1, [])
        assert gdal.GetNextDirEntry(directory) is not None
        with paused(ceph, "osd"), Errors() as errors:
            found = 1
            while gdal.GetNextDirEntry(directory) is not None:
                found += 1
            assert found < 2000
            assert "listing: no answer within 2 s" in errors.failures[0]
            assert gdal.GetNextDirEntry(directory) is None
            assert len(errors.failures) == 1
        gdal.CloseDir(directory)


def test_a_monitor_that_hangs(rados, ceph):
    """Who is connected does not need it; who asks for a pool, or connects,
    does."""
    rados.put("a", b"x")
    with config(**TIMEOUT):
        assert vsi.size(rados.path("a")) == 1
        with paused(ceph, "mon"):
            assert vsi.read(rados.path("a")) == b"x"
            assert fails_in_time(
                lambda: gdal.VSIStatL("/vsirados/no-such-pool/a"),
                "no-such-pool", "no answer within 2 s") is None
            with config(ROK4_NETWORK_TIMEOUT="1"):
                assert fails_in_time(
                    lambda: gdal.VSIStatL(rados.path("a")), ceph.conf,
                    "connecting", "no answer within 1 s",
                    seconds=1) is None
        assert vsi.size("/vsirados/no-such-pool") is None


def test_threads_share_a_failing_connection(rados, ceph):
    """They wait together, not one after the other."""
    rados.put("a", b"x")
    found = []
    with config(ROK4_NETWORK_TIMEOUT="3"), paused(ceph, "mon"), \
            Errors():
        begun = time.monotonic()
        in_threads(lambda i: found.append(gdal.VSIStatL(rados.path("a"))), 8)
        assert time.monotonic() - begun < 5
    assert found == 8 * [None]


def test_timeouts_of_gdal_come_first(rados, ceph):
    with config(GDAL_HTTP_TIMEOUT="1.5", ROK4_NETWORK_TIMEOUT="30"):
        assert vsi.size(rados.path("a")) is None
        with paused(ceph, "osd"):
            fails_in_time(lambda: gdal.VSIStatL(rados.path("a")), "2 s")


@pytest.mark.parametrize("value", ["0", "-1", "soon", "1e300"])
def test_no_timeout_means_half_a_minute(rados, value):
    """It is never none."""
    with config(ROK4_NETWORK_TIMEOUT=value), \
            paused_for(rados.cluster, 0.5):
        assert vsi.size(rados.path("a")) is None


@contextlib.contextmanager
def paused_for(cluster, seconds):
    """The OSD stands still, and goes on after so many seconds."""
    pid = cluster.pid("osd")
    cluster.pause("osd")
    with subprocess.Popen(["sh", "-c", "sleep %g; kill -CONT %d" % (
            seconds, pid)]):
        yield


def test_a_server_that_is_slow_is_waited_for(rados, ceph):
    rados.put("a", BYTES[:4 * MIB])
    with config(**TIMEOUT), paused_for(ceph, 1):
        begun = time.monotonic()
        assert vsi.read(rados.path("a")) == BYTES[:4 * MIB]
        assert time.monotonic() - begun > 0.8


@pytest.mark.parametrize("name", ["osd", "mon"])
def test_a_server_that_is_started_anew(rados, ceph, name):
    rados.put("a", BYTES[:4 * MIB])
    with config(**TIMEOUT):
        file = gdal.VSIFOpenL(rados.path("a"), "rb")
        before = counters()["CONNECTIONS"]
        ceph.stop_server(name)
        if name == "osd":
            with Errors() as errors:
                gdal.VSIFSeekL(file, 20000, 0)
                assert not gdal.VSIFReadL(1, 50000, file)
            assert "no answer" in errors.failures[0]
        ceph.start_server(name)
        with Errors():
            wait_until(lambda: vsi.size(rados.path("a")), "it answers")
        gdal.VSIFSeekL(file, 20000, 0)
        assert bytes(gdal.VSIFReadL(1, 50000, file)) == BYTES[20000:70000]
        gdal.VSIFCloseL(file)
        assert vsi.write(rados.path("b"), b"new")
        assert counters()["CONNECTIONS"] == before


def test_a_client_that_is_shut_out(rados, ceph):
    """Its next call is on a new connection."""
    rados.put("a", BYTES[:50000])
    with config(ROK4_CEPH_USERNAME="client.reader", **TIMEOUT):
        file = gdal.VSIFOpenL(rados.path("a"), "rb")
        gdal.VSIFSeekL(file, 20000, 0)
        clients = [one for one in ceph.ask("mon.a", "sessions")
                   if one["entity_name"] == "client.reader"]
        assert clients
        before = counters()["CONNECTIONS"]
        for one in clients:
            ceph.mon_command(
                prefix="osd blocklist", blocklistop="add", expire=3600.0,
                addr="{addr}/{nonce}".format(**one["socket_addr"]))
        with Errors() as errors:
            wait_until(lambda: vsi.size(rados.path("a")) is None or
                       counters()["CONNECTIONS"] > before, "it is shut out")
            wait_until(lambda: vsi.size(rados.path("a")), "it is back")
        assert all("shut this client out" in text or "no answer" in text
                   for text in errors.failures), errors.failures
        assert bytes(gdal.VSIFReadL(1, 30000, file)) == BYTES[20000:50000]
        gdal.VSIFCloseL(file)
        assert counters()["CONNECTIONS"] == before + 1


def test_an_object_that_is_replaced(rados):
    """Bytes of two versions are never mixed."""
    rados.put("a", BYTES[:100000])
    file = gdal.VSIFOpenL(rados.path("a"), "rb")
    gdal.VSIFSeekL(file, 50000, 0)
    assert bytes(gdal.VSIFReadL(1, 10, file)) == BYTES[50000:50010]
    rados.put("a", BYTES[100000:200000])
    gdal.VSIFSeekL(file, 90000, 0)
    with Errors() as errors:
        assert not gdal.VSIFReadL(1, 10, file)
        rados.delete("a")
        assert not gdal.VSIFReadL(1, 10, file)
        rados.put("a", BYTES[:100000])
        assert not gdal.VSIFReadL(1, 10, file)
    assert len(errors.failures) == 3
    assert all(text.endswith("replaced or removed meanwhile")
               for text in errors.failures)
    gdal.VSIFCloseL(file)
    assert vsi.read(rados.path("a")) == BYTES[:100000]


def test_two_clusters(make_storage, ceph, second_ceph):
    """In one process, by options of their paths."""
    one = make_storage("RADOS", ceph)
    two = make_storage("RADOS", second_ceph)
    assert one.tray != two.tray
    one.settle_path()
    two.settle_path()
    assert vsi.write(one.path("a"), b"one")
    assert vsi.write(two.path("a"), b"two!")
    assert one.get("a") == b"one" and two.get("a") == b"two!"
    assert gdal.Rename(one.path("a"), two.path("N/b")) == 0
    assert one.list() == [] and two.get("N/b") == b"one"
    assert gdal.UnlinkBatch([one.path("a"), two.path("a"), two.path("N/b")])
    assert two.list() == []
    # The pool of one is none of the other.
    with one.settled(), Errors() as errors:
        gdal.ClearPathSpecificOptions(two.root)
        assert gdal.VSIStatL(two.path("a")) is None
    assert "does not exist" in errors.failures[0]


def test_a_user_who_may_only_read(rados, ceph):
    rados.put("a", BYTES[:50000])
    path = rados.path("a")
    with rados.settled(**ceph.rados_options("reader")):
        assert vsi.read(path) == BYTES[:50000]
        assert gdal.ReadDir(rados.root) == ["a"]
        assert vsi.size(rados.path("absent")) is None
        for call in (lambda: vsi.write(path, b"new"),
                     lambda: vsi.write(rados.path("b"), b"new"),
                     lambda: gdal.Unlink(path) == 0,
                     lambda: gdal.UnlinkBatch([path]),
                     lambda: gdal.Rename(path, rados.path("c")) == 0):
            with Errors() as errors:
                assert not call()
            assert len(errors.failures) == 1
            assert errors.failures[0].endswith("access denied")
    # The same without "client.".
    with config(ROK4_CEPH_USERNAME="reader"):
        assert vsi.size(path) == 50000
    assert rados.get_all() == {"a": BYTES[:50000]}


def new_user(ceph, name, osd, directory):
    """(key, options) of a client with these capabilities."""
    key = json.loads(ceph.mon_command(
        prefix="auth get-or-create", entity="client." + name,
        caps=["mon", "allow r", "osd", osd], format="json"))[0]["key"]
    return key, options_with_key(ceph, name, key, directory)


def options_with_key(ceph, name, key, directory):
    (directory / "keyring").write_text("[client.%s]\nkey = %s\n" % (name, key))
    with open(ceph.conf, encoding="utf-8") as file:
        (directory / "ceph.conf").write_text(file.read().replace(
            ceph.path("keyring"), str(directory / "keyring")))
    return {"ROK4_CEPH_CONFFILE": str(directory / "ceph.conf"),
            "ROK4_CEPH_USERNAME": "client." + name}


def test_a_user_of_another_pool(rados, ceph, tmp_path):
    """What is forbidden is not absent."""
    rados.put("a", b"x")
    key, options = new_user(ceph, "other", "allow rw pool=none", tmp_path)
    with config(**options):
        for call in (lambda: vsi.size(rados.path("a")),
                     lambda: vsi.size(rados.path("absent")),
                     lambda: vsi.read(rados.path("a")),
                     lambda: gdal.ReadDir(rados.root)):
            with Errors() as errors:
                assert call() is None
            assert errors.failures[0].endswith("access denied")
            assert key not in "".join(errors.texts())


def test_permissions_of_the_page(rados, ceph, tmp_path):
    """They are enough."""
    caps = re.findall("``mon 'allow r' osd '(.*?)'``",
                      rok4_doc.read("doc/user/vsirados.rst"))
    assert len(caps) == 2
    rados.put("a", BYTES[:50000])
    path = rados.path
    for i, osd in enumerate(caps):
        (tmp_path / str(i)).mkdir()
        _, options = new_user(ceph, "user%d" % i,
                              osd.replace("POOL", rados.tray),
                              tmp_path / str(i))
        with config(**options), Errors() as errors:
            assert vsi.read(path("a")) == BYTES[:50000]
            assert gdal.ReadDir(rados.root) == ["a"]
            assert gdal.GetFileMetadata(path("a"), "HEADERS")
            if i == 1:
                assert vsi.write(path("N/b"), b"new")
                assert gdal.Rename(path("N/b"), path("N/c")) == 0
                assert gdal.RmdirRecursive(path("N")) == 0
                assert gdal.Unlink(path("a")) == 0
        assert errors.texts() == []


@pytest.mark.parametrize("options,words", [
    ({"ROK4_CEPH_USERNAME": "client.stranger"}, "client.stranger"),
    ({"ROK4_CEPH_USERNAME": "no.such"}, "no.such: the name cannot be used"),
    ({"ROK4_CEPH_CONFFILE": "/nonexistent/ceph.conf"},
     "/nonexistent/ceph.conf as client.admin: the file cannot be used: "
     "does not exist"),
    ({"ROK4_CEPH_CONFFILE": os.devnull},
     "its monitors, or a keyring with its key: does not exist")])
def test_connections_that_cannot_be(rados, options, words):
    """The reason is told; that is no absence."""
    with config(**dict(TIMEOUT, **options)), Errors() as errors:
        begun = time.monotonic()
        assert vsi.size(rados.path("a")) is None
        assert time.monotonic() - begun < 10
        assert vsi.read(rados.path("a")) is None
    assert len(errors.failures) == 2
    for text in errors.failures:
        assert text.startswith(rados.path("a") + ": cluster ceph of ")
        assert words in text


def test_a_wrong_key(rados, ceph, tmp_path):
    wrong = "AQAAAAAAAAAAABAAAAAAAAAAAAAAAAAAAAAAAA=="
    options = options_with_key(ceph, "admin", wrong, tmp_path)
    with config(CPL_DEBUG="ON", **dict(TIMEOUT, **options)), \
            Errors() as errors:
        assert vsi.size(rados.path("a")) is None
    assert errors.failures[0].endswith("access denied")
    assert wrong not in "".join(text for _, _, text in errors)


def test_nothing_secret_is_told(rados, ceph):
    """Neither by messages, nor by librados itself on the standard streams."""
    rados.put("a", BYTES[:4 * MIB])
    code = """
from osgeo import gdal
for user in ("client.admin", "client.reader", "client.stranger"):
    gdal.SetConfigOption("ROK4_CEPH_USERNAME", user)
    gdal.VSIStatL("{root}a")
    f = gdal.VSIFOpenL("{root}b", "wb")
    if f:
        gdal.VSIFWriteL(b"x", 1, 1, f)
        gdal.VSIFCloseL(f)
""".format(root=rados.root)
    done = subprocess.run([sys.executable, "-c", code], timeout=60,
                          env=rados.environment(CPL_DEBUG="ON"), check=True,
                          capture_output=True, text=True)
    assert "VSIRADOS: stat" in done.stderr
    assert "access denied" in done.stderr
    for secret in ceph.secrets():
        assert secret not in done.stdout + done.stderr
    strange = [line for line in done.stderr.split("\n")
               if re.match(r"\d{4}-\d\d-\d\d", line)]
    assert strange == []


def test_sixteen_threads(rados):
    """Each with its own objects, and all with one."""
    rados.put("shared", BYTES[:4 * MIB])
    wrong = []

    def work(number):
        draw = random.Random(number)
        own = rados.path("own_%d" % number)
        for turn in range(25):
            data = BYTES[turn:turn + draw.randrange(40000)]
            if not vsi.write(own, data) or vsi.read(own) != data:
                wrong.append((number, turn, "own"))
            offset, nbytes = draw.randrange(MIB), draw.randrange(100000)
            if vsi.read(rados.path("shared"), offset, nbytes) != \
                    BYTES[offset:offset + nbytes]:
                wrong.append((number, turn, "shared"))
            if vsi.size(rados.path("absent_%d" % number)) is not None:
                wrong.append((number, turn, "absent"))
    before = counters()["CONNECTIONS"]
    with Errors() as errors:
        in_threads(work, 16)
    assert wrong == [] and errors.texts() == []
    assert counters()["CONNECTIONS"] <= before + 1
    assert len(rados.list()) == 17


FORKING = """
import os, sys
from osgeo import gdal
path = sys.argv[1]
file = gdal.VSIFOpenL(path, "rb")
gdal.VSIFSeekL(file, 100000, 0)
assert gdal.VSIFReadL(1, 50000, file)
children = []
for i in range(6):
    pid = os.fork()
    if pid == 0:
        good = (len(gdal.VSIFReadL(1, 50000, file)) == 50000 and
                gdal.VSIStatL(path).size == 4194304)
        made = gdal.VSIFOpenL(path + "_%d" % i, "wb")
        gdal.VSIFWriteL(b"x", 1, 1, made)
        good = good and gdal.VSIFCloseL(made) == 0
        gdal.VSIFCloseL(file)
        if i % 2:
            os._exit(0 if good else 1)
        sys.exit(0 if good else 1)
    children.append(pid)
assert len(gdal.VSIFReadL(1, 50000, file)) == 50000
gdal.VSIFCloseL(file)
sys.exit(any(os.waitpid(pid, 0)[1] for pid in children))
"""


def test_forked_processes(rados):
    """They read on, each over a connection of its own."""
    rados.put("a", BYTES[:4 * MIB])
    done = subprocess.run(
        [sys.executable, "-c", FORKING, rados.path("a")], timeout=60,
        env=rados.environment(ROK4_NETWORK_TIMEOUT="5"), check=False,
        capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert rados.list() == ["a"] + ["a_%d" % i for i in range(6)]


def test_a_program_ends_in_time(rados, ceph):
    """Though the cluster does not answer, and files are open."""
    rados.put("a", BYTES[:4 * MIB])
    code = ("import sys; from osgeo import gdal; "
            "f = gdal.VSIFOpenL(sys.argv[1], 'rb'); "
            "print('open', flush=True); sys.stdin.readline()")
    with subprocess.Popen([sys.executable, "-c", code, rados.path("a")],
                          env=rados.environment(**TIMEOUT),
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True) as program:
        assert program.stdout.readline() == "open\n"
        with paused(ceph, "mon", "osd"):
            program.stdin.write("end\n")
            program.stdin.close()
            assert program.wait(10) == 0
