/* SPDX-License-Identifier: MIT */
/* landlock.h: which files a process may use, and that it reaches no other process's sockets.
 * Private to confine.c. */
#pragma once

#include "confine/confine.h"

/* Landlock for the calling thread, as far as this kernel has it; needs no_new_privs. *done: whether
 * files are held. */
EspStatus esp_landlock_apply (const EspConfinement *wanted, bool *done, EspError *error);
