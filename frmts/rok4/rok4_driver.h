// SPDX-License-Identifier: MIT
// The ROK4 driver.
#ifndef ROK4_DRIVER_H
#define ROK4_DRIVER_H

// Registers it, once.
void Rok4Register();

#endif
