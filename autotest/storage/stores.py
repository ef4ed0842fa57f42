# SPDX-License-Identifier: MIT
"""Places for objects on each kind of storage: where they are for GDAL, what
GDAL must be told to reach them, and how to look at them without GDAL."""

import collections
import concurrent.futures
import contextlib
import os
import re
import shutil
import time
import urllib.parse

import rados
from osgeo import gdal

import rok4_util

KINDS = "FILE", "S3", "SWIFT_V1", "SWIFT_V3", "RADOS", "HTTP"
WRITABLE = KINDS[:-1]
OBJECTS = KINDS[1:]

# One request as the server saw it. method: GET, HEAD, PUT, POST, DELETE, LIST;
# name: of the object, None for what concerns none, as a token; range: (first
# byte, count) or None; started and ended: seconds.
Asked = collections.namedtuple("Asked", "method name range started ended")


class Storage:
    """An empty place, made new, and removed by close(). Names are those of
    objects, "N/DATA_4_3_2"; for files they are paths below the place.

    kind: of KINDS. type: what descriptors call it. tray: the bucket,
    container or pool. root: what names follow for GDAL, with the slash.
    options: GDAL's configuration options to reach it. can_write: whether GDAL
    can. proxy: the FaultProxy before it, or None."""

    kind = type = scheme = None
    can_write = True

    def __init__(self, tray, options=(), proxy=None):
        self.tray = tray
        self.options = dict(options)
        self.proxy = proxy

    def path(self, name=""):
        """The name for GDAL."""
        return self.root + name

    def rok4_path(self, name):
        """As programs of ROK4 name it, to stand behind ROK4: ."""
        return "%s://%s/%s" % (self.scheme, self.tray, name)

    def put_all(self, objects):
        """{name: bytes}, eight at a time."""
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            for _ in pool.map(self.put, objects, objects.values()):
                pass

    def get_all(self):
        return {name: self.get(name) for name in self.list()}

    @contextlib.contextmanager
    def settled(self, **more):
        """In the block, GDAL reaches it, and remembers nothing of before."""
        with rok4_util.config(**dict(self.options, **more)):
            gdal.VSICurlClearCache()
            yield self
        gdal.VSICurlClearCache()

    @contextlib.contextmanager
    def settled_as_for_rok4(self):
        """In the block, GDAL is told what ROK4's programs are, and no more."""
        options = self.cluster.rok4_options()
        if self.kind == "SWIFT_V3":
            options.update(self.cluster.rok4_keystone_options())
        with rok4_util.config(**dict(dict.fromkeys(self.options), **options)):
            gdal.VSICurlClearCache()
            yield self
        gdal.VSICurlClearCache()

    def settle_path(self):
        """GDAL reaches what is below root, whatever the other options."""
        for key, value in self.options.items():
            gdal.SetPathSpecificOption(self.root, key, value)

    def environment(self, **more):
        """For programs."""
        known = dict(os.environ, **self.options, **more)
        return {key: value for key, value in known.items()
                if value is not None}

    def options_through(self, proxy):
        """The options that lead through the proxy."""
        raise NotImplementedError(self.kind + " has no proxy")

    @contextlib.contextmanager
    def through(self, **rules):
        """In the block, GDAL goes through the proxy, which injects what the
        rules say (see FaultProxy.inject). Gives the proxy."""
        before = self.options
        self.options = dict(before, **self.options_through(self.proxy))
        self.proxy.inject(**rules)
        try:
            with self.settled():
                yield self.proxy
        finally:
            self.options = before
            self.proxy.clear()

    @contextlib.contextmanager
    def watched(self, **rules):
        """In the block, requests are counted: gives a function that returns
        [Asked] so far. FILE cannot."""
        with self.through(**rules) as proxy:
            yield lambda: [self.asked(one) for one in proxy.requests()]

    def asked(self, request):
        """Asked for a Request of the proxy."""
        path = urllib.parse.unquote(request.path.partition("?")[0])
        start, method = self.url_path, request.method
        name = path[len(start):] if path.startswith(start) else ""
        if method == "GET" and path in (start, start[:-1]):
            method = "LIST"
        place = re.fullmatch(r"bytes=(\d+)-(\d+)", request.range or "")
        if place:
            first, last = map(int, place.groups())
            place = first, last + 1 - first
        return Asked(method, name or None, place, request.started,
                     request.ended)

    def close(self):
        gdal.ClearPathSpecificOptions(self.root)


class Files(Storage):
    """Plain files; base is a directory for one of its own."""

    kind, type, scheme = "FILE", "FILE", "file"

    def __init__(self, base, tray, options=(), proxy=None):
        super().__init__(tray, options, proxy)
        self.directory = os.path.join(str(base), tray)
        shutil.rmtree(self.directory, ignore_errors=True)
        os.makedirs(self.directory)

    @property
    def root(self):
        return self.directory + "/"

    def rok4_path(self, name):
        return "file://" + self.directory + "/" + name

    def file(self, name):
        return os.path.join(self.directory, name)

    def put(self, name, data):
        os.makedirs(os.path.dirname(self.file(name)), exist_ok=True)
        with open(self.file(name), "wb") as file:
            file.write(data)

    def get(self, name):
        """None when there is none."""
        try:
            with open(self.file(name), "rb") as file:
                return file.read()
        except FileNotFoundError:
            return None

    def delete(self, name):
        os.remove(self.file(name))

    def list(self, prefix=""):
        """Sorted names that begin so."""
        names = [os.path.relpath(os.path.join(place, name), self.directory)
                 for place, _, files in os.walk(self.directory)
                 for name in files]
        return sorted(name for name in names if name.startswith(prefix))

    def close(self):
        super().close()
        shutil.rmtree(self.directory)


class Http(Files):
    """Files behind nginx; GDAL reads only. whole: the server knows no ranges.
    """

    kind, can_write = "HTTP", False

    def __init__(self, web, tray, proxy=None, whole=False):
        self.endpoint = web.whole_endpoint if whole else web.endpoint
        self.url_path = "/%s/" % tray
        super().__init__(web.www, tray, {}, proxy)

    @property
    def root(self):
        return "/vsicurl/http://%s%s" % (self.endpoint, self.url_path)

    def rok4_path(self, name):
        return "http://%s%s%s" % (self.endpoint, self.url_path, name)

    @contextlib.contextmanager
    def through(self, **rules):
        before, self.endpoint = self.endpoint, self.proxy.endpoint
        try:
            with super().through(**rules) as proxy:
                yield proxy
        finally:
            self.endpoint = before

    def options_through(self, proxy):
        return {}


class Bucket(Storage):
    """A bucket of the gateway, seen through S3."""

    kind, type, scheme = "S3", "S3", "s3"

    def __init__(self, cluster, tray, proxy=None):
        self.cluster = cluster
        super().__init__(tray, self.own_options(), proxy)
        self.client = cluster.s3()
        with contextlib.suppress(self.client.exceptions.NoSuchBucket):
            cluster.remove_bucket(tray)
        cluster.make_bucket(tray)

    def own_options(self):
        return self.cluster.s3_options()

    def options_through(self, proxy):
        return {"AWS_S3_ENDPOINT": proxy.endpoint}

    @property
    def root(self):
        return "/vsis3/%s/" % self.tray

    @property
    def url_path(self):
        return "/%s/" % self.tray

    def put(self, name, data):
        self.client.put_object(Bucket=self.tray, Key=name, Body=data)

    def get(self, name):
        try:
            return self.client.get_object(Bucket=self.tray,
                                          Key=name)["Body"].read()
        except self.client.exceptions.NoSuchKey:
            return None

    def delete(self, name):
        self.client.delete_object(Bucket=self.tray, Key=name)

    def list(self, prefix=""):
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.tray, Prefix=prefix)
        return sorted(entry["Key"] for page in pages
                      for entry in page.get("Contents", ()))

    def close(self):
        super().close()
        self.cluster.remove_bucket(self.tray)


class SwiftV1(Bucket):
    """The same seen through Swift, with the gateway's own tokens."""

    kind, type, scheme = "SWIFT_V1", "SWIFT", "swift"

    def own_options(self):
        none = dict.fromkeys(self.cluster.swift_v3_options())
        return dict(none, **self.cluster.swift_v1_options())

    def options_through(self, proxy):
        return {"SWIFT_AUTH_V1_URL": "http://%s/auth/v1.0" % proxy.endpoint}

    @property
    def root(self):
        return "/vsiswift/%s/" % self.tray

    @property
    def url_path(self):
        return "/swift/v1/%s/" % self.tray


class SwiftV3(SwiftV1):
    """With tokens of Keystone."""

    kind = "SWIFT_V3"

    def own_options(self):
        none = dict.fromkeys(self.cluster.swift_v1_options())
        return dict(none, **self.cluster.swift_v3_options())

    def options_through(self, proxy):
        return self.cluster.swift_v3_options(proxy.port)


class Pool(Storage):
    """A pool of RADOS. There is no proxy: requests are those that the OSD
    logs, and Cluster.pause("osd") is its fault."""

    kind, type, scheme = "RADOS", "CEPH", "ceph"
    METHODS = {"read": "GET", "stat": "HEAD", "writefull": "PUT",
               "write": "PUT", "create": "PUT", "delete": "DELETE",
               "pgnls": "LIST"}

    def __init__(self, cluster, tray, proxy=None):
        super().__init__(tray, cluster.rados_options())
        self.cluster = cluster
        with contextlib.suppress(rados.ObjectNotFound):
            cluster.rados().open_ioctx(tray).close()
            cluster.remove_pool(tray)
        cluster.make_pool(tray)
        self.ioctx = cluster.rados().open_ioctx(tray)

    @property
    def root(self):
        return "/vsirados/%s/" % self.tray

    def put(self, name, data):
        self.ioctx.write_full(name, data)

    def get(self, name):
        try:
            nbytes, _ = self.ioctx.stat(name)
            return self.ioctx.read(name, nbytes) if nbytes else b""
        except rados.ObjectNotFound:
            return None

    def delete(self, name):
        self.ioctx.remove_object(name)

    def list(self, prefix=""):
        return sorted(one.key for one in self.ioctx.list_objects()
                      if one.key.startswith(prefix))

    @contextlib.contextmanager
    def watched(self, **rules):
        if rules:
            raise NotImplementedError("RADOS has no proxy")
        self.cluster.forget_rados_requests(self.tray)
        begun = time.time()  # some of before are logged later
        with self.settled():
            yield lambda: [self.asked(one) for one in
                           self.cluster.rados_requests(self.tray)
                           if one[2] >= begun]

    def asked(self, request):
        name, operations, when, seconds = request
        # What is asked for along with it is not what it is about.
        every = [one.split(" ") for one in operations.split(",")]
        words = next((one for one in every if one[0] in self.METHODS),
                     every[0])
        place = None
        if words[0] == "read":
            first, count = words[1].split("~")
            place = int(first), int(count)
        return Asked(self.METHODS.get(words[0], words[0]), name or None, place,
                     when, when + seconds)

    def close(self):
        super().close()
        self.ioctx.close()
        self.cluster.remove_pool(self.tray)
