# SPDX-License-Identifier: MIT
"""The server processes of one directory, which it starts and ends.

As a program, the guard of such a directory: waits until whoever started it is
gone, then ends the servers and removes the directory."""

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time

PYTHON = "/usr/bin/python3"
HERE = os.path.dirname(os.path.abspath(__file__))
# Below the ports that the kernel gives to outgoing connections.
PORTS = range(15000, 32000)
# Sizes of paths of Unix sockets are bounded.
MAX_PATH = 80


class ServerError(Exception):
    """A server that does not start, answer or end."""


def free_ports(count):
    """Ports of loopback on which nobody listens now."""
    found = []
    with contextlib.ExitStack() as stack:
        for port in random.SystemRandom().sample(PORTS, 1000):
            one = stack.enter_context(socket.socket())
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                one.bind(("127.0.0.1", port))
            except OSError:
                continue
            found.append(port)
            if len(found) == count:
                return found
    raise ServerError("no %d free ports" % count)


def wait_until(true, what, seconds=30):
    """Asks true() again and again; ServerError after so many seconds."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise ServerError("%s: not within %d seconds" % (what, seconds))
        time.sleep(0.01)


def listens(port):
    """Whether somebody accepts connections there."""
    with socket.socket() as one:
        one.settimeout(5)
        return one.connect_ex(("127.0.0.1", port)) == 0


class Servers:
    """The servers of a directory, by name. DIRECTORY/pids/NAME has the process
    id and the start time of each; a process is signalled only while both are
    its own and its command line names the directory."""

    def __init__(self, directory):
        self.directory = os.path.abspath(str(directory))
        if len(self.directory) > MAX_PATH:
            raise ServerError("%s: too long a path" % self.directory)
        self._children = {}
        self._guard = None

    def path(self, *names):
        return os.path.join(self.directory, *names)

    def make_directories(self, *names):
        for name in ("pids", "log") + names:
            os.makedirs(self.path(name), exist_ok=True)

    def launch(self, name, words, **environment):
        """Does not wait until it answers."""
        with open(self.path("log", name + ".out"), "ab") as log:
            child = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=dict(os.environ, **environment), start_new_session=True)
        self._children[name] = child
        # Its command line is not there at once.
        wait_until(lambda: child.poll() is not None or
                   self.directory in command_of(child.pid), name + " starts")
        with open(self.path("pids", name), "w", encoding="ascii") as file:
            file.write("%d %s" % (child.pid, start_time(child.pid)))

    def names(self):
        try:
            return sorted(os.listdir(self.path("pids")))
        except FileNotFoundError:
            return []

    def pid(self, name):
        """None when it does not run."""
        try:
            with open(self.path("pids", name), encoding="ascii") as file:
                pid, started = file.read().split()
        except (FileNotFoundError, ValueError):
            return None
        if name in self._children:
            self._children[name].poll()
        if start_time(pid) != started or self.directory not in command_of(pid):
            return None
        return int(pid)

    def signal(self, name, number):
        pid = self.pid(name)
        if pid is None:
            raise ServerError("%s does not run" % name)
        os.kill(pid, number)

    def stop(self, name, kill=False, seconds=20):
        """Ends it, if it runs: asked to, and made to when it does not."""
        for number in (signal.SIGKILL,) if kill else (signal.SIGTERM,
                                                      signal.SIGKILL):
            if self.pid(name) is None:
                break
            self.signal(name, number)
            self.signal_if_runs(name, signal.SIGCONT)
            try:
                wait_until(lambda: self.pid(name) is None, name + " ends",
                           seconds)
            except ServerError:
                if number == signal.SIGKILL:
                    raise
        child = self._children.pop(name, None)
        if child is not None:
            child.wait(seconds)
        with contextlib.suppress(FileNotFoundError):
            os.remove(self.path("pids", name))

    def signal_if_runs(self, name, number):
        pid = self.pid(name)
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def pause(self, name):
        """It keeps its connections and answers no more."""
        self.signal(name, signal.SIGSTOP)

    def resume(self, name):
        self.signal(name, signal.SIGCONT)

    def stop_all(self):
        for name in self.names():
            self.stop(name, kill=True)

    def said(self, name, nbytes=2000):
        """The end of what it printed."""
        try:
            with open(self.path("log", name + ".out"), "rb") as file:
                return file.read()[-nbytes:].decode("utf-8", "replace")
        except FileNotFoundError:
            return ""

    def check(self, *names):
        """ServerError when one of them has ended."""
        for name in names:
            if self.pid(name) is None:
                raise ServerError("%s ended: %s" % (name, self.said(name)))

    def guard(self):
        """Everything here ends with this process, however that ends."""
        self._guard = subprocess.Popen(
            [PYTHON, os.path.abspath(__file__), self.directory],
            stdin=subprocess.PIPE, start_new_session=True)

    def remove(self):
        """Ends the servers, and removes the directory."""
        self.stop_all()
        shutil.rmtree(self.directory, ignore_errors=True)
        if self._guard is not None:
            self._guard.stdin.close()
            self._guard.wait(30)
            self._guard = None


def start_time(pid):
    """When the process started, in ticks; "" when there is none, or one that
    has ended and not been waited for."""
    try:
        with open("/proc/%s/stat" % pid, encoding="utf-8") as file:
            fields = file.read().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return "" if fields[0] in "ZX" else fields[19]


def command_of(pid):
    """The command line of the process."""
    try:
        with open("/proc/%s/cmdline" % pid, "rb") as file:
            return file.read().replace(b"\0", b" ").decode("utf-8", "replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def main():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.stdin.read()
    Servers(sys.argv[1]).remove()


if __name__ == "__main__":
    main()
