# SPDX-License-Identifier: MIT
"""The pages of the documentation, and the blocks of code in them."""

import glob
import os
import re

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
DRIVER_PAGE = "doc/drivers/raster/rok4.rst"
COGX_PAGE = "doc/drivers/raster/cogx.rst"
README = "README.md"
# Their commands need servers: autotest/storage runs them.
STORAGE_PAGES = ("doc/user/ceph.rst", "doc/user/http.rst", "doc/user/s3.rst",
                 "doc/user/swift.rst", "doc/user/vsirados.rst")


def pages():
    """Paths of all pages below ROOT."""
    found = [README]
    for ending in ("rst", "md"):
        found += glob.glob("doc/**/*." + ending, root_dir=ROOT,
                           recursive=True)
    return sorted(found)


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def blocks(path):
    """(language, text) of each block of code that names its language."""
    if path.endswith(".rst"):
        found = re.findall(r"^\.\. code-block:: (\w+)\n\n((?: {4}.*\n|\n)+)",
                           read(path), re.M)
    else:
        found = re.findall(r"^```(\w+)\n(.*?)^```$", read(path), re.M | re.S)
    return [(language, re.sub(r"^ {4}", "", text, flags=re.M))
            for language, text in found]


def indented(path):
    """Lines of the blocks of code that name no language (Markdown)."""
    return [line[4:] for line in read(path).split("\n")
            if line.startswith("    ")]


def section(title, path=DRIVER_PAGE):
    """Text below a title of a .rst page, up to the next title."""
    match = re.search(r"^%s\n[-~]+\n(.*?)(?=^[^\n]+\n[-=~]{4,}\n|\Z)" %
                      re.escape(title), read(path), re.M | re.S)
    assert match, "%s has no section '%s'" % (path, title)
    return match.group(1)


def directives(name, text):
    """{argument: {field: value}} of each `.. name:: argument`."""
    out = {}
    for argument, fields in re.findall(
            r"^\.\. %s:: (\S+)\n((?:   :.*\n)*)" % name, text, re.M):
        out[argument] = dict(re.findall(r"^   :(\w+): (.*)$", fields, re.M))
    return out


def items(title):
    """Names in the list ``-  ``NAME``: ...`` of a section."""
    return re.findall(r"^-  ``(\w+)``: ", section(title), re.M)


def rows(text):
    """Cells of each row of the list tables in text."""
    out = []
    for row in re.findall(r"^   \* - (.*?)(?=^   \* - |^\S|\Z)", text,
                          re.M | re.S):
        out.append([" ".join(cell.split())
                    for cell in re.split(r"^     - ", row, flags=re.M)])
    return out
