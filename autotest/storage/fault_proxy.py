# SPDX-License-Identifier: MIT
"""A proxy that logs what is asked of an HTTP server, and injects faults.

The proxy is a process of its own (proxy_server.py), which FaultProxy tells
what to do, and which ends with it. The server sees each request as it was
sent, with its Host header, on which signatures depend."""

import collections
import json
import os
import subprocess
import threading

from servers import HERE, PYTHON, ServerError

# One request: "GET", path without signatures, value of Range or None, status
# sent or None, bytes of the body received and sent, fault or None, and seconds
# since the proxy started when it came and when all was sent.
Request = collections.namedtuple(
    "Request", "method path range status received sent fault started ended")

# What can happen to a request, instead of its answer or to that.
STATUSES = "429", "500", "502", "503", "504"
FAULTS = STATUSES + (
    "reset",     # the connection, before the server sees the request
    "stall",     # no answer, for stall_s, then a reset
    "slow",      # as it should be, after delay_s
    "lost",      # the server has done it; a reset instead of the answer
    "cut",       # the server gets half the body of the request, then a reset
    "midreset",  # half the body of the answer, then a reset
    "midstall",  # half the body of the answer, then nothing for stall_s
    "trunc",     # half the body of the answer, then an orderly end
    "short",     # half the body, under a Content-Length that says just that
    "garbled",   # one byte of the body is another
    "norange",   # the whole object, whatever range was asked for
    "401")       # the token or signature is no good
# Of these, those that are answers.
REFUSALS = STATUSES + ("401",)
# What is in their bodies.
BODIES = {"xml": '<?xml version="1.0"?><Error><Code>SlowDown</Code></Error>',
          "html": "<html><h1>Service Unavailable</h1><p>Not now.</p></html>",
          "none": ""}

DEFAULTS = {"seed": 1, "match": "", "rates": {}, "first": 0, "limit": 0,
            "latency_s": 0.0, "delay_s": 0.5, "stall_s": 60.0, "body": "xml"}


class FaultProxy:
    """A proxy on loopback before HOST:PORT, in a process of its own."""

    def __init__(self, target):
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [PYTHON, os.path.join(HERE, "proxy_server.py"), target],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            start_new_session=True)
        self.port = self._ask()["port"]

    def _ask(self, **question):
        with self._lock:
            if question:
                self._process.stdin.write(json.dumps(question).encode() +
                                          b"\n")
                self._process.stdin.flush()
            answer = self._process.stdout.readline()
        if not answer:
            raise ServerError("the proxy has ended")
        return json.loads(answer)

    @property
    def endpoint(self):
        return "127.0.0.1:%d" % self.port

    def inject(self, *, rates=None, **rules):
        """Starts anew: no rules but these, empty log, attempts from 1.

        rates: how often each of FAULTS, {"503": 0.3}; a request has one at
        most. Which requests depends on seed, method, path, range, and how
        often that was asked, so that runs repeat whatever the order of
        threads. match: a regular expression; only requests whose
        "METHOD /path RANGE" has a match. first: only the first so many times
        that the same is asked, 0 for always. limit: so many faults in all, 0
        for no limit. latency_s: how long every request is held. delay_s and
        stall_s: how long "slow" and "stall" are. body: of BODIES, that of a
        refusal."""
        unknown = (set(rates or ()) - set(FAULTS)) | (set(rules) -
                                                      set(DEFAULTS))
        if unknown or sum((rates or {}).values()) > 1 + 1e-9:
            raise ValueError("unknown %s, or rates above 1" % sorted(unknown))
        self._ask(rules=dict(DEFAULTS, rates=rates or {}, **rules))

    def clear(self):
        """No faults, empty log."""
        self.inject()

    def requests(self):
        """All since the last clear() or inject(), in the order they came."""
        return [Request(*entry) for entry in self._ask(give="log")["log"]]

    def counts(self):
        """How many had each fault, {"503": 12}, and None for no fault."""
        return collections.Counter(
            request.fault for request in self.requests())

    def close(self):
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()


def most_at_once(requests):
    """How many were under way at the same time."""
    events = sorted([(request.started, 1) for request in requests] +
                    [(request.ended, -1) for request in requests])
    most = now = 0
    for _, step in events:
        now += step
        most = max(most, now)
    return most


def rounds(requests):
    """How often one came while no other was under way: round trips that could
    not be had at the same time."""
    count, end = 0, float("-inf")
    for request in sorted(requests, key=lambda request: request.started):
        count += request.started > end
        end = max(end, request.ended)
    return count
