# SPDX-License-Identifier: MIT
"""No key, password, token or signature in anything that is said or kept,
whatever is done and whatever fails, with all debug messages. What GDAL itself
asks of Swift on its own, for bare paths, it logs with the password."""

import os
import re

import pytest
from osgeo import gdal

import pyramids
import rok4_objects
import rok4_write
from rok4_util import config, open_dataset

# Of signed URLs and requests, and tokens of the gateway and of Keystone.
SIGNED = re.compile(r"(?i)signature=|x-amz-security|aws4-hmac|awsaccesskeyid|"
                    r"rgwtk|x-auth-token: *\w|x-auth-key: *\w")
QUICK = {"ROK4_OBJECT_READ_ATTEMPTS": "2", "ROK4_OBJECT_WRITE_ATTEMPTS": "2",
         "ROK4_OBJECT_ATTEMPTS_WAIT": "0.002", "ROK4_NETWORK_TIMEOUT": "2"}
PASSWORDS = {"S3": "AWS_SECRET_ACCESS_KEY", "SWIFT_V1": "SWIFT_KEY",
             "SWIFT_V3": "OS_PASSWORD"}


def live(storage, bare=True):
    """Reads and writes as users do; errors are what it is about, too.
    bare: also by a path without a prefix, which GDAL itself tries first."""
    name = "ROK4:" + storage.path("N.json")
    source = rok4_write.source(rok4_write.noise(3))
    driver = gdal.GetDriverByName("ROK4")
    for options in ([], [], ["OVERWRITE=YES"], ["UPDATE_MODE=INPLACE"],
                    ["RESUME=YES", "OVERWRITE=YES"]):
        small = [] if "UPDATE_MODE=INPLACE" in options else rok4_write.SMALL
        driver.CreateCopy(name, source, options=small + options)
    paths = [name, "ROK4:" + storage.path("t64_upd_slink.json"), name + "x"]
    if bare and storage.type != "SWIFT":
        paths.append(storage.path("N.json"))
    for path in paths:
        dataset = gdal.OpenEx(path)
        if dataset is not None:
            dataset.ReadAsArray()
            dataset.GetMetadata()
            dataset.GetFileList()
    dataset = gdal.OpenEx(name, gdal.OF_UPDATE)
    if dataset is not None:
        dataset.WriteArray(rok4_write.noise(3, (9, 9)).transpose(2, 0, 1),
                           5, 5)
        dataset.BuildOverviews("AVERAGE", [2])
    dataset = None
    with config(ROK4_ALLOW_DELETE="YES"):
        driver.Delete(name)


@pytest.mark.parametrize("kind", ["S3", "SWIFT_V1", "SWIFT_V3", "RADOS"])
def test_debug_messages(make_storage, ceph, tmp_path, capfd, kind):
    """Everything once as it should be, once through faults, once with a wrong
    password, and once with the settings of ROK4."""
    storage = make_storage(kind)
    rok4_objects.put(storage, "t64_upd_slink")
    known = ceph.secrets()
    with config(CPL_DEBUG="ON", CPL_TMPDIR=str(tmp_path), **QUICK):
        with storage.settled():
            live(storage)
        if storage.proxy:
            rates = dict.fromkeys(("503", "429", "reset", "trunc", "cut"), 0.1)
            for seed in range(3):
                with storage.through(rates=rates, seed=seed):
                    live(storage)
            wrong = "Wrong-secret-" + os.urandom(8).hex()
            known.append(wrong)
            with storage.settled(**{PASSWORDS[kind]: wrong}):
                live(storage)
        with storage.settled_as_for_rok4():
            live(storage, bare=False)
    said = "".join(capfd.readouterr())
    assert len(said) > 10000 and "ROK4: " in said
    # Where GDAL looks for keys that no option tells.
    assert "169.254.169.254" not in said
    lines = [line for line in said.splitlines() if SIGNED.search(line) or
             any(secret in line for secret in known)]
    # Not the lines themselves: they would be in the report.
    assert not lines, sorted({line.split(":")[0] for line in lines})
    for place, _, names in os.walk(str(tmp_path)):
        for one in names:
            with open(os.path.join(place, one), "rb") as file:
                data = file.read()
            assert not [secret for secret in known if secret.encode() in data]


def test_signed_urls(make_storage, ceph, capfd):
    """A pyramid that is read by signed URLs: nothing of what is behind the
    question mark is said, whatever fails."""
    storage = make_storage("S3")
    rok4_objects.put(storage, "t64_zip_1x1")
    url = storage.client.generate_presigned_url(
        "get_object", ExpiresIn=60, Params={"Bucket": storage.tray,
                                            "Key": "t64_zip_1x1.json"})
    path = "ROK4:/vsicurl/" + url
    secret = url.partition("?")[2]
    with config(CPL_DEBUG="ON", **QUICK):
        gdal.VSICurlClearCache()
        for one in (path, path.replace("Signature=", "Signature=x")):
            dataset = gdal.OpenEx(one)
            if dataset is not None:
                dataset.ReadAsArray()
                dataset.GetMetadata()
            dataset = None
    said = "".join(capfd.readouterr())
    # GDAL tells the name that it was told.
    lines = [line for line in said.splitlines() if "GDALOpen(" not in line and
             "GDALClose(" not in line]
    assert [line for line in lines if "127.0.0.1" in line]
    assert not [line for line in lines if secret in line or
                "Signature=" in line]


def test_messages_to_the_caller(make_storage, ceph):
    """The errors that programs show."""
    for kind in PASSWORDS:
        storage = make_storage(kind)
        path = rok4_objects.put(storage, "t64_zip_1x1")
        with config(**QUICK):
            with storage.settled(**{PASSWORDS[kind]: "WrongSecret"}):
                said = pyramids.refused_by_rok4("ROK4:" + path)
            with storage.through(rates={"503": 1}):
                said += pyramids.refused_by_rok4(
                    "ROK4:" + storage.path("t64_zip_1x1.json"))
        assert "WrongSecret" not in said and not SIGNED.search(said)
        assert not [secret for secret in ceph.secrets() if secret in said]
    with storage.settled():
        assert open_dataset("ROK4:" + path) is not None
