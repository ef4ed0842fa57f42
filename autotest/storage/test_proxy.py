# SPDX-License-Identifier: MIT
"""The proxy that counts requests and injects faults."""

import concurrent.futures
import http.client
import random
import re
import time

import pytest

import fault_proxy as proxies
import vsi
from rok4_util import Errors

DATA = random.Random(1).randbytes(100000)
HALF = len(DATA) // 2


class Answer:
    """What a client of plain HTTP sees: status and body, or error."""

    def __init__(self, endpoint, path, method="GET", body=None, **headers):
        self.status = self.body = self.error = None
        begun = time.monotonic()
        one = http.client.HTTPConnection(endpoint, timeout=5)
        try:
            one.request(method, path, body, headers)
            response = one.getresponse()
            self.status = response.status
            self.body = response.read()
        except http.client.IncompleteRead as error:
            self.error, self.body = error, error.partial
        except OSError as error:
            self.error = error
        finally:
            one.close()
        self.seconds = time.monotonic() - begun


@pytest.fixture
def place(make_storage):
    """Files behind nginx, with the proxy before it."""
    one = make_storage("HTTP")
    one.put("a", DATA)
    yield one
    one.proxy.clear()


def get(place, **headers):
    return Answer(place.proxy.endpoint, place.url_path + "a", **headers)


def test_passes_on_what_it_gets(place):
    place.proxy.clear()
    answer = get(place)
    assert (answer.status, answer.body) == (200, DATA)
    answer = get(place, Range="bytes=10-19")
    assert (answer.status, answer.body) == (206, DATA[10:20])
    answer = Answer(place.proxy.endpoint, place.url_path + "a", "HEAD")
    assert (answer.status, answer.body) == (200, b"")
    answer = Answer(place.proxy.endpoint, place.url_path + "b?Signature=x&c=1")
    assert answer.status == 404
    found = place.proxy.requests()
    assert [(one.method, one.path, one.range, one.status, one.fault)
            for one in found] == [
        ("GET", place.url_path + "a", None, 200, None),
        ("GET", place.url_path + "a", "bytes=10-19", 206, None),
        ("HEAD", place.url_path + "a", None, 200, None),
        ("GET", place.url_path + "b?c=1", None, 404, None)]
    assert [one.sent for one in found[:3]] == [len(DATA), 10, 0]


@pytest.mark.parametrize("status", proxies.STATUSES)
def test_statuses(place, status):
    place.proxy.inject(rates={status: 1})
    answer = get(place)
    assert answer.status == int(status) and answer.body != DATA
    assert place.proxy.counts() == {status: 1}


@pytest.mark.parametrize("fault,bytes_seen", [
    ("reset", None), ("lost", None), ("midreset", HALF), ("trunc", HALF)])
def test_connections_that_end(place, fault, bytes_seen):
    place.proxy.inject(rates={fault: 1})
    answer = get(place)
    assert answer.error is not None
    if fault == "trunc":
        assert isinstance(answer.error, http.client.IncompleteRead)
        assert answer.body == DATA[:HALF]
    else:
        assert isinstance(answer.error, ConnectionResetError)
    if bytes_seen is not None:
        assert place.proxy.requests()[0].sent == bytes_seen
    assert place.proxy.counts() == {fault: 1}


@pytest.mark.parametrize("fault", ["stall", "midstall"])
def test_stalls(place, fault):
    place.proxy.inject(rates={fault: 1}, stall_s=0.5)
    answer = get(place)
    assert isinstance(answer.error, ConnectionResetError)
    assert 0.4 < answer.seconds < 4
    assert place.proxy.counts() == {fault: 1}


def test_slow(place):
    place.proxy.inject(rates={"slow": 1}, delay_s=0.3)
    answer = get(place)
    assert answer.body == DATA and answer.seconds > 0.25
    assert place.proxy.counts() == {"slow": 1}


def test_bodies_that_are_wrong(place):
    place.proxy.inject(rates={"short": 1})
    answer = get(place, Range="bytes=0-99")
    assert (answer.status, answer.body) == (206, DATA[:50])
    place.proxy.inject(rates={"garbled": 1})
    answer = get(place)
    assert answer.status == 200 and len(answer.body) == len(DATA)
    assert [i for i in range(len(DATA))
            if answer.body[i] != DATA[i]] == [HALF]
    place.proxy.inject(rates={"norange": 1})
    answer = get(place, Range="bytes=0-99")
    assert (answer.status, answer.body) == (200, DATA)
    assert place.proxy.requests()[0].range == "bytes=0-99"
    assert get(place).body == DATA
    assert place.proxy.counts() == {"norange": 1, None: 1}


@pytest.mark.parametrize("kind", ["S3", "SWIFT_V1", "SWIFT_V3"])
@pytest.mark.parametrize("fault", ["cut", "lost", "reset", "503"])
def test_writing(make_storage, kind, fault):
    """What a server makes of half a body; an answer that nobody gets."""
    place = make_storage(kind)
    with place.through(rates={fault: 1}, match="^PUT .*/a", limit=1) as proxy:
        with Errors():
            written = vsi.write(place.path("a"), DATA)
        assert proxy.counts()[fault] == 1
        asked = [one for one in proxy.requests() if one.method == "PUT"]
    assert asked[0].received > 0 or fault in ("reset", "503")
    assert place.get("a") == (DATA if fault == "lost" else None)
    assert not written


def test_each_fault_reaches_gdal(faulty_storage):
    """Through signatures, tokens and all. Right pixels or short reads: never
    other bytes, but those that were garbled."""
    storage = faulty_storage
    storage.put("N/a", DATA)
    seen = {}
    for fault in proxies.FAULTS:
        with storage.through(rates={fault: 1}, match="^GET .*/N/a", stall_s=1,
                             delay_s=0.1) as proxy:
            with storage.settled(GDAL_HTTP_TIMEOUT="3"), Errors():
                found = vsi.read(storage.path("N/a"), 0, 50000)
            seen[fault] = found == DATA[:50000]
            assert fault == "garbled" or DATA.startswith(found or b"")
            count = proxy.counts()[fault]
            assert count >= 1 or fault == "cut", fault
    assert seen["slow"] and seen["cut"]
    assert not seen["503"] and not seen["reset"] and not seen["garbled"]
    assert vsi.read(storage.path("N/a"), 0, 50000) == DATA[:50000]


def paths_with_fault(place, seed, workers):
    place.proxy.inject(rates={"503": 0.2, "reset": 0.1}, seed=seed)
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        list(pool.map(lambda i: Answer(
            place.proxy.endpoint, "%s%d" % (place.url_path, i // 2)),
            range(200)))
    found = place.proxy.requests()
    assert len(found) == 200
    return sorted((one.path, one.fault or "") for one in found)


def test_runs_repeat(place):
    """The same seed, the same faults, whatever the order."""
    first = paths_with_fault(place, 5, 1)
    assert paths_with_fault(place, 5, 8) == first
    assert paths_with_fault(place, 6, 8) != first
    faults = [fault for _, fault in first]
    assert 20 < faults.count("503") < 60
    assert 5 < faults.count("reset") < 40


def test_rules(place):
    """match, first, limit; the next rules start anew."""
    place.proxy.inject(rates={"500": 1}, match="^HEAD")
    assert get(place).status == 200
    place.proxy.inject(rates={"500": 1}, first=2)
    assert [get(place).status for _ in range(4)] == [500, 500, 200, 200]
    assert get(place, Range="bytes=1-2").status == 500
    place.proxy.inject(rates={"500": 1}, limit=3)
    assert [get(place).status for _ in range(5)] == 3 * [500] + 2 * [200]
    place.proxy.clear()
    assert place.proxy.requests() == [] and get(place).status == 200
    with pytest.raises(ValueError):
        place.proxy.inject(rates={"501": 1})
    with pytest.raises(ValueError):
        place.proxy.inject(rates={"500": 0.6, "502": 0.6})
    with pytest.raises(ValueError):
        place.proxy.inject(seeds=1)


def test_latency_and_rounds(place):
    """Eight at a time, three times: three round trips of 50 ms."""
    place.proxy.inject(latency_s=0.05)
    begun = time.monotonic()
    for _ in range(3):
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: get(place), range(8)))
    assert time.monotonic() - begun > 0.15
    found = place.proxy.requests()
    assert len(found) == 24
    assert proxies.rounds(found) == 3
    assert 2 <= proxies.most_at_once(found) <= 8
    assert all(one.ended - one.started >= 0.05 for one in found)


def test_server_that_is_away(place, web):
    """The client of the proxy sees an error, and no answer."""
    assert get(place).status == 200
    web.stop("nginx")
    try:
        assert isinstance(get(place).error, OSError)
    finally:
        web.start_again()
    assert get(place).status == 200


def test_log_has_no_secrets(s3, ceph):
    """Neither in signed URLs."""
    s3.put("a", DATA)
    url = s3.client.generate_presigned_url(
        "get_object", Params={"Bucket": s3.tray, "Key": "a"}, ExpiresIn=60)
    path = url.partition(ceph.endpoint)[2]
    # The signature is that of the gateway's name, which the client sends.
    with s3.through() as proxy:
        answer = Answer(proxy.endpoint, path, Host=ceph.endpoint)
        assert answer.body == DATA
        assert vsi.read(s3.path("a")) == DATA
        text = str(proxy.requests())
    assert not re.search("(?i)signature|credential|amz", text)
    assert not any(secret in text for secret in ceph.secrets())
