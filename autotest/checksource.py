#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks the sources for rules that no compiler knows; --self-test checks it.

Usage: checksource.py [--self-test] [ROOT]
"""

import os
import re
import sys
import tempfile

MAX_FUNCTION_LINES = 80
WARN_FILE_LINES = 500
MAX_FILE_LINES = 800

C_SUFFIXES = (".c", ".h", ".cpp")
SCRIPT_SUFFIXES = (".py", ".sh", ".cmake")
SKIPPED_FOLDERS = {".git", "build", "__pycache__", ".pytest_cache", "corpus"}

# Some words are written so that this file does not hold them.
LEFT_OVER = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b|^\s*#\s*if\s+0\b")
MACHINE_PATH = re.compile(
    r"(^|[^A-Za-z0-9_.}$])/(wo" r"rk|fa" r"rm|ro" r"ot|ho" r"me)/")

LIBC = {
    "assert.h", "ctype.h", "errno.h", "float.h", "inttypes.h", "limits.h",
    "locale.h", "math.h", "pthread.h", "sched.h", "setjmp.h",
    "stdarg.h", "stdatomic.h", "stdbool.h", "stddef.h", "stdint.h",
    "stdio.h", "stdlib.h", "string.h",
    "strings.h", "threads.h", "time.h", "unistd.h"}
CODEC_HEADERS = {
    "pyr_json.c": {"cjson/cJSON.h"},
    "pyr_json_write.c": {"cjson/cJSON.h"},
    "pyr_codec_jpeg.c": {"jpeglib.h", "jerror.h"},
    "pyr_codec_png.c": {"spng.h"},
    "pyr_codec_deflate.c": {"libdeflate.h"},
    "pyr_encode_jpeg.c": {"jpeglib.h", "jerror.h"},
    "pyr_encode_png.c": {"libdeflate.h"},
    "pyr_encode_deflate.c": {"libdeflate.h"},
    "pyr_libtiff.h": {"tiffio.h"},
    "pyr_tiff_tile.c": {"tiffio.h"},
    "pyr_tiff_tile_deflate.c": {"libdeflate.h"},
    "pyr_tiff_tile_lerc.c": {"Lerc_c_api.h", "tiffio.h"},
    "pyr_tiff_tile_zstd.c": {"zstd.h"},
}
# GDAL's headers that C can include.
CPL_IN_C = {"cpl_port.h", "cpl_vsi.h", "cpl_string.h", "cpl_conv.h",
            "cpl_error.h", "cpl_multiproc.h", "cpl_minixml.h", "cpl_list.h",
            "cpl_hash_set.h", "cpl_quad_tree.h"}

GDAL_IN_C = {"gdal.h", "gdal_frmts.h", "ogr_srs_api.h"}
# Headers of port that C can include.
PORT_IN_C = {"crs_text.h", "vsi_tiff.h"}

BANNED = ("sprintf vsprintf strcpy strcat strncat strtok atoi atol atof gets "
          "rand srand setenv putenv alloca scanf sscanf fscanf").split()
ALLOCATORS = "malloc calloc realloc free strdup strndup".split()
VSI_HANDLE = re.compile(r"\b(VSILFILE|VSIVirtualHandle\w*|VSIF\w+L)\b")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


class File:
    """One source file: its lines, and for C the same without comments and
    strings, so that words in them are not taken for code."""

    def __init__(self, path, text):
        self.path = path
        self.name = os.path.basename(path)
        self.text = text
        self.lines = text.split("\n")
        if self.lines[-1] == "":
            self.lines.pop()
        self.is_c = path.endswith(C_SUFFIXES)
        self.code = strip_c(text).split("\n") if self.is_c else []

    def under(self, *folders):
        return self.path.startswith(tuple(f + "/" for f in folders))

    @property
    def is_adapter(self):
        """C++, as its comments tell: those of C are in /* */."""
        return self.path.endswith(".cpp") or self.text.startswith("//")

    @property
    def is_plain_c(self):
        return (self.is_c and self.under("frmts", "apps", "port/vsirados")
                and not self.is_adapter)


def strip_c(text):
    """Blanks comments and the inside of literals; keeps every line where it
    is, and the names in #include lines."""
    pattern = re.compile(
        r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'',
        re.DOTALL)

    def blank(match):
        found = match.group(0)
        if found.startswith("/"):
            return "\n" * found.count("\n")
        start = text.rfind("\n", 0, match.start()) + 1
        if INCLUDE.match(text[start:match.end()]):
            return found
        return found[0] + found[-1]
    return pattern.sub(blank, text)


def each_code_line(file):
    return enumerate(file.code, 1)


def allowed_headers(file):
    """(prefixes of own headers, other headers) that the file may include;
    None where any header is fine."""
    if file.under("frmts/core"):
        return ("pyr",), LIBC | CODEC_HEADERS.get(file.name, set())
    if file.under("frmts/cogx") and file.is_plain_c:
        return ("pyr", "cogx_"), LIBC
    if file.under("apps") and file.is_plain_c:
        return (("pyr", "cogx_", "coginfo_"),
                LIBC | CPL_IN_C | GDAL_IN_C | PORT_IN_C)
    if file.under("port/vsirados") and file.is_plain_c:
        return ("pyr", "vsirados_"), LIBC | {"rados/librados.h"}
    if file.is_plain_c:
        return ("pyr", "rok4_"), LIBC | CPL_IN_C
    return None


def header_allowed(file, header):
    if ".." in header.split("/"):
        return False
    allowed = allowed_headers(file)
    if allowed:
        return header.startswith(allowed[0]) or header in allowed[1]
    if file.under("autotest/unit"):
        return not header.startswith(("gdal", "ogr", "cpl_"))
    return True


def rule_include(file):
    """Include rules of the folders (CONTRIBUTING.md)."""
    for number, line in each_code_line(file):
        match = INCLUDE.match(line)
        if match and not header_allowed(file, match.group(2)):
            yield number, "%s may not be included here" % match.group(2)


def rule_gdal_version(file):
    """GDAL's version is looked at in port/gdal_compat.h only."""
    if file.path == "port/gdal_compat.h":
        return
    for number, line in each_code_line(file):
        if re.search(r"\bGDAL_(VERSION_NUM|COMPUTE_VERSION)\b", line):
            yield number, "GDAL's version belongs to port/gdal_compat.h"


def rule_vsi_handle(file):
    """VSI handles are used in port/ only."""
    if not file.under("frmts", "ogr", "apps"):
        return
    for number, line in each_code_line(file):
        match = VSI_HANDLE.search(line)
        if match:
            yield number, "%s belongs to port/" % match.group(0)


def rule_banned_call(file):
    """Calls that overflow, depend on the locale or are not thread-safe."""
    words = list(BANNED)
    if file.is_plain_c and file.name != "pyr_alloc.c":
        words += ALLOCATORS
    pattern = re.compile(r"(?<![\w.>])(%s)\s*\(" % "|".join(words))
    for number, line in each_code_line(file):
        match = pattern.search(line)
        if match:
            yield number, "%s() is banned here" % match.group(1)


def rule_mutable_state(file):
    """No mutable globals and no static locals in C, but for the
    counter with which tests make allocations fail."""
    if not file.is_plain_c or file.name == "pyr_alloc.c":
        return
    variable = re.compile(
        r"\s*static\s+(?!const\b|inline\b|_Noreturn\b)[\w\s*]+"
        r"(\[[^\]]*\]\s*)*(=|;)")
    for number, line in each_code_line(file):
        if variable.match(line):
            yield number, "a static variable that is not const"


def rule_head(file):
    """Line 1 is the licence, line 2 the purpose."""
    lines = file.lines[1:] if file.text.startswith("#!") else file.lines
    start = "# "
    if file.is_c:
        start = "// " if lines and lines[0].startswith("//") else "/* "
    licence = start + "SPDX-License-Identifier: MIT"
    if not lines or not lines[0].startswith(licence):
        yield 1, "expected " + licence
    if len(lines) < 2 or not lines[1].startswith((start, '"""')):
        yield 2, "expected one sentence on the purpose"


def rule_file_length(file):
    if len(file.lines) > MAX_FILE_LINES:
        yield 1, "%d lines, expected at most %d" % (len(file.lines),
                                                   MAX_FILE_LINES)


def rule_function_length(file):
    """Functions, in a layout where their braces stand in column 0."""
    opened = None
    before = ""
    for number, line in each_code_line(file):
        if line.startswith("{"):
            opened = number if before.endswith((")", "const", "override",
                                                "noexcept")) else None
        elif line.startswith("}") and opened is not None:
            nlines = number - opened - 1
            if nlines > MAX_FUNCTION_LINES:
                yield opened, "a function of %d lines, expected at most %d" % (
                    nlines, MAX_FUNCTION_LINES)
            opened = None
        if line.strip():
            before = line.rstrip()


def rule_left_over(file):
    for number, line in enumerate(file.lines, 1):
        if LEFT_OVER.search(line):
            yield number, "left over: %s" % line.strip()


def rule_machine_path(file):
    for number, line in enumerate(file.lines, 1):
        if MACHINE_PATH.search(line):
            yield number, "a path of one machine: %s" % line.strip()


def rule_space(file):
    for number, line in enumerate(file.lines, 1):
        if line != line.rstrip() or "\t" in line:
            yield number, "a tab, or a blank at the end of the line"
    if not file.text.endswith("\n"):
        yield len(file.lines), "no newline at the end of the file"


RULES = {name[len("rule_"):]: function
         for name, function in sorted(globals().items())
         if name.startswith("rule_")}


def source_files(root):
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(f for f in folders if f not in SKIPPED_FOLDERS)
        for name in sorted(names):
            path = os.path.relpath(os.path.join(folder, name), root)
            if (name.endswith(C_SUFFIXES + SCRIPT_SUFFIXES)
                    or name == "CMakeLists.txt" or path == ".ci/run"):
                yield path.replace(os.sep, "/")


def check_tree(root):
    """Every finding as (path, line, rule, message), and the warnings."""
    findings = []
    warnings = []
    for path in source_files(root):
        with open(os.path.join(root, path), encoding="utf-8",
                  newline="") as stream:
            file = File(path, stream.read())
        for name, rule in RULES.items():
            findings += [(path, number, name, message)
                         for number, message in rule(file)]
        if WARN_FILE_LINES < len(file.lines) <= MAX_FILE_LINES:
            warnings.append("%s: %d lines: is it one thing?" % (
                path, len(file.lines)))
    return findings, warnings


C_HEAD = "/* SPDX-License-Identifier: MIT */\n/* Does a thing. */\n"


def body(nlines):
    return C_HEAD + "int f(void)\n{\n" + "    f();\n" * nlines + "}\n"


# rule, path, text that breaks it, text that does not.
EXAMPLES = [
    ("include", "frmts/core/pyr_a.c",
     C_HEAD + '#include "cpl_conv.h"\n', C_HEAD + "#include <math.h>\n"),
    ("include", "frmts/core/pyr_grid.c", C_HEAD + "#include <spng.h>\n", None),
    ("include", "frmts/rok4/rok4_a.c",
     C_HEAD + '#include "gdal_priv.h"\n', C_HEAD + '#include "pyr.h"\n'),
    ("include", "frmts/cogx/cogx_a.c",
     C_HEAD + '#include "cpl_conv.h"\n', C_HEAD + '#include "pyr_tiff.h"\n'),
    ("include", "apps/b.c", C_HEAD + '#include "gdal_priv.h"\n',
     C_HEAD + '#include "gdal.h"\n#include "vsi_tiff.h"\n'),
    ("include", "port/vsirados/vsirados_a.c",
     C_HEAD + '#include "cpl_conv.h"\n',
     C_HEAD + "#include <rados/librados.h>\n"),
    ("include", "autotest/unit/test_a.c",
     C_HEAD + '#include "gdal.h"\n', C_HEAD + '#include "unit.h"\n'),
    ("include", "apps/a.c", C_HEAD + '#include "../frmts/a.h"\n', None),
    ("gdal_version", "frmts/rok4/a.cpp",
     C_HEAD + "#if GDAL_VERSION_NUM > 3\n#endif\n", None),
    ("vsi_handle", "frmts/rok4/a.cpp", C_HEAD + "VSIFOpenL();\n", None),
    ("banned_call", "port/a.cpp", C_HEAD + "strcpy(a, b);\n",
     C_HEAD + "/* strcpy(a, b) */\n"),
    ("banned_call", "frmts/rok4/rok4_a.c", C_HEAD + "p = malloc(3);\n",
     C_HEAD + "p = pyr_malloc(3);\n"),
    ("mutable_state", "frmts/core/pyr_a.c", C_HEAD + "static int count;\n",
     C_HEAD + "static const int count = 3;\nstatic int f(int a);\n"),
    ("head", "frmts/core/pyr_a.c", "int a;\n", C_HEAD),
    ("head", "a.py", "import os\n",
     '# SPDX-License-Identifier: MIT\n"""Does a thing."""\n'),
    ("file_length", "port/a.cpp", C_HEAD + "\n" * 900, None),
    ("function_length", "port/a.cpp", body(81), body(80)),
    ("left_over", "a.h", C_HEAD + "/* TO" "DO */\n", None),
    ("left_over", "a.c", C_HEAD + "#if " "0\n#endif\n", None),
    ("machine_path", "a.c", C_HEAD + 'char *a = "/ro' 'ot/x";\n',
     C_HEAD + 'char *a = "${x}/wo' 'rk/";\n'),
    ("space", "a.c", C_HEAD + "int a; \n", None),
]


def findings_of(path, text):
    with tempfile.TemporaryDirectory() as root:
        full = os.path.join(root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as stream:
            stream.write(text)
        return check_tree(root)[0]


def self_test():
    """Every rule finds what breaks it, and nothing else."""
    failed = 0
    for rule, path, wrong, right in EXAMPLES:
        found = {finding[2] for finding in findings_of(path, wrong)}
        clean = findings_of(path, right) if right else []
        if found != {rule} or clean:
            print("FAILED %s on %s: found %s, then %s" % (
                rule, path, sorted(found), clean))
            failed += 1
    for rule in set(RULES) - {example[0] for example in EXAMPLES}:
        print("FAILED %s: no example" % rule)
        failed += 1
    print("%d passed, %d failed" % (len(EXAMPLES) - failed, failed))
    return failed != 0


def main():
    arguments = sys.argv[1:]
    if arguments[:1] == ["--self-test"]:
        return self_test()
    here = os.path.dirname(os.path.abspath(__file__))
    root = arguments[0] if arguments else os.path.dirname(here)
    findings, warnings = check_tree(root)
    for text in warnings:
        print("warning: " + text)
    for path, number, name, message in findings:
        print("%s:%d: %s: %s" % (path, number, name, message))
    broken = {finding[2] for finding in findings}
    print("%d passed, %d failed" % (len(RULES) - len(broken), len(broken)))
    return bool(findings)


if __name__ == "__main__":
    sys.exit(main())
