// SPDX-License-Identifier: MIT
// The core's directories, links and locks over GDAL's virtual file systems.
#ifndef VSI_TREE_H
#define VSI_TREE_H

#include "pyr_tree.h"

// Works on local paths by POSIX calls. On virtual file systems there are no
// links, nothing to synchronise, and any number of writers may hold a lock; a
// directory that is renamed must be in memory ("/vsimem/"), others are moved
// file by file. Files are written by vsi_out. Holds no state: safe from many
// threads.
struct pyr_tree vsi_tree_make();

#endif
