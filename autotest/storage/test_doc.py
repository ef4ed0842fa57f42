# SPDX-License-Identifier: MIT
"""The pages about storages: their commands are run against real servers, and
what their tables tell of requests and permissions is tried."""

import collections
import contextlib
import http.client
import itertools
import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest
from osgeo import gdal

import rok4_doc
import rok4_objects
import rok4_util
import stores
from rok4_util import Errors, config

SAMPLE = os.path.join(rok4_doc.ROOT, "data", "sample", "lamb93_jpg90.json")
TRAY = "pyramids"  # as the pages call bucket, container and pool
# That GDAL wanted to delete a pyramid first is told, and no harm (page
# "Updating a pyramid").
HARMLESS = re.compile(r"^Warning \d+: ROK4: .*ROK4_ALLOW_DELETE=YES$", re.M)


# The commands.


@contextlib.contextmanager
def empty(storage):
    try:
        yield storage
    finally:
        storage.close()


def words_of_s3(cluster):
    keys = cluster.settings["s3"]["rok4"]
    other = cluster.endpoint.replace("127.0.0.1", "localhost")
    return [("https://s3.example.org", "http://" + cluster.endpoint),
            ("https://archive.example.org", "http://" + other),
            ("s3.example.org", cluster.endpoint),
            ("archive.example.org", other),
            ("MYKEY", keys["key"]), ("MYSECRET", keys["secret"])]


def words_of_swift(cluster):
    return [("https://swift.example.org", "http://" + cluster.endpoint),
            ("https://keystone.example.org", "http://127.0.0.1:%d" %
             cluster.settings["keystone_port"]),
            ("MYSECRET", cluster.settings["swift_key"]),
            ("MYPASSWORD", cluster.settings["keystone_password"])]


def words_of_ceph(cluster):
    return [("/etc/ceph/ceph.conf", cluster.conf)]


@pytest.fixture
def scene(request):
    """For a page: the storages that it speaks of, with the sample in them, and
    what its words stand for."""
    page = request.param
    if page == "doc/user/http.rst":
        web = request.getfixturevalue("web")
        with empty(stores.Http(web, TRAY)) as storage:
            rok4_objects.put(storage, SAMPLE)
            rok4_objects.put(storage, SAMPLE, "objects/lamb93_jpg90", "S3")
            yield page, storage, [("https://example.org/",
                                   storage.root[len("/vsicurl/"):])]
        return
    cluster = request.getfixturevalue("ceph")
    kind, tray, words = {
        "doc/user/s3.rst": (stores.Bucket, TRAY, words_of_s3),
        "doc/user/swift.rst": (stores.SwiftV1, TRAY, words_of_swift)}.get(
            page, (stores.Pool, "pool" + str(len(page)), words_of_ceph))
    if kind is stores.Pool and ("/vsirados/" not in
                                gdal.GetFileSystemsPrefixes()):
        pytest.skip("GDAL has no /vsirados/: its plugin was not built")
    with empty(kind(cluster, tray)) as storage:
        rok4_objects.put(storage, SAMPLE)
        yield page, storage, words(cluster) + [(TRAY, tray)]


def commands(page):
    """(settings, language, text): a block that does nothing but export is the
    settings of those that follow, and takes the place of such a one before."""
    out, settings = [], ""
    for language, text in rok4_doc.blocks(page):
        if language not in ("bash", "python"):
            continue
        if re.fullmatch(r"(\s*export .*\n?)+\s*", text):
            settings = text
        else:
            out.append((settings if language == "bash" else "", language,
                        text))
    return out


@pytest.mark.parametrize("scene", rok4_doc.STORAGE_PAGES, indirect=True,
                         ids=lambda page: os.path.basename(page)[:-4])
def test_commands(scene, tmp_path):
    """Page by page, in the order of the blocks, each of which finds what those
    before have made."""
    page, storage, words = scene
    environment = dict(os.environ, AWS_HTTPS="NO")
    told = commands(page)
    assert told
    for settings, language, text in told:
        text = settings + text
        for word, meaning in words:
            text = text.replace(word, meaning)
        program = {"bash": ["bash", "-euo", "pipefail", "-c"],
                   "python": [sys.executable, "-c"]}[language]
        done = subprocess.run(
            program + [text], cwd=tmp_path, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env=environment, timeout=300, check=False)
        said = HARMLESS.sub("", done.stdout)
        assert done.returncode == 0, text + said
        assert not re.search(r"^(ERROR|Warning) \d+:", said, re.M), said
    assert all(name.startswith(("lamb93_jpg90", "objects/", "towns/", "cog/"))
               for name in storage.list()), storage.list()


def test_every_language_is_known():
    for page in rok4_doc.STORAGE_PAGES:
        assert page in rok4_doc.pages()
        for language, _ in rok4_doc.blocks(page):
            assert language in ("bash", "python", "json", "text")


# The requests.


def rows_of_requests(page):
    """(bare name or not, options, [what opening takes, what metadata does])"""
    rows = rok4_doc.rows(rok4_doc.section("Requests", page))
    assert rows[0][:2] == ["Name and configuration", "To open"]
    for row in rows[1:]:
        options = dict(re.findall(r"(GDAL_\w+)=(\w+)", row[0]))
        counts = []
        for cell in row[1:]:
            found = re.findall(r"(\d+) ([A-Z]+)", cell)
            assert bool(found) != (cell == "none")
            counts.append({method: int(count) for count, method in found})
        yield row[0].startswith("``/vsi"), options, counts


def counted(requests):
    """By methods, but for tokens."""
    return dict(collections.Counter(
        request.method for request in requests
        if request.name or request.method == "LIST"))


# What the pages tell is of GDAL 3.6.
@pytest.mark.parametrize("kind,page", [
    ("S3", "s3"), ("SWIFT_V1", "swift"), ("SWIFT_V3", "swift"),
    ("HTTP", "http")] if gdal.VersionInfo().startswith("306") else [])
def test_requests(make_storage, kind, page):
    """As many as the page says, of each kind."""
    storage = make_storage(kind)
    rok4_objects.put(storage, "lamb93mnt_zip_float32")
    rows = list(rows_of_requests("doc/user/%s.rst" % page))
    assert len(rows) >= 3
    for bare, options, expected in rows:
        with config(**options), storage.watched() as asked:
            path = storage.path("lamb93mnt_zip_float32.json")
            dataset = gdal.Open(path if bare else "ROK4:" + path)
            opening = asked()
            dataset.GetMetadata()
            metadata = asked()[len(opening):]
        found = [counted(opening), counted(metadata)]
        assert found[:len(expected)] == expected, (bare, options)


def test_requests_of_ceph(rados):
    """Opening takes one operation, or two without the prefix."""
    path = rok4_objects.put(rados, "lamb93mnt_zip_float32")
    for name, count in ((path, 2), ("ROK4:" + path, 1)):
        with rados.watched() as asked:
            dataset = gdal.Open(name)
            assert counted(asked()) == {"GET": count}
            assert dataset.ReadAsArray(0, 0, 50, 50) is not None
            assert counted(asked()) == {"GET": count + 1}


# The permissions.


SHAPE = ["TILING_SCHEME=T64", "TILES_PER_WIDTH=2", "TILES_PER_HEIGHT=2"]


class Tasks:
    """What the tables speak of: each is a function that says whether it went
    well. They find mine.json, with a list, and a pyramid with absent slabs."""

    def __init__(self, storage, directory):
        self.storage = storage
        source = gdal.Open(rok4_util.fixture("t64_zip_uint8_rgb"))
        self.source, self.patch = (
            gdal.Translate(str(directory / name), source, srcWin=window)
            for name, window in (("source.tif", (0, 0, 200, 200)),
                                 ("patch.tif", (70, 70, 30, 30))))
        self.driver = gdal.GetDriverByName("ROK4")

    def prepare(self):
        for name in self.storage.list():
            self.storage.delete(name)
        rok4_objects.put(self.storage, "t64_zip_hole")
        assert self.copy("mine.json", self.source, *SHAPE)

    def copy(self, name, source, *options):
        return self.driver.CreateCopy(self.storage.path(name), source,
                                      options=list(options)) is not None

    def pixels(self, name):
        dataset = gdal.OpenEx("ROK4:" + self.storage.path(name))
        return dataset is not None and dataset.ReadAsArray() is not None

    def read(self):
        return self.pixels("mine.json")

    def read_with_absent_slabs(self):
        return self.pixels("t64_zip_hole.json")

    def write(self):
        return self.copy("new.json", self.source, *SHAPE)

    def link(self):
        return self.copy("next.json", self.patch,
                         "ANCESTOR=" + self.storage.path("mine.json"))

    def update(self):
        return self.copy("mine.json", self.patch, "UPDATE_MODE=INPLACE")

    def paint(self):
        dataset = gdal.OpenEx("ROK4:" + self.storage.path("mine.json"),
                              gdal.OF_UPDATE)
        return (dataset is not None and
                dataset.WriteArray(np.full((3, 9, 9), 7, np.uint8), 5,
                                   5) == gdal.CE_None and
                dataset.FlushCache() in (None, gdal.CE_None))

    def make_levels(self):
        dataset = gdal.OpenEx("ROK4:" + self.storage.path("mine.json"),
                              gdal.OF_UPDATE)
        return (dataset is not None and
                dataset.BuildOverviews("AVERAGE", [2, 4]) == gdal.CE_None)

    def drop_levels(self):
        dataset = gdal.OpenEx("ROK4:" + self.storage.path("mine.json"),
                              gdal.OF_UPDATE)
        return (dataset is not None and
                dataset.BuildOverviews("NONE", []) == gdal.CE_None)

    def replace(self):
        return self.copy("mine.json", self.patch, *SHAPE, "OVERWRITE=YES")

    def resume(self):
        return self.copy("new.json", self.source, *SHAPE, "RESUME=YES")

    def drop_list(self):
        return self.copy("mine.json", self.source, *SHAPE, "OVERWRITE=YES",
                         "LIST=NO")

    def delete(self):
        with config(ROK4_ALLOW_DELETE="YES"):
            self.driver.Delete(self.storage.path("mine.json"))
        return not any(name.startswith("mine") for name in self.storage.list())


# The rows of the tables, by their first words.
UPDATING = ["update", "paint", "make_levels", "write", "link"]
REPLACING = ["resume", "replace", "drop_list", "drop_levels"]
TASKS = {"read": ["read"],
         "read, absent slabs included": ["read", "read_with_absent_slabs"],
         "update a pyramid": UPDATING,
         "replace one": REPLACING,
         "delete one": ["delete"],
         "write, update, replace and delete": UPDATING + REPLACING + ["delete"]}


def goes_well(tasks, name, options):
    tasks.prepare()
    with config(**dict(options, ROK4_OBJECT_READ_ATTEMPTS="1",
                       ROK4_OBJECT_WRITE_ATTEMPTS="1")):
        gdal.VSICurlClearCache()
        with Errors() as errors:
            done = getattr(tasks, name)()
    gdal.VSICurlClearCache()
    return done and not errors.failures, errors.texts()


def table_of_permissions(page):
    """[(tasks, text of the permissions)]"""
    rows = rok4_doc.rows(rok4_doc.section("Permissions",
                                          "doc/user/%s.rst" % page))
    out = [(TASKS[next(words for words in reversed(TASKS)
                       if row[0].startswith(words))], row[1])
           for row in rows[1:]]
    assert len(out) == len(rows) - 1 >= 2
    return out


def test_permissions_of_s3(s3, ceph, tmp_path):
    """Each row's actions are enough. Without one of them, something of the row
    fails."""
    tasks = Tasks(s3, tmp_path)
    rows = []
    for names, text in table_of_permissions("s3"):
        first, _, more = text.partition("; with absent slabs also ")
        if more:
            rows.append((["read"], first))
            rows.append((["read_with_absent_slabs"], first + ", " + more))
        else:
            rows.append((names, first))
    for names, text in rows:
        actions = text.split(", ")
        ceph.allow(s3.tray, actions)
        for name in names:
            done, said = goes_well(tasks, name, ceph.s3_options("reader"))
            assert done, (name, actions, said)
        for left in itertools.combinations(actions, len(actions) - 1):
            # A policy allows something.
            ceph.allow(s3.tray, list(left) or ["s3:PutObject"])
            assert not all(goes_well(tasks, name, ceph.s3_options("reader"))[0]
                           for name in names), (names, left)


def test_policy_of_s3(ceph):
    """The policy of the page lets its user read what is there, and know what
    is not."""
    text, = [text for language, text in rok4_doc.blocks("doc/user/s3.rst")
             if language == "json"]
    with empty(stores.Bucket(ceph, TRAY)) as storage:
        path = rok4_objects.put(storage, "t64_zip_hole")
        ceph.s3().put_bucket_policy(Bucket=TRAY,
                                    Policy=json.dumps(json.loads(text)))
        with storage.settled(**ceph.s3_options("reader")):
            dataset = rok4_util.open_dataset("ROK4:" + path)
            assert dataset.ReadAsArray() is not None
            with Errors() as errors:
                assert gdal.GetDriverByName("ROK4").CreateCopy(
                    storage.path("n.json"), dataset) is None
            assert errors.failures


def set_container_access(cluster, container, read, write):
    """The users of which accounts may do what, as Swift has it."""
    with contextlib.closing(http.client.HTTPConnection(
            cluster.endpoint, timeout=30)) as one:
        def ask(method, path, **headers):
            one.request(method, path, headers=headers)
            answer = one.getresponse()
            answer.read()
            assert answer.status in (200, 202, 204), answer.status
            return answer
        token = ask("GET", "/auth/v1.0", **{
            "X-Auth-User": "rok4:swift",
            "X-Auth-Key": cluster.settings["swift_key"]}).getheader(
                "X-Auth-Token")
        ask("POST", "/swift/v1/" + container, **{
            "X-Auth-Token": token, "X-Container-Read": read,
            "X-Container-Write": write})


def test_permissions_of_swift(swift_v1, ceph, tmp_path):
    """A user of another account, who may read, or write as well."""
    with contextlib.suppress(Exception):  # it is there already
        ceph.admin("subuser", "create", "--uid=reader",
                   "--subuser=reader:swift", "--key-type=swift",
                   "--access=full",
                   "--secret-key=" + ceph.settings["swift_key"])
    tasks = Tasks(swift_v1, tmp_path)
    other = dict(swift_v1.options, SWIFT_USER="reader:swift")
    (reading, may_read), (writing, may_write) = table_of_permissions("swift")
    assert may_read == "``X-Container-Read`` of the container"
    assert may_write == "``X-Container-Read`` and ``X-Container-Write``"
    for read, write, done in (("", "", []), ("reader", "", reading),
                              ("reader", "reader", reading + writing)):
        set_container_access(ceph, swift_v1.tray, read, write)
        for name in reading + writing:
            found, said = goes_well(tasks, name, other)
            assert found == (name in done), (name, read, write, said)


def test_permissions_of_ceph(rados, ceph, tmp_path):
    """Clients with the capabilities of the tables, here and on the page of
    /vsirados/, which have the same."""
    table = table_of_permissions("ceph")
    for row in rok4_doc.rows(rok4_doc.section("Permissions",
                                              "doc/user/vsirados.rst"))[1:]:
        assert row[1] in [text for _, text in table]
    tasks = Tasks(rados, tmp_path)
    done = []
    for number, (names, text) in enumerate(table):
        done += names
        entity = "client.page%d" % number
        caps = re.findall(r"(mon|osd) '([^']*)'", text.replace(
            "POOL", rados.tray))
        assert [who for who, _ in caps] == ["mon", "osd"]
        ceph.mon_command(prefix="auth get-or-create", entity=entity,
                         caps=[word for pair in caps for word in pair])
        key = ceph.mon_command(prefix="auth get-key", entity=entity).decode()
        ring, conf = tmp_path / entity, tmp_path / (entity + ".conf")
        ring.write_text("[%s]\n\tkey = %s\n" % (entity, key))
        with open(ceph.conf, encoding="utf-8") as file:
            conf.write_text(re.sub(r"(?m)^(\s*keyring\s*=).*$",
                                   r"\1 %s" % ring, file.read()))
        other = dict(rados.options, ROK4_CEPH_USERNAME=entity,
                     ROK4_CEPH_CONFFILE=str(conf))
        for name in table[0][0] + table[1][0]:
            found, said = goes_well(tasks, name, other)
            assert found == (name in done), (name, text, said)
        ceph.mon_command(prefix="auth del", entity=entity)


def test_forbidden_slabs_behind_http(http, web):
    """403 is an error, or absence with ROK4_MISSING_ON_403=YES."""
    path = rok4_objects.put(http, "t64_zip_1x1")
    root = "STORAGE_ROOT=/vsicurl/http://%s/forbidden" % web.endpoint
    for value, absent in ((None, False), ("YES", True)):
        with http.settled(ROK4_MISSING_ON_403=value):
            dataset = rok4_util.open_dataset("ROK4:" + path, root)
            with Errors() as errors:
                found = dataset.ReadAsArray()
            assert (found is not None) == absent
            assert absent or "403" in errors.failures[0]


def test_slabs_without_ranges(make_storage):
    """A server that knows no ranges: the error says so."""
    storage = make_storage("HTTP", whole=True)
    path = rok4_objects.put(storage, "lamb93mnt_zip_float32")
    with storage.settled():
        dataset = rok4_util.open_dataset("ROK4:" + path)
        with Errors() as errors:
            assert dataset.ReadAsArray() is None
        assert "Range downloading not supported" in errors.failures[0]


def test_descriptor_that_is_opened_again(s3):
    """It is read anew."""
    name = "lamb93mnt_zip_float32.json"
    path = rok4_objects.put(s3, "lamb93mnt_zip_float32")
    text = json.loads(s3.get(name))
    fewer = dict(text, levels=[level for level in text["levels"]
                               if level["id"] != "2"])
    for prefix in ("ROK4:", ""):
        s3.put(name, json.dumps(text).encode())
        with s3.settled():
            assert gdal.Open(prefix + path).RasterXSize == 768
            s3.put(name, json.dumps(fewer).encode())
            assert gdal.Open(prefix + path).RasterXSize == 512


# The table of the driver's page, what works where.


def said_of(driver, path, source, *options):
    """What is said of a CreateCopy that must fail."""
    with Errors() as errors:
        assert driver.CreateCopy(path, source, options=list(options)) is None
    return errors.failures[0]


def test_what_objects_have_not(object_storage, tmp_path):
    """Hard links, digests, new names, an ancestor elsewhere."""
    tasks = Tasks(object_storage, tmp_path)
    tasks.prepare()
    ancestor = "ANCESTOR=" + object_storage.path("mine.json")
    before = object_storage.list()
    for path, options, said in (
            ("new.json", [ancestor, "UPDATE_MODE=HLINK"], "no such links"),
            ("new.json", SHAPE + ["MD5=YES"], "pyramids in files"),
            ("new.json", ["ANCESTOR=" + rok4_util.fixture("t64_zip_hole")],
             "not on the storage")):
        assert said in said_of(tasks.driver, object_storage.path(path),
                               tasks.patch, *options)
    assert "not on the storage" in said_of(
        tasks.driver, str(tmp_path / "new.json"), tasks.patch, ancestor)
    for task in (tasks.driver.Rename, tasks.driver.CopyFiles):
        for to in (object_storage.path("new.json"), str(tmp_path / "n.json")):
            with Errors() as errors:
                assert task(to, object_storage.path("mine.json")) != 0
            assert errors.failures
    assert object_storage.list() == before
    assert not (tmp_path / "n.json").exists()


@pytest.mark.parametrize("path", [
    "/vsigs/b/n.json", "/vsiaz/b/n.json", "/vsicurl/http://127.0.0.1:1/n.json",
    "/vsizip/n.zip/n.json"])
def test_where_nothing_is_written(tmp_path, path):
    source = gdal.Translate(str(tmp_path / "s.tif"), gdal.Open(SAMPLE),
                            srcWin=(0, 0, 50, 50))
    assert "ROK4" in said_of(gdal.GetDriverByName("ROK4"), path, source)
