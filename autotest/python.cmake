# SPDX-License-Identifier: MIT
# Python tests, with the plugin of this build.
#
# GDAL_DRIVER_PATH takes the place of the system's plugin directory: an
# installed plugin is never what is tested.
set(ROK4_PYTHON /usr/bin/python3 CACHE FILEPATH "Python of the osgeo package")

# Environment in which a program that is not instrumented can load an
# instrumented plugin: the sanitizer's run-time library must come first.
function(rok4_sanitizer_environment out_list)
  set(env "")
  if(ROK4_SANITIZE MATCHES "address")
    set(runtime libasan.so)
    set(env ASAN_OPTIONS=detect_leaks=0 PYTHONMALLOC=malloc)
  elseif(ROK4_SANITIZE MATCHES "thread")
    set(runtime libtsan.so)
    # Only what the plugin does is judged, not what GDAL and Python do.
    set(env "TSAN_OPTIONS=ignore_noninstrumented_modules=1 exitcode=66"
            OPENBLAS_NUM_THREADS=1)
  endif()
  # The C++ library too, or exceptions find no way through the run-time library.
  if(runtime)
    set(paths "")
    foreach(library ${runtime} libstdc++.so.6)
      execute_process(
        COMMAND ${CMAKE_CXX_COMPILER} -print-file-name=${library}
        OUTPUT_VARIABLE path OUTPUT_STRIP_TRAILING_WHITESPACE)
      list(APPEND paths "${path}")
    endforeach()
    list(JOIN paths ":" paths)
    list(APPEND env "LD_PRELOAD=${paths}")
  endif()
  set(${out_list} "${env}" PARENT_SCOPE)
endfunction()

# FOLDER/test_NAME.py becomes the test FOLDER.NAME: a crash in one file leaves
# the others to be run.
function(rok4_add_pytest folder)
  file(GLOB files CONFIGURE_DEPENDS
       ${CMAKE_CURRENT_LIST_DIR}/${folder}/test_*.py)
  rok4_sanitizer_environment(env)
  set(capture "")
  if(ROK4_SANITIZE)
    set(capture --capture=sys) # lets the sanitizers' reports through
  endif()
  foreach(file IN LISTS files)
    get_filename_component(stem ${file} NAME_WE)
    string(REGEX REPLACE "^test_" "${folder}." test ${stem})
    add_test(
      NAME ${test}
      COMMAND ${launcher} ${ROK4_PYTHON} -m pytest ${capture} ${file}
      WORKING_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR})
    set_tests_properties(
      ${test}
      PROPERTIES
        LABELS ${folder}
        TIMEOUT 1200
        SKIP_RETURN_CODE 5 # nothing to run: what it tests is not installed
        ENVIRONMENT
        "GDAL_DRIVER_PATH=${PROJECT_BINARY_DIR}/gdalplugins;ROK4_BUILD_DIR=${PROJECT_BINARY_DIR};PYTHONDONTWRITEBYTECODE=1;${env}"
    )
    if(folder STREQUAL storage)
      # They start servers, and some measure how long these take: one after the
      # other, from the beginning on.
      set_tests_properties(${test} PROPERTIES RESOURCE_LOCK servers COST 1000)
    endif()
  endforeach()
endfunction()

# The sanitizers watch the driver; the rest tests other things.
if(NOT ROK4_SANITIZE)
  rok4_add_pytest(tms)
endif()
if(ROK4_BUILD_PLUGIN AND NOT ROK4_LIBFUZZER)
  rok4_add_pytest(gdrivers)
  rok4_add_pytest(apps)
  if(NOT ROK4_SANITIZE)
    rok4_add_pytest(clients)
    rok4_add_pytest(interop)
    rok4_add_pytest(doc)
    rok4_add_pytest(safety)
    rok4_add_pytest(storage)
  endif()
endif()
