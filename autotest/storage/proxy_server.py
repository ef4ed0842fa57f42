# SPDX-License-Identifier: MIT
"""The process of fault_proxy.py. Usage: proxy_server.py HOST:PORT

Reads one JSON question a line from standard input, answers with one line, and
ends when that is closed."""

import asyncio
import collections
import json
import random
import re
import socket
import struct
import sys
import time
import urllib.parse

from fault_proxy import BODIES, DEFAULTS, REFUSALS

PIECE_BYTES = 1 << 16
MAX_HEAD_BYTES = 1 << 20
MAX_LOG = 200000
# Servers close connections that nobody uses.
MAX_IDLE_SECONDS = 5
# Parameters that differ with each run, or that are secret.
UNSTABLE = re.compile(r"(?i)^(x-amz-.*|signature|awsaccesskeyid|expires|"
                      r"uploadid)$")


class Broken(Exception):
    """The client's connection is to be reset."""


class Head:
    """A first line and its header lines, names as they were sent."""

    def __init__(self, raw):
        lines = raw.decode("latin-1").split("\r\n")
        self.first = lines[0]
        self.fields = [line.partition(":")[::2] for line in lines[1:-2]]

    def get(self, name, default=None):
        for key, value in self.fields:
            if key.lower() == name:
                return value.strip()
        return default

    def drop(self, name):
        self.fields = [field for field in self.fields
                       if field[0].lower() != name]

    def put(self, name, value):
        self.drop(name.lower())
        self.fields.append((name, " " + value))

    def raw(self):
        lines = [self.first] + [":".join(field) for field in self.fields]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


async def read_head(reader):
    return Head(await reader.readuntil(b"\r\n\r\n"))


async def body_of(head, reader):
    """The pieces of a body, without what frames chunks."""
    if head.get("transfer-encoding", "").lower() == "chunked":
        while True:
            nbytes = int((await reader.readline()).split(b";")[0], 16)
            if nbytes:
                yield await reader.readexactly(nbytes)
            await reader.readline()
            if not nbytes:
                return
    left = int(head.get("content-length", "0"))
    while left:
        piece = await reader.read(min(left, PIECE_BYTES))
        if not piece:
            raise asyncio.IncompleteReadError(b"", left)
        left -= len(piece)
        yield piece


def reset(writer):
    """Ends the connection so that the other side sees an error."""
    one = writer.get_extra_info("socket")
    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                   struct.pack("ii", 1, 0))
    writer.transport.abort()


def stable_path(path):
    """The path without the parameters of UNSTABLE."""
    place, _, query = path.partition("?")
    kept = [part for part in query.split("&") if part and not UNSTABLE.match(
        urllib.parse.unquote(part.partition("=")[0]))]
    return place + ("?" + "&".join(kept) if kept else "")


class Proxy:
    def __init__(self, target):
        self.host, _, port = target.rpartition(":")
        self.port = int(port)
        self.began = time.monotonic()
        self.set(dict(DEFAULTS))

    def set(self, rules):
        self.rules = rules
        self.match = re.compile(rules["match"])
        self.attempts = collections.Counter()
        self.faults = 0
        self.log = []

    def now(self):
        return time.monotonic() - self.began

    def enter(self, head):
        """A new entry of the log; lists are as Request in fault_proxy.py."""
        method, path = head.first.split(" ")[:2]
        entry = [method, stable_path(path), head.get("range"), None, 0, 0,
                 None, self.now(), None]
        if len(self.log) < MAX_LOG:
            self.log.append(entry)
        return entry

    def draw(self, entry):
        """Which fault the request shall have, or None."""
        rules = self.rules
        key = "%s %s %s" % (entry[0], entry[1], entry[2] or "")
        self.attempts[key] += 1
        attempt = self.attempts[key]
        if (not self.match.search(key) or
                (rules["first"] and attempt > rules["first"]) or
                (rules["limit"] and self.faults >= rules["limit"])):
            return None
        lot = random.Random("%s %s %d" % (rules["seed"], key,
                                          attempt)).random()
        for name, rate in sorted(rules["rates"].items()):
            lot -= rate
            if lot < 0:
                return name
        return None

    def strike(self, entry, fault):
        """The fault happens."""
        entry[6] = fault
        self.faults += 1

    def leave(self, entry, status=None):
        entry[3] = status
        entry[8] = self.now()


class Client:
    """One connection of a client, and that to the server for it."""

    def __init__(self, proxy, reader, writer):
        self.proxy, self.reader, self.writer = proxy, reader, writer
        self.up_reader = self.up_writer = None
        self.up_used = 0.0

    async def serve(self):
        entry = None
        try:
            while True:
                head = await read_head(self.reader)
                entry = self.proxy.enter(head)
                await self.request(head, entry)
                if head.get("connection", "").lower() == "close":
                    break
        except (Broken, OSError, asyncio.IncompleteReadError,
                asyncio.LimitOverrunError):
            # An end between two requests is not a fault.
            if entry is not None and entry[8] is None:
                self.proxy.leave(entry, entry[3])
                reset(self.writer)
        finally:
            for writer in (self.writer, self.up_writer):
                if writer is not None:
                    writer.close()

    async def request(self, head, entry):
        proxy = self.proxy
        fault = proxy.draw(entry)
        await asyncio.sleep(proxy.rules["latency_s"])
        if fault == "slow":
            proxy.strike(entry, fault)
            await asyncio.sleep(proxy.rules["delay_s"])
        elif fault == "reset":
            proxy.strike(entry, fault)
            raise Broken
        elif fault == "stall":
            proxy.strike(entry, fault)
            await self.stall()
        elif fault == "norange" and head.get("range"):
            proxy.strike(entry, fault)
            head.drop("range")
        if head.get("expect"):
            head.drop("expect")
            if fault not in REFUSALS:
                self.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            else:
                await self.refuse(fault, entry)
                raise Broken
        if fault in REFUSALS:
            async for piece in body_of(head, self.reader):
                entry[4] += len(piece)
            await self.refuse(fault, entry)
            return
        await self.pass_on(head, entry, fault)
        answer = await read_head(self.up_reader)
        if fault == "lost":
            proxy.strike(entry, fault)
            raise Broken
        await self.answer(answer, entry, fault)

    async def stall(self):
        """Until the client has enough of it, but not for ever."""
        try:
            await asyncio.wait_for(self.reader.read(1),
                                   self.proxy.rules["stall_s"])
        except asyncio.TimeoutError:
            pass
        raise Broken

    async def refuse(self, status, entry):
        body = BODIES[self.proxy.rules["body"]].encode()
        self.proxy.strike(entry, status)
        entry[5] = len(body)
        self.proxy.leave(entry, int(status))
        self.writer.write(
            b"HTTP/1.1 %s Injected\r\nContent-Type: application/xml\r\n"
            b"Content-Length: %d\r\n\r\n" % (status.encode(), len(body)) +
            (b"" if entry[0] == "HEAD" else body))
        await self.writer.drain()

    async def pass_on(self, head, entry, fault):
        """Sends the request to the server."""
        now, since = self.proxy.now(), self.up_used
        self.up_used = now
        if (self.up_writer is None or self.up_reader.at_eof() or
                now > since + MAX_IDLE_SECONDS):
            if self.up_writer is not None:
                self.up_writer.close()
            self.up_reader, self.up_writer = await asyncio.open_connection(
                self.proxy.host, self.proxy.port, limit=MAX_HEAD_BYTES)
        chunked = head.get("transfer-encoding", "").lower() == "chunked"
        length = int(head.get("content-length", "0"))
        cut = fault == "cut" and (chunked or length > 0)
        self.up_writer.write(head.raw())
        async for piece in body_of(head, self.reader):
            entry[4] += len(piece)
            if cut and (chunked or entry[4] > length // 2):
                over = entry[4] - length // 2
                half = piece[:len(piece) // 2 if chunked else -over]
                self.up_writer.write(self.framed(half, chunked))
                await self.up_writer.drain()
                reset(self.up_writer)
                self.proxy.strike(entry, fault)
                raise Broken
            self.up_writer.write(self.framed(piece, chunked))
            await self.up_writer.drain()
        if chunked:
            self.up_writer.write(b"0\r\n\r\n")
        await self.up_writer.drain()

    @staticmethod
    def framed(piece, chunked):
        return b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece

    async def answer(self, head, entry, fault):
        """Sends the client what the server answers."""
        status = int(head.first.split(" ")[1])
        entry[3] = status
        bodyless = entry[0] == "HEAD" or status in (204, 304)
        if not bodyless and head.get("transfer-encoding"):
            body = b"".join([piece async for piece in
                             body_of(head, self.up_reader)])
            head.drop("transfer-encoding")
            head.put("Content-Length", str(len(body)))
            pieces = one_piece(body)
        else:
            pieces = body_of(head, self.up_reader)
        length = 0 if bodyless else int(head.get("content-length", "0"))
        if length == 0:
            self.proxy.leave(entry, status)
            self.writer.write(head.raw())
            await self.writer.drain()
            return
        limit = length
        if fault in ("midreset", "midstall", "trunc", "short"):
            self.proxy.strike(entry, fault)
            limit = length // 2
            if fault == "short":
                head.put("Content-Length", str(limit))
        elif fault == "garbled":
            self.proxy.strike(entry, fault)
        self.writer.write(head.raw())
        async for piece in pieces:
            at, entry[5] = entry[5], min(entry[5] + len(piece), limit)
            piece = piece[:entry[5] - at]
            if fault == "garbled" and at <= length // 2 < at + len(piece):
                piece = spoiled(piece, length // 2 - at)
            if entry[5] == limit:
                self.proxy.leave(entry, status)
            self.writer.write(piece)
            await self.writer.drain()
            if entry[5] == limit < length:
                break
        await self.end(entry, fault, status)
        if head.get("connection", "").lower() == "close":
            raise Broken

    async def end(self, entry, fault, status):
        """What follows the last byte that is sent."""
        if fault in ("trunc", "short"):
            # Ends it in order. What the server has more is not wanted.
            self.up_writer.close()
            self.up_writer = None
            if fault == "trunc":
                self.writer.close()
                await self.writer.wait_closed()
                raise Broken
        elif fault == "midreset":
            await asyncio.sleep(0.02)  # it would overtake what was sent
            reset(self.writer)
            raise Broken
        elif fault == "midstall":
            entry[8] = None
            await self.stall()
        elif entry[8] is None:
            self.proxy.leave(entry, status)


async def one_piece(body):
    if body:
        yield body


def spoiled(piece, at):
    return piece[:at] + bytes([piece[at] ^ 0x55]) + piece[at + 1:]


async def main():
    proxy = Proxy(sys.argv[1])
    server = await asyncio.start_server(
        lambda reader, writer: Client(proxy, reader, writer).serve(),
        "127.0.0.1", 0, limit=MAX_HEAD_BYTES, backlog=256)
    questions = asyncio.StreamReader(limit=MAX_HEAD_BYTES)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(questions), sys.stdin)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}),
          flush=True)
    while True:
        line = await questions.readline()
        if not line:
            break
        question = json.loads(line)
        if "rules" in question:
            proxy.set(question["rules"])
            print("{}", flush=True)
        else:
            now = proxy.now()
            print(json.dumps({"log": [entry[:8] + [entry[8] or now]
                                      for entry in proxy.log]}), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
