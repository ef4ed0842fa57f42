# SPDX-License-Identifier: MIT
"""Compares what the pages list with the driver and with the sources."""

import glob
import json
import os
import re
import xml.etree.ElementTree as ElementTree

import pytest
from osgeo import gdal

import rok4_doc

SAMPLE = os.path.join(rok4_doc.ROOT, "data", "sample", "lamb93_jpg90.json")
UNITS = {"": 1, " KiB": 1 << 10, " MiB": 1 << 20}
# Options of GDAL that are asked for to do as it does, or to find no way round.
INTERNAL = {"CPL_VSIL_CURL_CHUNK_SIZE", "CPL_VSIL_CURL_ALLOWED_EXTENSIONS",
            "CPL_VSIL_CURL_ALLOWED_FILENAME"}
WAITING = "frmts/rok4/rok4_writing.cpp:WAITING_BYTES"


def options_of_driver(item, driver="ROK4"):
    xml = gdal.GetDriverByName(driver).GetMetadataItem(item)
    return {option.get("name"): option
            for option in ElementTree.fromstring(xml)}


def constants():
    """Whole-number macros of the headers, by name."""
    out = {}
    for path in glob.glob(rok4_doc.ROOT + "/frmts/*/*.h"):
        for name, number, shift in re.findall(
                r"^#define ([A-Z0-9_]+) \(*(?:size_t\))?(\d+)u?"
                r"(?: << (\d+)\)?)?(?= |$)", rok4_doc.read(path), re.M):
            out[name] = int(number) << int(shift or 0)
    return out


def constant(name):
    """A constant of a header, by name; of a source, by file and name."""
    file, _, name = name.rpartition(":")
    if not file:
        return constants()[name]
    number, shift = re.search(
        r"^(?:#define |constexpr \w+ )%s(?: = | )\(*(?:size_t\))?"
        r"(\d+)(?:\.0)?u?(?:(?: \* \(1)? << (\d+)\)*)?;?$" % name,
        rok4_doc.read(file), re.M).groups()
    return int(number) << int(shift or 0)


def value_of(text):
    number, unit = re.fullmatch(r"(\d+)( [KM]iB)?", text).groups("")
    return int(number) * UNITS[unit]


@pytest.mark.parametrize("driver,page", [
    ("ROK4", rok4_doc.DRIVER_PAGE), ("COGX", rok4_doc.COGX_PAGE)])
@pytest.mark.parametrize("item,directive,title", [
    ("DMD_OPENOPTIONLIST", "oo", "Open options"),
    ("DMD_CREATIONOPTIONLIST", "co", "Creation options")])
def test_options(item, directive, title, driver, page):
    """The same names, in the same order, with the same defaults and choices;
    but for the names of tile matrix sets, which depend on what is there."""
    documented = rok4_doc.directives(directive, rok4_doc.section(title, page))
    options = options_of_driver(item, driver)
    assert list(documented) == list(options)
    for name, option in options.items():
        fields = documented[name]
        assert fields.get("default") == option.get("default"), name
        choices = [value.text for value in option.findall("Value")]
        if option.get("type") == "boolean":
            choices = ["YES", "NO"]
        if option.get("max"):
            choices = ["%s-%s" % (option.get("min"), option.get("max"))]
        if choices and (driver, name) != ("COGX", "TILING_SCHEME"):
            assert fields["choices"].split(", ") == choices, name
        else:
            assert fields["choices"], name


def test_table_of_defaults():
    """Each default of the list stands in the table too, unless it is a plain
    NO, YES or AUTO, or the first of the choices says as much."""
    options = options_of_driver("DMD_CREATIONOPTIONLIST")
    text = rok4_doc.section("Creation options")
    table = {name: row[1] for row in rok4_doc.rows(text.split(".. co::")[0])
             for name in row[0].split(", ")}
    for name, value in table.items():
        if name in options and options[name].get("default"):
            assert options[name].get("default") == value, name
    for name in ("TILING_SCHEME", "COMPRESS", "TILES_PER_WIDTH",
                 "TILES_PER_HEIGHT", "PATH_DEPTH"):
        assert table[name] == options[name].get("default")


def test_config_options():
    """Every configuration option of ours that the sources name, on one page;
    and every one of GDAL's is told of somewhere."""
    ours, asked = set(), set()
    for path in (glob.glob(rok4_doc.ROOT + "/frmts/*/*.cpp") +
                 glob.glob(rok4_doc.ROOT + "/port/**/*.cpp", recursive=True)):
        text = rok4_doc.read(path)
        ours.update(re.findall(r'"(ROK4_[A-Z0-9_]+)"', text))
        asked.update(re.findall(r'GetConfigOption\(\s*"([A-Z0-9_]+)"', text))
    documented = []
    for page in (rok4_doc.DRIVER_PAGE, rok4_doc.COGX_PAGE):
        documented += rok4_doc.directives(
            "config", rok4_doc.section("Configuration options", page))
    for page in rok4_doc.STORAGE_PAGES:
        documented += rok4_doc.directives("config", rok4_doc.read(page))
    repeated = {name for name in documented if documented.count(name) > 1}
    assert repeated <= {"GDAL_NUM_THREADS", "GDAL_CACHEMAX",
                        "ROK4_NETWORK_TIMEOUT"}
    assert {name for name in documented if name.startswith("ROK4_")} == ours
    declared = re.findall(r'"(ROK4_[A-Z0-9_]+)"',
                          rok4_doc.read("frmts/plugin.cpp"))
    assert set(declared) == ours
    text = "".join(rok4_doc.read(page) for page in rok4_doc.pages()
                   if page.endswith(".rst"))
    assert {name for name in asked if name not in text} <= INTERNAL


@pytest.mark.parametrize("array,page", [("S3_KEYS", "s3"),
                                        ("SWIFT_KEYS", "swift")])
def test_settings_that_win(array, page):
    """GDAL's options with which ours are not looked at."""
    names = re.search(r"%s\[\] = \{(.*?)\}" % array,
                      rok4_doc.read("port/storage_path.cpp"), re.S).group(1)
    told = rok4_doc.section("Settings", "doc/user/%s.rst" % page).partition(
        "those of ROK4 are not looked at")[0]
    assert set(re.findall(r"\b[A-Z0-9]+_[A-Z0-9_]+\b", told)) == set(
        re.findall(r'"(\w+)"', names))


@pytest.mark.parametrize("domain,title", [
    ("", "Default domain"), ("ROK4", "Domain ROK4"),
    ("IMAGE_STRUCTURE", "Domain IMAGE_STRUCTURE")])
def test_metadata(domain, title):
    """Items and order, with the option that adds one."""
    dataset = gdal.OpenEx(SAMPLE, open_options=["NODATA=PIXEL"])
    found = list(dataset.GetMetadata(domain))
    assert rok4_doc.items(title) == found
    without = gdal.OpenEx(SAMPLE)
    assert set(found) - set(without.GetMetadata(domain)) == (
        {"NODATA_VALUES"} if domain == "" else set())


def test_json_domain():
    dataset = gdal.OpenEx(SAMPLE)
    text = dataset.GetMetadata_List("json:ROK4")[0]
    assert rok4_doc.items("Domain json:ROK4") == list(json.loads(text))


def test_location_info():
    dataset = gdal.OpenEx(SAMPLE)
    text = dataset.GetRasterBand(1).GetMetadataItem("Pixel_1_1",
                                                    "LocationInfo")
    assert rok4_doc.items("Domain LocationInfo") == [
        child.tag for child in ElementTree.fromstring(text)]


def test_domains():
    """Each domain of dataset and bands has a section."""
    dataset = gdal.OpenEx(SAMPLE)
    band = dataset.GetRasterBand(1)
    domains = set(dataset.GetMetadataDomainList() +
                  (band.GetMetadataDomainList() or []))
    for domain in domains - {"", "DERIVED_SUBDATASETS"}:
        assert rok4_doc.section("Domain " + domain)


def test_limits():
    """Every limit of pyr.h, with its value."""
    known = constants()
    wanted = set(re.findall(r"^#define (PYR_MAX_[A-Z_]+)",
                            rok4_doc.read("frmts/core/pyr.h"), re.M))
    found = {row[2]: row[1] for row in rok4_doc.rows(
        rok4_doc.section("Limits and security")) if row[2] != "Constant"}
    assert set(found) == wanted | {"ROK4_MAX_PATH_DEPTH"}
    for name, text in found.items():
        assert value_of(text) == known[name], name


@pytest.mark.parametrize("page,text,name,factor", [
    ("architecture.md", "groups of up to {} tiles", "PYR_GROUP_TILES", 1),
    ("architecture.md", "tiles and {} MiB decoded", "PYR_GROUP_BYTES",
     1 << 20),
    ("architecture.md", "less than {} bytes apart", "PYR_MERGE_GAP_BYTES", 1),
    ("architecture.md", "those of {} MiB together", "PYR_BATCH_BYTES",
     1 << 20),
    ("architecture.md", "two batches ({} MiB each", "PYR_BATCH_BYTES",
     1 << 20),
    ("architecture.md", "fetched anew, {} times at most", "PYR_MAX_ATTEMPTS",
     1),
    ("architecture.md", "up to {} workers", "PYR_POOL_MAX_THREADS", 1),
    ("architecture.md", "chunks of up to {} MiB", "PYR_CHUNK_BYTES", 1 << 20),
    ("architecture.md", "two chunks ({} MiB each", "PYR_CHUNK_BYTES", 1 << 20),
    ("architecture.md", "finished: {} MiB of them in memory", WAITING,
     1 << 20),
    ("architecture.md", "that wait, a few of each level; {} MiB of encoded",
     WAITING, 1 << 20),
    ("architecture.md", "warped takes {} MiB more",
     "frmts/rok4/rok4_warp.cpp:MEMORY_BYTES", 1 << 20),
    ("architecture.md", "but at least {} MiB",
     "frmts/rok4/rok4_canvas_priv.h:LEAST_BYTES", 1 << 20),
    ("architecture.md", "A copy takes {} MiB",
     "frmts/rok4/rok4_copy.c:STEP_BYTES", 1 << 20),
    ("slab-format.md", "at the next multiple of {}", "ROK4_SLAB_ALIGNMENT", 1),
    ("slab-format.md", "over {} MiB, no JSON object", "PYR_MAX_JSON_BYTES",
     1 << 20),
    ("slab-format.md", "over {} tiles in a slab", "PYR_MAX_SLAB_TILES", 1),
    ("slab-format.md", "whole number from 0 to {};", "ROK4_MAX_PATH_DEPTH",
     1),
    ("slab-format.md", "from 1 to {} |", "PYR_MAX_BANDS", 1),
    ("slab-format.md", "none, or over {} |", "PYR_MAX_LEVELS", 1),
    ("slab-format.md", "a tile over {} MiB", "PYR_MAX_TILE_BYTES", 1 << 20),
    ("slab-format.md", "| 0 .. {} | a classic TIFF header",
     "ROK4_SLAB_HEADER_BYTES - 1", 1),
    ("../drivers/raster/rok4.rst", "{} MiB at least, or half",
     "frmts/rok4/rok4_canvas_priv.h:LEAST_BYTES", 1 << 20),
    ("../drivers/raster/rok4.rst", "up to {} MiB wait in memory", WAITING,
     1 << 20),
    ("../drivers/raster/rok4.rst", "read again, {} times at most",
     "PYR_MAX_ATTEMPTS", 1),
    ("../drivers/raster/rok4.rst", "more than {} count",
     "PYR_POOL_MAX_THREADS", 1),
    ("../drivers/raster/rok4.rst", "index and up to {} KiB",
     "port/remote_files.h:SLAB_HEAD_BYTES", 1 << 10),
    ("../drivers/raster/rok4.rst", "{} slabs stay open",
     "port/remote_files.cpp:MAX_FILES", 1),
    ("../drivers/raster/rok4.rst", "but at least {}. A slab",
     "frmts/rok4/rok4_writing.cpp:PUTTING_THREADS", 1),
    ("architecture.md", "one request, which brings {} KiB",
     "port/remote_files.h:SLAB_HEAD_BYTES", 1 << 10),
    ("architecture.md", "A remote slab of up to {} KiB",
     "frmts/rok4/rok4_writing_copy.cpp:COPIED_BYTES", 1 << 10),
    ("architecture.md", "are no more than {} and",
     "frmts/core/pyr_fetch.c:FEW_TILES", 1),
    ("architecture.md", "or as many as take {} MiB",
     "port/remote_files.cpp:MAX_KEPT_BYTES", 1 << 20),
    ("../drivers/raster/rok4.rst", "or as many as take {} MiB",
     "port/remote_files.cpp:MAX_KEPT_BYTES", 1 << 20),
    ("architecture.md", "kept by path, {} for",
     "port/remote_files.cpp:MAX_FILES", 1),
    ("architecture.md", "objects of up to {} bytes", "ROK4_MAX_LINK_BYTES", 1),
    ("../user/s3.rst", "index and up to {} KiB",
     "port/remote_files.h:SLAB_HEAD_BYTES", 1 << 10),
    ("../user/http.rst", "index and up to {} KiB",
     "port/remote_files.h:SLAB_HEAD_BYTES", 1 << 10),
    ("../user/swift.rst", "behind its first {} KiB",
     "port/remote_files.h:SLAB_HEAD_BYTES", 1 << 10),
    ("../user/ceph.rst", "with its first {} KiB",
     "port/remote_files.h:SLAB_HEAD_BYTES", 1 << 10),
    ("../user/vsirados.rst", "Reads of less than {} bytes",
     "port/vsirados/vsirados_reader.cpp:WINDOW_BYTES", 1),
    ("../user/vsirados.rst", "at least {}, at most",
     "port/vsirados/vsirados_reader.cpp:WINDOW_BYTES", 1),
    ("../user/vsirados.rst", "at most {}.",
     "port/vsirados/vsirados_reader.cpp:MAX_HEAD_BYTES", 1),
    ("../user/vsirados.rst", "pieces of {} MiB of longer ones",
     "port/vsirados/vsirados_object.h:VSIRADOS_PIECE_BYTES", 1 << 20),
    ("../user/vsirados.rst", "together, {} at a time",
     "port/vsirados/vsirados_object.h:VSIRADOS_MAX_OPERATIONS", 1),
    ("../user/vsirados.rst", "from 1 to 86400 is {}.",
     "port/vsirados/vsirados_access.cpp:DEFAULT_TIMEOUT_S", 1),
    ("../user/vsirados.rst", "from 1 to {} is 30.",
     "port/vsirados/vsirados_access.cpp:MAX_TIMEOUT_S", 1)])
def test_numbers(page, text, name, factor):
    name, _, minus = name.partition(" - ")
    value = constant(name) // factor - int(minus or 0)
    words = " ".join(rok4_doc.read("doc/internals/" + page).split())
    assert text.format(value) in words


def test_formats():
    names = re.findall(r'^    \{"(TIFF_\w+)"', rok4_doc.read(
        "frmts/rok4/rok4_format.c"), re.M)
    introduction = rok4_doc.read(rok4_doc.DRIVER_PAGE).split(
        "Driver capabilities")[0]
    table = {name for row in rok4_doc.rows(introduction)
             for name in row[0].split(", ") if name.startswith("TIFF")}
    assert table == set(names) - {"TIFF_PBF_MVT"}


def test_members_that_identify():
    names = set(re.findall(r'\{"\\"(\w+)\\""', rok4_doc.read(
        "frmts/rok4/rok4_identify.c")))
    assert len(names) == 7
    text = " ".join(rok4_doc.section("Dataset names").split())
    text = re.search("two of the members (.*?)\\.", text).group(1)
    assert set(re.findall(r"\w+_\w+", text)) == names


def test_modules():
    """The architecture page names each module, and no other."""
    text = rok4_doc.read("doc/internals/architecture.md")
    built = {os.path.splitext(os.path.basename(path))[0]
             for folder in ("frmts/core", "frmts/rok4", "frmts/cogx", "port",
                            "port/vsirados")
             for path in glob.glob(os.path.join(rok4_doc.ROOT, folder, "*.*"))
             if path.endswith((".c", ".cpp", ".h"))}
    built = {stem for stem in built if not stem.endswith("_priv")}
    named = set(re.findall(
        r"\b(pyr(?:_\w+)?|rok4_\w+|cogx_\w+|vsi_\w+|vsirados_\w+|"
        r"job_context|gdal_compat|"
        r"crs_text|object_bytes|option_reader|range_cache|closing_dataset|memory_file|"
        r"message_trap|thread_settings|storage_\w+|swift_token|redaction|remote_files)\b",
        text))
    # An enum, and what the build makes.
    assert named - built <= {"pyr_result", "rok4_tms_table"}
    assert not built - named


def test_names_of_files_and_functions():
    """What the pages name exists."""
    sources = "".join(rok4_doc.read(path) for path in
                      glob.glob(rok4_doc.ROOT + "/frmts/*/*.h"))
    for page in rok4_doc.pages():
        text = rok4_doc.read(page)
        for path in re.findall(
                r"`((?:autotest|cmake|data|doc|frmts|port)/[\w./-]*)`", text):
            assert os.path.exists(os.path.join(rok4_doc.ROOT, path)), path
        for link in re.findall(r"\]\((?!https?:)([^)#]+)\)", text):
            folder = os.path.dirname(os.path.join(rok4_doc.ROOT, page))
            assert os.path.exists(os.path.join(folder, link)), link
        for function in re.findall(r"`((?:pyr|rok4)_\w+)`", text):
            assert re.search(r"\b%s\(" % function, sources), function
