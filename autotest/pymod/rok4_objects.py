# SPDX-License-Identifier: MIT
"""Puts pyramids that are files on a storage: as objects (spec sections 1, 2,
4 and 7), or as files where the storage has these."""

import collections
import json
import os
import re

import rok4_util

# What descriptors call the tray, by type of storage.
TRAYS = {"S3": "bucket_name", "SWIFT": "container_name", "CEPH": "pool_name"}

# A slab of a pyramid: "DATA" or "MASK", and the file. target: of a link, the
# same of another pyramid, with the name of that; else None.
Slab = collections.namedtuple("Slab", "kind level col row file target")


def slab_of_path(path):
    """Column and row of "00/00/WM.tif", spec section 4."""
    digits = path[:-len(".tif")].replace("/", "")
    return int(digits[0::2], 36), int(digits[1::2], 36)


def object_name(pyramid, kind, level, col, row):
    return "%s/%s_%s_%d_%d" % (pyramid, kind, level, col, row)


def target_of(file):
    """(pyramid, kind, level, col, row) that a link leads to, or None."""
    if not os.path.islink(file):
        return None
    pyramid, kind, level, path = re.fullmatch(
        r".*/([^/]+)/(DATA|MASK)/([^/]+)/(.*)",
        os.path.realpath(file)).groups()
    return (pyramid, kind, level) + slab_of_path(path)


class Files:
    """A pyramid of files: descriptor, and slabs in the order of their names.
    """

    def __init__(self, path_or_fixture):
        self.path = str(path_or_fixture)
        if os.sep not in self.path:
            self.path = rok4_util.fixture(self.path)
        self.root, name = os.path.split(self.path)
        self.name = name[:-len(".json")]
        with open(self.path, encoding="utf-8-sig") as file:
            self.descriptor = json.load(file)
        self.slabs = sorted(slab for entry in self.descriptor["levels"]
                            for slab in self._slabs_of(entry))

    def _slabs_of(self, entry):
        for kind, key in (("DATA", "image_directory"),
                          ("MASK", "mask_directory")):
            if key not in entry["storage"]:
                continue
            top = os.path.join(self.root, entry["storage"][key])
            for place, _, names in os.walk(top):
                for name in names:
                    file = os.path.join(place, name)
                    col, row = slab_of_path(os.path.relpath(file, top))
                    yield Slab(kind, entry["id"], col, row, file,
                               target_of(file))

    def pyramids_linked(self):
        """Names of the pyramids that links lead to."""
        return sorted({slab.target[0] for slab in self.slabs if slab.target})


def object_descriptor(files, type_, tray, name):
    """The descriptor as text, for a pyramid of this name in the tray."""
    levels = []
    for entry in files.descriptor["levels"]:
        storage = {"type": type_, TRAYS[type_]: tray,
                   "image_prefix": "%s/DATA_%s" % (name, entry["id"])}
        if "mask_directory" in entry["storage"]:
            storage["mask_prefix"] = "%s/MASK_%s" % (name, entry["id"])
        levels.append(dict(entry, storage=storage))
    return json.dumps(dict(files.descriptor, levels=levels))


def object_list(files, tray, name, links):
    """The list as text; links as for objects_of."""
    roots, lines = [name], []
    for slab in files.slabs:
        root, place = name, slab[:4]
        if slab.target and links:
            root, place = slab.target[0], slab.target[1:]
        if root not in roots:
            roots.append(root)
        lines.append("%d/%s_%s_%d_%d\n" % ((roots.index(root),) + place))
    return "".join("%d=%s/%s\n" % (i, tray, root)
                   for i, root in enumerate(roots)) + "#\n" + "".join(lines)


def objects_of(path_or_fixture, type_, tray, name=None, links=True):
    """{object: bytes} of the pyramid, whose name in the tray may hold slashes.
    Links lead to pyramids of the same tray, as they were named; or with
    links=False their slabs are the pyramid's own."""
    files = Files(path_or_fixture)
    name = name or files.name
    out = {}
    for slab in files.slabs:
        if slab.target and links:
            data = ("SYMLINK#%s/%s" % (tray, object_name(*slab.target))
                    ).encode()
        else:
            with open(slab.file, "rb") as file:
                data = file.read()
        out[object_name(name, *slab[:4])] = data
    out[name + ".list"] = object_list(files, tray, name, links).encode()
    out[name + ".json"] = object_descriptor(files, type_, tray,
                                            name).encode()
    return out


def files_of(path_or_fixture, place):
    """{path: bytes} of the same as files in a directory of this name, of the
    pyramid's own name. Links are followed."""
    files = Files(path_or_fixture)
    out, lines = {}, []
    for slab in files.slabs:
        path = os.path.relpath(slab.file, files.root)
        with open(slab.file, "rb") as file:
            out[path] = file.read()
        lines.append("0/" + path.partition("/")[2] + "\n")
    out[files.name + ".list"] = ("0=%s\n#\n%s" % (
        os.path.join(place, files.name), "".join(lines))).encode()
    with open(files.path, "rb") as file:
        out[files.name + ".json"] = file.read()
    return out


def put(storage, path_or_fixture, name=None, type_=None, links=True):
    """Puts it on a storage (autotest/storage/stores.py), with the pyramids
    that it links to; returns its name for GDAL. type_: in place of what the
    storage calls itself, as "S3" for objects behind plain HTTP."""
    type_ = type_ or storage.type
    if type_ == "FILE":
        storage.put_all(files_of(path_or_fixture, storage.path().rstrip("/")))
        return storage.path(Files(path_or_fixture).name + ".json")
    files = Files(path_or_fixture)
    for other in files.pyramids_linked() if links else ():
        put(storage, os.path.join(files.root, other + ".json"), type_=type_)
    storage.put_all(objects_of(path_or_fixture, type_, storage.tray, name,
                               links))
    return storage.path((name or files.name) + ".json")
