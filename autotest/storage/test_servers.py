# SPDX-License-Identifier: MIT
"""The servers that the tests of storages stand on."""

import http.client
import json
import os
import random
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest
import rados as librados
from osgeo import gdal

import vsi
from rok4_util import Errors, config
from servers import (HERE, ServerError, Servers, listens, start_time,
                     wait_until)

DATA = random.Random(1).randbytes(51200)


def answer(endpoint, path="/", **headers):
    """(status, body)"""
    one = http.client.HTTPConnection(endpoint, timeout=10)
    try:
        one.request("GET", path, headers=headers)
        response = one.getresponse()
        return response.status, response.read()
    finally:
        one.close()


def test_cluster_runs_and_is_taken(ceph):
    """All servers run; who starts it again takes what runs."""
    before = {name: ceph.pid(name) for name in ceph.names()}
    assert set(before) == {"mon", "osd", "rgw", "keystone"}
    assert all(before.values())
    again = type(ceph)(ceph.directory)
    again.start()
    assert {name: again.pid(name) for name in again.names()} == before
    assert again.settings == ceph.settings
    assert b"HEALTH" in ceph.mon_command(prefix="health")


def test_strangers_are_refused(ceph):
    """cephx, signatures, tokens and passwords are looked at."""
    with pytest.raises(librados.PermissionDeniedError):
        ceph.connect(key="AQAAAAAAAAAAABAAAAAAAAAAAAAAAAAAAAAAAA==",
                     keyring="")
    ceph.make_bucket("closed")
    assert answer(ceph.endpoint, "/closed")[0] == 403
    assert answer(ceph.endpoint, "/swift/v1/closed/a")[0] == 401
    assert answer(ceph.endpoint, "/auth/v1.0", **{
        "X-Auth-User": "rok4:swift", "X-Auth-Key": "wrong"})[0] == 401
    ceph.remove_bucket("closed")
    request = urllib.request.Request(
        "http://127.0.0.1:%d/v3/auth/tokens" % ceph.settings["keystone_port"],
        json.dumps({"auth": {"identity": {"password": {"user": {
            "name": "swift", "password": "wrong"}}}}}).encode())
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(request, timeout=10)


def test_gdal_reads(storage):
    storage.put("N/DATA_1_2_3", DATA)
    path = storage.path("N/DATA_1_2_3")
    assert vsi.size(path) == len(DATA)
    assert vsi.read(path) == DATA
    assert vsi.read(path, 1000, 300) == DATA[1000:1300]
    assert vsi.size(storage.path("N/absent")) is None


def test_gdal_writes(writable_storage):
    storage = writable_storage
    if storage.kind == "FILE":
        os.mkdir(storage.path("N"))
    assert vsi.write(storage.path("N/a"), DATA)
    assert vsi.write(storage.path("N/b"), b"x")
    assert storage.get("N/a") == DATA
    assert storage.list() == ["N/a", "N/b"]
    assert gdal.Unlink(storage.path("N/b")) == 0
    assert storage.list() == ["N/a"]


@pytest.mark.parametrize("kind", ["FILE", "S3", "SWIFT_V1", "SWIFT_V3",
                                  "RADOS", "HTTP"])
def test_places_are_looked_at_without_gdal(make_storage, kind):
    place, other = make_storage(kind), make_storage(kind)
    assert place.list() == [] and place.get("N/a") is None
    objects = {"N/a": DATA, "N/b c/é": b"", "O": b"o"}
    place.put_all(objects)
    assert place.get_all() == objects
    assert place.list("N/") == ["N/a", "N/b c/é"]
    place.delete("N/a")
    assert place.list() == ["N/b c/é", "O"]
    assert other.list() == []


def test_programs_reach_it(writable_storage):
    storage = writable_storage
    storage.put("a.txt", DATA)
    code = ("from osgeo import gdal; f = gdal.VSIFOpenL('%s', 'rb'); "
            "print(len(gdal.VSIFReadL(1, 99999, f)))" % storage.path("a.txt"))
    out = subprocess.run([sys.executable, "-c", code], timeout=60, text=True,
                         env=storage.environment(), capture_output=True,
                         check=True)
    assert out.stdout.strip() == str(len(DATA))


def test_user_who_may_only_get(s3, ceph):
    """What is absent is forbidden to those who may not list."""
    s3.put("a", DATA)
    with s3.settled(**ceph.s3_options("reader")):
        with Errors():
            assert not vsi.read(s3.path("a"))
    ceph.allow(s3.tray, ["s3:GetObject"])
    with s3.settled(**ceph.s3_options("reader")):
        assert vsi.read(s3.path("a")) == DATA
        with Errors():
            assert not vsi.write(s3.path("b"), b"x")
    client = ceph.s3("reader")
    with pytest.raises(client.exceptions.ClientError, match="403|Forbidden|"
                       "AccessDenied"):
        client.get_object(Bucket=s3.tray, Key="absent")
    assert s3.list() == ["a"]


def test_everybody_may_get(s3, ceph):
    s3.put("a", DATA)
    place = "/%s/a" % s3.tray
    assert answer(ceph.endpoint, place)[0] == 403
    ceph.allow(s3.tray, ["s3:GetObject"], None)
    assert answer(ceph.endpoint, place) == (200, DATA)


def test_swift_user_who_may_only_read(swift_v1, ceph):
    swift_v1.put("a", DATA)
    with swift_v1.settled(**ceph.swift_v1_options("reader")):
        assert vsi.read(swift_v1.path("a")) == DATA
        with Errors():
            assert not vsi.write(swift_v1.path("b"), b"x")
    assert swift_v1.list() == ["a"]


def test_rados_user_who_may_only_read(make_storage, ceph):
    pool = make_storage("RADOS")
    pool.put("a", DATA)
    connection = ceph.connect("reader")
    with connection.open_ioctx(pool.tray) as ioctx:
        assert ioctx.read("a", len(DATA)) == DATA
        with pytest.raises(librados.PermissionError):
            ioctx.write_full("b", b"x")
    connection.shutdown()
    assert pool.list() == ["a"]


def test_two_clusters(make_storage, ceph, second_ceph):
    """At the same time, with options for each path."""
    assert ceph.settings["fsid"] != second_ceph.settings["fsid"]
    one = make_storage("S3", ceph)
    two = make_storage("S3", second_ceph)
    one.put("a", b"one")
    two.put("a", b"two")
    one.settle_path()
    two.settle_path()
    gdal.VSICurlClearCache()
    assert vsi.read(one.path("a")) == b"one"
    assert vsi.read(two.path("a")) == b"two"
    pools = make_storage("RADOS", ceph), make_storage("RADOS", second_ceph)
    pools[0].put("a", b"one")
    assert pools[1].get("a") is None


def test_gateway_that_ends(s3, ceph):
    s3.put("a", DATA)
    assert vsi.read(s3.path("a")) == DATA
    ceph.stop_server("rgw", kill=True)
    with s3.settled(), Errors():
        assert not vsi.read(s3.path("a"))
    ceph.start_server("rgw")
    with s3.settled():
        assert vsi.read(s3.path("a")) == DATA


def test_gateway_that_hangs(s3, ceph):
    s3.put("a", DATA)
    ceph.pause("rgw")
    try:
        with s3.settled(GDAL_HTTP_TIMEOUT="1"), Errors():
            begun = time.monotonic()
            assert not vsi.read(s3.path("a"))
            assert time.monotonic() - begun < 10
    finally:
        ceph.resume("rgw")
    with s3.settled():
        assert vsi.read(s3.path("a")) == DATA


@pytest.mark.parametrize("way", ["stop", "pause"])
def test_osd_that_ends(make_storage, ceph, way):
    """Whoever waits is told so; the objects are there afterwards."""
    pool = make_storage("RADOS")
    pool.put("a", DATA)
    connection = ceph.connect(rados_osd_op_timeout="3")
    with connection.open_ioctx(pool.tray) as ioctx:
        {"stop": ceph.stop_server, "pause": ceph.pause}[way]("osd")
        try:
            with pytest.raises(librados.TimedOut):
                ioctx.read("a", 10)
        finally:
            {"stop": ceph.start_server, "pause": ceph.resume}[way]("osd")
        wait_until(lambda: reads(ioctx), "the object is read")
    connection.shutdown()
    assert pool.get("a") == DATA


def reads(ioctx):
    try:
        return ioctx.read("a", 10) == DATA[:10]
    except librados.TimedOut:
        return False


def test_osd_that_is_killed(make_storage, ceph, durable_ceph):
    with pytest.raises(ServerError, match="memory"):
        ceph.stop_server("osd", kill=True)
    pool = make_storage("RADOS", durable_ceph)
    pool.put("a", DATA)
    durable_ceph.stop_server("osd", kill=True)
    durable_ceph.start_server("osd")
    assert pool.get("a") == DATA


def test_requests_are_counted(counted_storage):
    storage = counted_storage
    storage.put("N/a", DATA)
    path = storage.path
    with storage.watched() as asked:
        assert vsi.read(path("N/a"), 1000, 300) == DATA[1000:1300]
        found = [one for one in asked() if one.name == "N/a"]
        first, count = found[-1].range
        assert first <= 1000 and first + count >= 1300
        assert {one.method for one in found} <= {"GET", "HEAD"}
        assert all(one.ended >= one.started for one in found)
        count = len(asked())
        if storage.can_write:
            assert vsi.write(path("N/b"), b"x")
            assert "PUT" in {one.method for one in asked()[count:]
                             if one.name == "N/b"}
    with storage.watched() as asked:
        assert asked() == []
        gdal.ReadDir(path())
        if storage.kind != "HTTP":
            assert [one.name for one in asked() if one.method == "LIST"]


def test_nginx(make_storage, web):
    place, whole = make_storage("HTTP"), make_storage("HTTP", whole=True)
    for one in (place, whole):
        one.put("a", DATA)
    assert answer(web.endpoint, place.url_path + "a",
                  Range="bytes=5-9") == (206, DATA[5:10])
    assert answer(web.whole_endpoint, whole.url_path + "a",
                  Range="bytes=5-9") == (200, DATA)
    os.makedirs(os.path.join(web.www, "forbidden"), exist_ok=True)
    assert answer(web.endpoint, "/forbidden/a")[0] == 403
    assert answer(web.endpoint, place.url_path + "b")[0] == 404
    pid = web.pid("nginx")
    web.stop("nginx")
    assert not listens(web.port)
    web.start_again()
    assert web.pid("nginx") != pid
    assert answer(web.endpoint, place.url_path + "a") == (200, DATA)


def test_servers_end_with_who_started_them(tmp_path):
    """Even when that is killed."""
    place = tmp_path / "guarded"
    place.mkdir()
    code = ("import sys; sys.path.insert(0, %r); import web_server; "
            "w = web_server.WebServer(%r); w.guard(); w.start(); "
            "print(w.pid('nginx'), flush=True); sys.stdin.read()"
            % (HERE, str(place)))
    with subprocess.Popen([sys.executable, "-c", code],
                          stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as owner:
        pid = int(owner.stdout.readline())
        assert Servers(place).pid("nginx") == pid
        owner.send_signal(signal.SIGKILL)
    wait_until(lambda: not place.exists(), "the directory goes")
    assert start_time(pid) == ""


def test_only_own_processes_are_ended(tmp_path):
    """Neither one of another directory, nor a later one of the same number."""
    servers = Servers(tmp_path)
    servers.make_directories()
    with subprocess.Popen(["sleep", "60"]) as other:
        with open("/proc/%d/stat" % other.pid, encoding="ascii") as file:
            started = file.read().split()[21]
        for said in ("%d %s" % (other.pid, started), "%d 1" % other.pid,
                     "%d" % other.pid, ""):
            servers.make_directories()
            (tmp_path / "pids" / "sleep").write_text(said)
            assert servers.pid("sleep") is None
            servers.stop_all()
            assert other.poll() is None
        other.kill()


def test_servers_that_do_not_start(tmp_path):
    servers = Servers(tmp_path)
    servers.make_directories()
    servers.launch("bad", ["sh", "-c", "echo no; exit 3",
                           servers.directory])
    wait_until(lambda: servers.pid("bad") is None, "bad ends")
    with pytest.raises(ServerError, match="no"):
        servers.check("bad")
    with pytest.raises(ServerError, match="too long"):
        Servers("/" + 100 * "x")


def test_settings_of_rok4(ceph):
    """They name the same servers."""
    options = ceph.rok4_options()
    with config(**options):
        assert gdal.GetConfigOption("ROK4_S3_URL").endswith(ceph.endpoint)
    assert answer(ceph.endpoint, "/auth/v1.0", **{
        "X-Auth-User": "%s:%s" % (options["ROK4_SWIFT_ACCOUNT"],
                                  options["ROK4_SWIFT_USER"]),
        "X-Auth-Key": options["ROK4_SWIFT_PASSWD"]})[0] in (200, 204)
    assert len(ceph.secrets()) == 10
    assert set(options.values()) & set(ceph.secrets()) == {
        options["ROK4_S3_SECRETKEY"], options["ROK4_SWIFT_PASSWD"]}
