# SPDX-License-Identifier: MIT
# The C code of a format, over pyr_core: rok4_add_core(NAME SOURCE...) makes
# NAME_core; with tests, also NAME_core_failing, over an allocator that they can
# make fail.
function(rok4_add_core name)
  set(variants "")
  if(BUILD_TESTING)
    set(variants _failing)
  endif()
  foreach(variant IN LISTS variants ITEMS "")
    add_library(${name}_core${variant} STATIC ${ARGN})
    target_link_libraries(${name}_core${variant} PUBLIC pyr_core${variant})
    target_include_directories(${name}_core${variant}
                               PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
  endforeach()
endfunction()
