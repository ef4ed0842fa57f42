# SPDX-License-Identifier: MIT
# Writes the files of TMS_DIR as a sorted C table (rok4_tms_data.h) to OUTPUT.
file(GLOB files RELATIVE "${TMS_DIR}" "${TMS_DIR}/*.json")
set(names "")
foreach(file IN LISTS files)
  string(REGEX REPLACE "\\.json$" "" name "${file}")
  list(APPEND names "${name}")
endforeach()
list(SORT names COMPARE STRING)

set(rows "")
set(count 0)
foreach(name IN LISTS names)
  set(path "${TMS_DIR}/${name}.json")
  file(READ "${path}" text)
  file(SIZE "${path}" nbytes)
  string(REPLACE "\\" "\\\\" text "${text}")
  string(REPLACE "\"" "\\\"" text "${text}")
  string(REPLACE "\n" "\\n\"\n     \"" text "${text}")
  string(APPEND rows "    {\"${name}\",\n     \"${text}\",\n     ${nbytes}},\n")
  math(EXPR count "${count} + 1")
endforeach()

file(WRITE "${OUTPUT}" "/* SPDX-License-Identifier: MIT */
/* The tile matrix sets of data/tms. Written by cmake/EmbedTms.cmake. */
#include \"rok4_tms_data.h\"

const struct rok4_tms_entry rok4_tms_table[] = {
${rows}    {NULL, NULL, 0}};
const size_t rok4_tms_count = ${count};
")
