// SPDX-License-Identifier: MIT
// The COGX driver.
#ifndef COGX_DRIVER_H
#define COGX_DRIVER_H

// Registers it, once.
void CogxRegister();

#endif
