# SPDX-License-Identifier: MIT
"""The test data is what its README and sums say."""

import hashlib
import os

from rok4_util import DATA


def files():
    for place, _, names in os.walk(DATA):
        for name in names:
            path = os.path.join(place, name)
            yield os.path.relpath(path, DATA), path


def test_sums():
    with open(os.path.join(DATA, "SHA256SUMS"), encoding="ascii") as file:
        sums = dict(reversed(line.split()) for line in file)
    found = {}
    for name, path in files():
        if os.path.islink(path) or name in ("README.md", "SHA256SUMS"):
            continue
        with open(path, "rb") as file:
            found[name] = hashlib.sha256(file.read()).hexdigest()
    assert found == sums


def test_links():
    """Git and archives must keep links as links."""
    links = {name: os.readlink(path) for name, path in files()
             if os.path.islink(path)}
    assert len(links) == 6
    for name, target in links.items():
        assert target == "../" * 5 + name.replace("t64_upd_slink",
                                                  "t64_zip_uint8_rgb")
        assert os.path.isfile(os.path.join(DATA, name))


def test_readme_names_every_pyramid():
    with open(os.path.join(DATA, "README.md"), encoding="utf-8") as file:
        text = file.read()
    for name in os.listdir(DATA):
        if name.endswith(".json"):
            assert "| %s |" % name[:-5] in text
