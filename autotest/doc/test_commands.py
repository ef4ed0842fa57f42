# SPDX-License-Identifier: MIT
"""Runs every command of the documentation, page by page, on copies of the
sample pyramids. The set-up commands of the README are what continuous
integration runs; those of pages about storages autotest/storage runs."""

import os
import re
import shutil
import subprocess
import sys

import pytest

import rok4_doc
from rok4_util import Server

# Commands of the README that are not run here.
SETUP = ("./setup.sh", "./test.sh", "git clone ", "cmake ",
         "cd build/release && cpack", "export GDAL_DRIVER_PATH=")
# Blocks of these languages hold no commands.
NOT_COMMANDS = ("text", "json", "xml", "c")
WEB = "https://example.org/"


def commands():
    """(page, number, language, text) of all that is run."""
    out = []
    for page in rok4_doc.pages():
        if page in rok4_doc.STORAGE_PAGES:
            continue
        found = rok4_doc.blocks(page)
        if page == rok4_doc.README:
            found += [("bash", line[2:]) for line in rok4_doc.indented(page)
                      if line.startswith("$ ")]
            found = [(language, "\n".join(
                line for line in text.split("\n")
                if not line.startswith(SETUP))) for language, text in found]
        found = [block for block in found if block[0] not in NOT_COMMANDS]
        out += [(page, i, language, text)
                for i, (language, text) in enumerate(found)]
    return out


COMMANDS = commands()


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """One directory for each page, where it finds what it speaks of."""
    made = {}

    def place(page):
        if page not in made:
            root = tmp_path_factory.mktemp("page")
            data = str(root / "data")
            shutil.copytree(os.path.join(rok4_doc.ROOT, "data"), data)
            made[page] = data + "/sample"
            if page == rok4_doc.README:
                made[page] = str(root)
                name_as_readme(root)
        return made[page]
    return place


def name_as_readme(root):
    """The README calls a user's pyramid ortho.json."""
    text = (root / "data/sample/lamb93_jpg90.json").read_text("utf-8")
    (root / "ortho.json").write_text(text.replace(
        "lamb93_jpg90/", "data/sample/lamb93_jpg90/"), "utf-8")


@pytest.fixture(scope="module")
def web():
    server = Server(os.path.join(rok4_doc.ROOT, "data", "sample"))
    yield "http://127.0.0.1:%d/" % server.http.server_address[1]
    server.close()


def test_there_are_commands():
    pages = {page for page, _, _, _ in COMMANDS}
    assert pages >= {rok4_doc.README, rok4_doc.DRIVER_PAGE,
                     "doc/apps/coginfo.rst",
                     "doc/internals/slab-format.md"}


def test_every_line_of_the_readme_is_known():
    """A line of code is run here, or is a set-up command."""
    for line in rok4_doc.indented(rok4_doc.README):
        line = line.strip()
        assert not line or line.startswith(("$ ", "-") + SETUP), line


def test_every_language_is_known():
    for page in rok4_doc.pages():
        for language, _ in rok4_doc.blocks(page):
            assert language in ("bash", "python") + NOT_COMMANDS, page


@pytest.mark.parametrize(
    "page,number,language,text", COMMANDS,
    ids=["%s-%d" % (c[0].replace("/", "."), c[1]) for c in COMMANDS])
def test_command(page, number, language, text, places, web):
    text = text.replace(WEB, web)
    program = {"bash": ["bash", "-euo", "pipefail", "-c"],
               "python": [sys.executable, "-c"]}[language]
    done = subprocess.run(
        program + [text], cwd=places(page), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env=dict(os.environ, no_proxy="127.0.0.1", NO_PROXY="127.0.0.1"),
        timeout=120, check=False)
    assert done.returncode == 0, done.stdout
    # Some programs end well after an error. That GDAL wanted to delete a pyramid
    # first is told, and no harm (page "Updating a pyramid").
    said = re.sub(r"^Warning 6: ROK4: .*ROK4_ALLOW_DELETE=YES$", "",
                  done.stdout, flags=re.M)
    assert not re.search(r"^(ERROR|Warning) \d+:", said, re.M), done.stdout
