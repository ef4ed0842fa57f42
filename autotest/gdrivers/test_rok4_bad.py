# SPDX-License-Identifier: MIT
"""Bad and borderline inputs, each opened and read whole in a process of
1 GiB and 20 s: no crash, no hang, no silent success, no failure without a
message, no control refused."""

import concurrent.futures
import queue
import zlib

import pytest

import rok4_bad
import rok4_bad_slab
import rok4_bad_tms
import rok4_child
import rok4_decode

CASES = {}
for module in (rok4_bad, rok4_bad_tms, rok4_bad_slab):
    for case in module.cases():
        assert case.title not in CASES, case.title
        CASES[case.title] = case


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """Runs every case, two at a time."""
    servers = queue.Queue()
    for _ in range(2):
        servers.put(rok4_child.Server())
    root = tmp_path_factory.mktemp("bad")

    def run(number, case):
        place = root / str(number)
        place.mkdir()
        name = case.build(place)
        server = servers.get()
        try:
            answer = server.ask({
                "name": name, "near": case.near, "config": case.config,
                "options": ["TMS_DIRECTORY=" + str(place)] + case.options})
        finally:
            servers.put(server)
        answer["place"] = place
        return answer

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        futures = {title: pool.submit(run, i, case)
                   for i, (title, case) in enumerate(CASES.items())}
        out = {title: f.result() for title, f in futures.items()}
    while not servers.empty():
        servers.get().close()
    return out


def test_number_of_cases():
    assert len(CASES) >= 220
    assert sum(case.expect == "ok" for case in CASES.values()) >= 30


@pytest.mark.parametrize("title", CASES)
def test_case(title, answers):
    case, answer = CASES[title], answers[title]
    assert answer["status"] == 0, "ended with status %d after %.1f s" % (
        answer["status"], answer["seconds"])
    assert answer["seconds"] < rok4_child.SECONDS
    opened, errors = answer["open"], answer["errors"]
    total, failed, silent = answer.get("reads", (0, 0, 0))
    assert silent == 0, "a read failed without a message"
    if not opened:
        assert errors, "refused without a message"
        assert case.expect in ("open", "fail", "any"), errors
    elif case.expect == "ok":
        assert failed == 0 and not errors, errors
    elif case.expect == "read":
        assert failed, "no read failed"
        check_neighbours(case, answer)
    elif case.expect == "fail":
        assert failed
    else:
        assert case.expect == "any", "was opened"
    if case.expect not in ("ok", "any") or (case.expect == "any" and errors
                                            and case.words):
        if case.expect == "any":
            return
        assert any(all(word in text for word in case.words)
                   for text in errors), errors
    for text in errors:
        assert text.isprintable() and not text.endswith((".", " ", "\n"))


def check_neighbours(case, answer):
    """Tiles beside the damage hold what an independent decoder finds."""
    place = answer["place"]
    pyramid = rok4_decode.Pyramid(str(place / "N.json"), place)
    level = pyramid.levels[0]
    assert len(answer["near"]) == len(case.near)
    for (x, y, width, height), crc in zip(case.near, answer["near"]):
        assert crc is not None, answer["near_errors"]
        tile = pyramid.tile(level, level.limits[0] + x // 64,
                            level.limits[1] + y // 64)
        if pyramid.codec != "JPG":
            planes = tile.transpose(2, 0, 1).tobytes()
            assert crc == zlib.crc32(planes)
