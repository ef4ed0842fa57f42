# SPDX-License-Identifier: MIT
# The Debian packages: `cpack -G DEB` in a release build directory. /vsirados/ is in
# one of its own, so that the other one does not depend on Ceph.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME gdal-plugin-rok4)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_UNSPECIFIED_PACKAGE_NAME gdal-plugin-rok4)
set(CPACK_DEBIAN_UNSPECIFIED_DESCRIPTION
    "Reads and writes ROK4 pyramids and Cloud Optimized GeoTIFFs.")
set(CPACK_DEBIAN_VSIRADOS_PACKAGE_NAME gdal-plugin-vsirados)
set(CPACK_DEBIAN_VSIRADOS_DESCRIPTION
    "Reads and writes objects of Ceph clusters.")
set(CPACK_PACKAGE_CONTACT "gdal-rok4 developers <gdal-rok4@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "GDAL plugin of the project gdal-rok4")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
include(CPack)
