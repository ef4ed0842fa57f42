// SPDX-License-Identifier: MIT
// Locks that keep a second writer off, as of struct pyr_tree.
#ifndef VSI_LOCK_H
#define VSI_LOCK_H

#include "pyr_tree.h"

// The file holds "PID HOST USER SECONDS\n", the last since 1970. On virtual
// file systems, and on local ones without flock, any number may hold a lock.
enum pyr_result vsi_lock_take(void *user, const char *path,
                              struct pyr_lock **out_lock,
                              struct pyr_error *err);
void vsi_lock_release(struct pyr_lock *lock);

#endif
