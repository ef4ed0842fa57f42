# SPDX-License-Identifier: MIT
# Tests of the sources, of what the plugin exports, and of the package: the same
# under the sanitizers, so not run there.
if(ROK4_SANITIZE)
  return()
endif()

add_test(NAME source.rules COMMAND ${ROK4_PYTHON}
                                   ${CMAKE_CURRENT_LIST_DIR}/checksource.py)
add_test(NAME source.rules-self-test
         COMMAND ${ROK4_PYTHON} ${CMAKE_CURRENT_LIST_DIR}/checksource.py
                 --self-test)
add_test(NAME source.alone
         COMMAND ${CMAKE_CURRENT_LIST_DIR}/build_alone.sh ${PROJECT_SOURCE_DIR}
                 ${CMAKE_CURRENT_BINARY_DIR} ${CMAKE_C_COMPILER})

# Other versions lay some lines out otherwise.
find_program(CLANG_FORMAT_PROGRAM NAMES clang-format-14)
if(CLANG_FORMAT_PROGRAM)
  add_test(NAME source.format
           COMMAND ${CMAKE_CURRENT_LIST_DIR}/format.sh ${PROJECT_SOURCE_DIR}
                   ${CLANG_FORMAT_PROGRAM})
else()
  message(STATUS "No clang-format-14: the layout of sources is not tested")
endif()

if(TARGET gdal_ROK4)
  add_test(NAME source.exports COMMAND ${CMAKE_CURRENT_LIST_DIR}/exports.sh
                                       $<TARGET_FILE:gdal_ROK4>)
  if(TARGET gdal_vsirados)
    add_test(NAME source.exports-vsirados
             COMMAND ${CMAKE_CURRENT_LIST_DIR}/exports.sh
                     $<TARGET_FILE:gdal_vsirados>)
  endif()
  find_program(SHLIBDEPS_PROGRAM dpkg-shlibdeps)
  if(SHLIBDEPS_PROGRAM)
    add_test(NAME source.package
             COMMAND ${CMAKE_CURRENT_LIST_DIR}/package.sh ${PROJECT_SOURCE_DIR}
                     ${PROJECT_BINARY_DIR})
  else()
    message(STATUS "No dpkg-shlibdeps: the Debian package is not tested")
  endif()
endif()
get_directory_property(tests TESTS)
list(FILTER tests INCLUDE REGEX "^source\\.")
set_tests_properties(${tests} PROPERTIES LABELS source TIMEOUT 300)
