# SPDX-License-Identifier: MIT
# The Debian package: `cpack -G DEB` in a release build directory.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME gdal-plugin-rok4)
set(CPACK_PACKAGE_CONTACT "gdal-rok4 developers <gdal-rok4@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "GDAL plugin that reads and writes ROK4 pyramids")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
include(CPack)
