# SPDX-License-Identifier: MIT
# Finds the directory from which the GDAL found here loads its plugins.
#
# GDAL's own answer (gdal-config --plugindir, GDAL 3.8 and later) is taken when
# it is an absolute path; older versions print their usage instead. Failing
# that, gdalplugins beside libgdal, where Debian's packages look.
function(rok4_gdal_plugin_dir out_dir)
  get_target_property(library GDAL::GDAL IMPORTED_LOCATION)
  if(NOT library)
    get_target_property(configs GDAL::GDAL IMPORTED_CONFIGURATIONS)
    list(GET configs 0 config)
    get_target_property(library GDAL::GDAL IMPORTED_LOCATION_${config})
  endif()
  get_filename_component(library_dir "${library}" DIRECTORY)
  set(dir "${library_dir}/gdalplugins")
  find_program(GDAL_CONFIG_PROGRAM gdal-config)
  if(GDAL_CONFIG_PROGRAM)
    execute_process(
      COMMAND "${GDAL_CONFIG_PROGRAM}" --plugindir
      OUTPUT_VARIABLE answer ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
    if(answer MATCHES "^/[^\n]*$")
      set(dir "${answer}")
    endif()
  endif()
  set(${out_dir} "${dir}" PARENT_SCOPE)
endfunction()

if(ROK4_BUILD_PLUGIN)
  rok4_gdal_plugin_dir(found_dir)
  set(GDAL_PLUGIN_DIR "${found_dir}" CACHE PATH
      "Directory that the plugin is installed into")
  message(STATUS "Plugin directory: ${GDAL_PLUGIN_DIR}")
  if(NOT GDAL_PLUGIN_DIR STREQUAL found_dir)
    message(WARNING
      "GDAL ${GDAL_VERSION} looks for plugins in ${found_dir}: it will find "
      "one in ${GDAL_PLUGIN_DIR} only with GDAL_DRIVER_PATH set")
  endif()
  string(REGEX MATCH "^[0-9]+\\.[0-9]+" version "${GDAL_VERSION}")
  if(EXISTS "${GDAL_PLUGIN_DIR}/${version}")
    message(WARNING
      "${GDAL_PLUGIN_DIR}/${version} exists: GDAL looks only there, and "
      "ignores plugins beside it; set GDAL_PLUGIN_DIR to it")
  endif()
endif()
