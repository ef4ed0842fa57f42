#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A throw-away Ceph cluster on loopback: monitor, one OSD, the gateway for S3
and Swift, and a stand-in for Keystone.

Usage: cluster.py up DIRECTORY      starts it, and prints settings for a shell
       cluster.py down DIRECTORY    ends it, and removes the directory
"""

import contextlib
import datetime
import http.client
import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import urllib.parse
import uuid

import boto3
import botocore.client
import rados

import ceph_conf
from servers import (HERE, PYTHON, ServerError, Servers, free_ports, listens,
                     wait_until)

SERVERS = "mon", "osd", "rgw", "keystone"
OWNER, READER = "rok4", "reader"
# Nothing that asks RADOS waits for ever. What takes longer than
# objecter_timeout makes a client ask where the OSD is now: were the others
# shorter, it would never know.
RADOS_TIMEOUTS = {"client_mount_timeout": "20", "rados_mon_op_timeout": "20",
                  "rados_osd_op_timeout": "20", "objecter_timeout": "1",
                  "objecter_tick_interval": "0.5"}
COMMAND_SECONDS = 60
MARK = "mark-"


def new_settings(objectstore):
    mon_port, rgw_port, keystone_port = free_ports(3)
    return {
        "fsid": str(uuid.uuid4()), "osd_uuid": str(uuid.uuid4()),
        "objectstore": objectstore, "mon_port": mon_port,
        "rgw_port": rgw_port, "keystone_port": keystone_port,
        "admin_token": "admin-token-" + secrets.token_hex(8),
        "swift_key": "swift-key-" + secrets.token_hex(8),
        "keystone_password": "password-" + secrets.token_hex(8),
        "s3": {user: {"key": user.upper() + secrets.token_hex(6).upper(),
                      "secret": "s3-secret-" + secrets.token_hex(12)}
               for user in (OWNER, READER)}}


def osd_requests(history, pool_number):
    """See Cluster.rados_requests()."""
    out = []
    for entry in history["ops"]:
        match = re.match(
            r"osd_op\(\S+ %d\.\w+ \d+:\w+:\w*:\w*:(.*):head \[(.*?)\] "
            % pool_number, entry["description"])
        if match:
            when = datetime.datetime.strptime(entry["initiated_at"],
                                              "%Y-%m-%dT%H:%M:%S.%f%z")
            out.append((urllib.parse.unquote(match.group(1)), match.group(2),
                        when.timestamp(), entry["duration"]))
    return out


class Cluster(Servers):
    """The cluster of a directory. Two may run at a time.

    objectstore "memstore" keeps objects in memory, and over a stop of the OSD
    but not over a kill; "bluestore" keeps them on disk, over both."""

    def __init__(self, directory, objectstore="memstore"):
        super().__init__(directory)
        self.objectstore = objectstore
        self.settings = None
        self.conf = self.path("ceph.conf")
        self._rados = None
        self._s3 = {}

    # To start and to end it.

    def start(self):
        """Starts all of it, or takes what runs there."""
        if all(self.pid(name) for name in SERVERS):
            with open(self.path("cluster.json"), encoding="utf-8") as file:
                self.settings = json.load(file)
            return
        self.stop_all()
        for name in ("mon", "osd", "rgw", "run"):
            shutil.rmtree(self.path(name), ignore_errors=True)
        self.make_directories("mon", "osd", "rgw", "run")
        self.settings = new_settings(self.objectstore)
        self._write_files()
        with self._osd_made():
            self._start_mon()
        self.start_server("osd")
        self.start_server("keystone")
        self._make_users()
        self.start_server("rgw")

    def _write_files(self):
        os.chmod(self.directory, 0o700)
        with open(self.conf, "w", encoding="utf-8") as file:
            file.write(ceph_conf.TEMPLATE.format(
                directory=self.directory, **self.settings,
                logged=ceph_conf.LOGGED_REQUESTS))
        for name, wanted in (
                ("cluster.json", self.settings),
                ("keystone.json", {
                    "port": self.settings["keystone_port"], "user": "swift",
                    "password": self.settings["keystone_password"],
                    "project": OWNER,
                    "admin_token": self.settings["admin_token"],
                    "storage_port": self.settings["rgw_port"]})):
            with open(self.path(name), "w", encoding="utf-8") as file:
                json.dump(wanted, file)
        keyring = self.path("keyring")
        self.run("ceph-authtool", keyring, "--create-keyring")
        for name, caps in ceph_conf.KEYS.items():
            words = [word for i in range(0, len(caps), 2)
                     for word in ("--cap",) + caps[i:i + 2]]
            self.run("ceph-authtool", keyring, "--gen-key", "-n", name, *words)

    @contextlib.contextmanager
    def _osd_made(self):
        """Makes the OSD's directory while the block does something else."""
        with subprocess.Popen(
                self._ceph("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid",
                           self.settings["osd_uuid"]),
                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as making:
            try:
                yield
                said = making.communicate(timeout=COMMAND_SECONDS)[1]
            except BaseException:
                making.kill()
                raise
        if making.returncode:
            raise ServerError("ceph-osd --mkfs: %s" % said[-2000:])

    def _start_mon(self):
        monmap = self.path("monmap")
        self.run("monmaptool", "--create", "--clobber", "--addv", "a",
                 "v2:127.0.0.1:%d" % self.settings["mon_port"], "--fsid",
                 self.settings["fsid"], "--enable-all-features",
                 "--set-min-mon-release", "pacific", monmap)
        self.run(*self._ceph("ceph-mon", "-i", "a", "--mkfs", "--monmap",
                             monmap, "--keyring", self.path("keyring")))
        self.start_server("mon")
        self.mon_command(prefix="osd new", uuid=self.settings["osd_uuid"])
        self.mon_command(prefix="osd crush add", id=0, weight=1.0,
                         args=["root=default"])

    def _make_users(self):
        for user in (OWNER, READER):
            self.admin("user", "create", "--uid=" + user,
                       "--display-name=" + user,
                       "--access-key=" + self.settings["s3"][user]["key"],
                       "--secret=" + self.settings["s3"][user]["secret"])
        for name, access in (("swift", "full"), (READER, "read")):
            self.admin("subuser", "create", "--uid=" + OWNER,
                       "--subuser=%s:%s" % (OWNER, name), "--key-type=swift",
                       "--access=" + access,
                       "--secret-key=" + self.settings["swift_key"])

    def start_server(self, name):
        """One of SERVERS, until it answers."""
        if name == "osd":
            # It is up still, for those who did not see it end.
            self.mon_command(prefix="osd down", ids=["0"])
        self.launch(name, {
            "mon": self._ceph("ceph-mon", "-i", "a", "-f"),
            "osd": self._ceph("ceph-osd", "-i", "0", "-f"),
            "rgw": self._ceph("radosgw", "-n", "client.rgw", "-f"),
            "keystone": [PYTHON, os.path.join(HERE, "keystone.py"),
                         self.path("keystone.json")]}[name])
        wait_until(lambda: self.answers(name), name + " answers", 60)

    def stop_server(self, name, kill=False):
        """One of SERVERS; see the class for what is lost."""
        if kill and name == "osd" and self.objectstore == "memstore":
            raise ServerError("killed, it would lose what it has in memory")
        self.stop(name, kill)

    def answers(self, name):
        self.check(name)
        if name == "mon":
            self.rados()
            return True
        if name == "keystone":
            return listens(self.settings["keystone_port"])
        if name == "osd":
            with contextlib.suppress(OSError, ServerError):
                return self.ask("osd.0", "status")["state"] == "active"
            return False
        return self._gateway_answers()

    def _gateway_answers(self):
        one = http.client.HTTPConnection("127.0.0.1",
                                         self.settings["rgw_port"], timeout=10)
        with contextlib.closing(one), contextlib.suppress(
                OSError, http.client.HTTPException):
            one.request("GET", "/")
            return one.getresponse().status == 200
        return False

    def remove(self):
        if self._rados is not None:
            self._rados.shutdown()
            self._rados = None
        super().remove()

    # To ask it.

    def _ceph(self, program, *words):
        return [program, "--conf", self.conf, *words]

    def run(self, *words):
        """Standard output of a program that must succeed."""
        done = subprocess.run(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, timeout=COMMAND_SECONDS, check=False)
        if done.returncode:
            raise ServerError("%s: %s" % (" ".join(words[:4]), done.stderr))
        return done.stdout

    def admin(self, *words):
        return self.run(*self._ceph("radosgw-admin", "-n", "client.admin",
                                    *words))

    def ask(self, name, prefix, **more):
        """What a server answers at its administration socket."""
        with socket.socket(socket.AF_UNIX) as one:
            one.settimeout(COMMAND_SECONDS)
            one.connect(self.path("run", name + ".asok"))
            one.sendall(json.dumps(dict(more, prefix=prefix)).encode() +
                        b"\0")
            with one.makefile("rb") as stream:
                answer = stream.read()[4:]  # after its length
        if not answer.startswith((b"{", b"[")):
            raise ServerError("%s: %s: %s" % (name, prefix, answer[:200]))
        return json.loads(answer)

    def connect(self, user="admin", **options):
        """A new connection to RADOS, whose calls end."""
        connection = rados.Rados(conffile=self.conf, rados_id=user,
                                 conf=dict(RADOS_TIMEOUTS, **options))
        connection.connect(timeout=20)
        return connection

    def rados(self):
        """The administrator's connection."""
        if self._rados is None:
            self._rados = self.connect()
        return self._rados

    def mon_command(self, **words):
        code, out, said = self.rados().mon_command(json.dumps(words), b"",
                                                   timeout=COMMAND_SECONDS)
        if code < 0:
            raise ServerError("%s: %d %s" % (words, code, said))
        return out

    def s3(self, user=OWNER):
        """The boto3 client of a user."""
        if user not in self._s3:
            keys = self.settings["s3"][user]
            self._s3[user] = boto3.client(
                "s3", endpoint_url="http://" + self.endpoint,
                region_name="default", aws_access_key_id=keys["key"],
                aws_secret_access_key=keys["secret"],
                config=botocore.client.Config(
                    s3={"addressing_style": "path"}, max_pool_connections=32,
                    connect_timeout=10, read_timeout=60))
        return self._s3[user]

    def rados_requests(self, pool):
        """What the OSD was asked about the objects of a pool since it started
        or forget_rados_requests(): [(object, operations, when, seconds)], as
        ("a/DATA_1", "read 0~2048", 1764126000.5, 0.0002). Of more than 30000
        requests to all pools, the slowest."""
        with contextlib.closing(self.rados().open_ioctx(pool)) as ioctx:
            # What came last can be late for the first mark.
            for _ in range(2):
                found = self._requests_and_mark(ioctx)
        return sorted((request for request in found
                       if not request[0].startswith(MARK)),
                      key=lambda request: request[2])

    def _requests_and_mark(self, ioctx):
        """The requests until one that is made now; the OSD logs them some
        time after it has answered."""
        mark, found = MARK + secrets.token_hex(8), []
        with contextlib.suppress(rados.ObjectNotFound):
            ioctx.stat(mark)

        def marked():
            found[:] = osd_requests(self.ask("osd.0", "dump_historic_ops"),
                                    ioctx.get_pool_id())
            return any(request[0] == mark for request in found)
        wait_until(marked, "the log of the OSD")
        return found

    def forget_rados_requests(self, pool):
        """Empties the log of requests, with those to this pool until now."""
        self._empty_log()
        self.rados_requests(pool)
        self._empty_log()

    def _empty_log(self):
        for size in (0, ceph_conf.LOGGED_REQUESTS):
            self.ask("osd.0", "config set", var="osd_op_history_size",
                     val=[str(size)])
            self.ask("osd.0", "dump_historic_ops")  # drops what is too much

    @property
    def endpoint(self):
        return "127.0.0.1:%d" % self.settings["rgw_port"]

    # Places for objects.

    def make_bucket(self, name):
        """A bucket for S3, the same as a container for Swift."""
        self.s3().create_bucket(Bucket=name)

    def remove_bucket(self, name):
        client = self.s3()
        for page in client.get_paginator("list_objects_v2").paginate(
                Bucket=name):
            names = [{"Key": entry["Key"]}
                     for entry in page.get("Contents", ())]
            if names:
                client.delete_objects(Bucket=name, Delete={"Objects": names})
        client.delete_bucket(Bucket=name)

    def make_pool(self, name):
        self.mon_command(prefix="osd pool create", pool=name, pg_num=1)
        self.mon_command(prefix="osd pool application enable", pool=name,
                         app="rados")

    def remove_pool(self, name):
        self.mon_command(prefix="osd pool delete", pool=name, pool2=name,
                         yes_i_really_really_mean_it=True)

    def allow(self, bucket, actions, user=READER):
        """The user, or everybody for None, may do these with the bucket, as
        ["s3:GetObject"], and nothing else."""
        who = {"AWS": ["arn:aws:iam:::user/" + user]} if user else "*"
        self.s3().put_bucket_policy(Bucket=bucket, Policy=json.dumps({
            "Version": "2012-10-17", "Statement": [{
                "Effect": "Allow", "Principal": who, "Action": actions,
                "Resource": ["arn:aws:s3:::" + bucket,
                             "arn:aws:s3:::%s/*" % bucket]}]}))

    # Settings, for GDAL.

    def s3_options(self, user=OWNER):
        """Configuration options of /vsis3/."""
        keys = self.settings["s3"][user]
        return {"AWS_S3_ENDPOINT": self.endpoint, "AWS_HTTPS": "NO",
                "AWS_VIRTUAL_HOSTING": "FALSE", "AWS_REGION": "default",
                "AWS_ACCESS_KEY_ID": keys["key"],
                "AWS_SECRET_ACCESS_KEY": keys["secret"]}

    def swift_v1_options(self, user="swift"):
        """Configuration options of /vsiswift/; user "reader" may only read."""
        return {"SWIFT_AUTH_V1_URL": "http://%s/auth/v1.0" % self.endpoint,
                "SWIFT_USER": "%s:%s" % (OWNER, user),
                "SWIFT_KEY": self.settings["swift_key"]}

    def swift_v3_options(self, storage_port=None):
        """Configuration options of /vsiswift/ with Keystone, which says that
        the storage is at that port."""
        place = "/at/%d" % storage_port if storage_port else ""
        return {"OS_IDENTITY_API_VERSION": "3",
                "OS_AUTH_URL": "http://127.0.0.1:%d%s/v3" % (
                    self.settings["keystone_port"], place),
                "OS_USERNAME": "swift",
                "OS_PASSWORD": self.settings["keystone_password"],
                "OS_USER_DOMAIN_NAME": "Default",
                "OS_PROJECT_NAME": OWNER,
                "OS_PROJECT_DOMAIN_NAME": "Default",
                "OS_REGION_NAME": "RegionOne"}

    def rados_options(self, user="admin"):
        """Configuration options of /vsirados/; user "reader" may only read."""
        return {"ROK4_CEPH_CONFFILE": self.conf,
                "ROK4_CEPH_USERNAME": "client." + user,
                "ROK4_CEPH_CLUSTERNAME": "ceph"}

    def rok4_options(self):
        """What the programs of ROK4 are set with, for all storages."""
        keys = self.settings["s3"][OWNER]
        return dict(
            self.rados_options(),
            ROK4_S3_URL="http://" + self.endpoint,
            ROK4_S3_KEY=keys["key"], ROK4_S3_SECRETKEY=keys["secret"],
            ROK4_SWIFT_AUTHURL="http://%s/auth/v1.0" % self.endpoint,
            ROK4_SWIFT_ACCOUNT=OWNER, ROK4_SWIFT_USER="swift",
            ROK4_SWIFT_PASSWD=self.settings["swift_key"],
            ROK4_SWIFT_PUBLICURL="http://%s/swift/v1" % self.endpoint)

    def rok4_keystone_options(self):
        """In place of those of Swift v1."""
        return {"ROK4_SWIFT_AUTHURL": "http://127.0.0.1:%d/v3/auth/tokens" %
                self.settings["keystone_port"],
                "ROK4_SWIFT_ACCOUNT": None, "ROK4_SWIFT_USER": "swift",
                "ROK4_SWIFT_PASSWD": self.settings["keystone_password"],
                "ROK4_KEYSTONE_DOMAINID": "default",
                "ROK4_KEYSTONE_PROJECTID": OWNER}

    def secrets(self):
        """What no message, log or file may tell."""
        out = {self.settings[name] for name in
               ("admin_token", "swift_key", "keystone_password")}
        out |= {keys["secret"] for keys in self.settings["s3"].values()}
        with open(self.path("keyring"), encoding="ascii") as file:
            out |= {line.split(" = ")[1].strip() for line in file
                    if "key = " in line}
        return sorted(out)


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in ("up", "down"):
        sys.exit(__doc__)
    cluster = Cluster(sys.argv[2])
    if sys.argv[1] == "down":
        if not os.path.exists(cluster.path("cluster.json")):
            sys.exit("%s is no cluster" % cluster.directory)
        cluster.remove()
        return
    os.makedirs(cluster.directory, exist_ok=True)
    cluster.start()
    options = {**cluster.s3_options(), **cluster.swift_v1_options(),
               **cluster.rok4_options()}
    for name, value in options.items():
        print("export %s=%s" % (name, value))
    print("# In place of SWIFT_AUTH_V1_URL, for Keystone v3:")
    for name, value in cluster.swift_v3_options().items():
        print("# export %s=%s" % (name, value))


if __name__ == "__main__":
    main()
