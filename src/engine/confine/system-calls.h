/* SPDX-License-Identifier: MIT */
/* system-calls.h: which system calls a process may make. Private to confine.c. */
#pragma once

#include "confine/confine.h"

/* A seccomp filter for all threads of the process; needs no_new_privs. `names`: files may be opened
 * by their names. *done: whether it holds. */
EspStatus esp_system_calls_apply (const EspConfinement *wanted, bool names, bool *done,
                                  EspError *error);
