# SPDX-License-Identifier: MIT
"""Stands in for Keystone v3: gives tokens for one user, and tells the gateway
whose they are. Usage: keystone.py SETTINGS.json

Settings: port, user, password, project, admin_token, storage_port. Asked under
/at/PORT/v3, it says that the storage is at that port: that of a proxy."""

import datetime
import http.server
import json
import re
import secrets
import sys
import threading

HOURS = 1
MAX_BODY_BYTES = 1 << 16


def token_of(settings, storage_port):
    """What Keystone says of a token."""
    now = datetime.datetime.now(datetime.timezone.utc)
    layout = "%Y-%m-%dT%H:%M:%S.000000Z"
    domain = {"id": "default", "name": "Default"}
    endpoint = {"id": "public", "interface": "public", "region": "RegionOne",
                "region_id": "RegionOne",
                "url": "http://127.0.0.1:%s/swift/v1" % storage_port}
    return {"token": {
        "methods": ["password"],
        "issued_at": now.strftime(layout),
        "expires_at": (now + datetime.timedelta(hours=HOURS)).strftime(layout),
        "project": {"id": settings["project"], "name": settings["project"],
                    "domain": domain},
        "user": {"id": settings["user"], "name": settings["user"],
                 "domain": domain},
        "roles": [{"id": "member", "name": "member"}],
        "is_domain": False,
        "catalog": [{"type": "object-store", "name": "swift", "id": "swift",
                     "endpoints": [endpoint]}]}}


class Tokens:
    """From many threads."""

    def __init__(self, settings):
        self.settings = settings
        self.lock = threading.Lock()
        self.known = {}

    def give(self, question, storage_port):
        """(token, what is said of it), or None for a wrong password."""
        try:
            user = question["auth"]["identity"]["password"]["user"]
            given = user["name"], user["password"]
        except (KeyError, TypeError):
            return None
        if given != (self.settings["user"], self.settings["password"]):
            return None
        token, said = secrets.token_hex(16), token_of(self.settings,
                                                      storage_port)
        with self.lock:
            self.known[token] = said
        return token, said

    def look_up(self, token):
        with self.lock:
            return self.known.get(token)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    tokens = None

    def log_message(self, format, *args):
        """Says nothing: what it would say has no use."""

    def answer(self, code, said, token=None):
        body = json.dumps(said).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if token:
            self.send_header("X-Subject-Token", token)
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        nbytes = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(min(nbytes, MAX_BODY_BYTES))
        place = re.fullmatch(r"(?:/at/(\d+))?/v3/auth/tokens", self.path)
        try:
            given = place and self.tokens.give(
                json.loads(body),
                place.group(1) or self.tokens.settings["storage_port"])
        except ValueError:
            given = None
        if given:
            self.answer(201, given[1], given[0])
        else:
            self.answer(401, {"error": {"code": 401,
                                        "title": "Unauthorized"}})

    def do_GET(self):
        admin = self.tokens.settings["admin_token"]
        said = self.tokens.look_up(self.headers.get("X-Subject-Token"))
        if self.headers.get("X-Auth-Token") != admin:
            self.answer(401, {"error": {"code": 401}})
        elif said:
            self.answer(200, said)
        else:
            self.answer(404, {"error": {"code": 404}})


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        settings = json.load(file)
    Handler.tokens = Tokens(settings)
    address = "127.0.0.1", settings["port"]
    http.server.ThreadingHTTPServer(address, Handler).serve_forever()


if __name__ == "__main__":
    main()
