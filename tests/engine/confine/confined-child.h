/* SPDX-License-Identifier: MIT */
/* confined-child.h: something is tried in a process of its own that has been confined. */
#pragma once

#include "confine/confine.h"

typedef enum
{
  TRY_THROUGH = 0, /* it could be done; also what a program exits with that should not run */
  TRY_DENIED = 10,
  TRY_NOT_CONFINED = 11, /* esp_confine () failed */
  TRY_KILLED = 12,       /* the process was ended by a signal */
  TRY_ODD = 13,          /* something else than either */
} TryResult;

/* Whether it could be done; errno says why not. */
typedef bool (*TryFunc) (void);

/* Tries it in a child. `wanted` NULL: one that is not confined. *signal_number (or NULL) is what
 * ended it, or 0; *held (or NULL) what took hold. */
TryResult try_confined (const EspConfinement *wanted, TryFunc func, int *signal_number,
                        EspConfined *held);

/* A folder of this test, made by the first call, with `name` in it. Static storage, for 16 names.
 */
const char *scratch (const char *name);

/* Removes it. */
void scratch_remove (void);

/* Makes a file with some words in it. */
void scratch_write (const char *name);

/* What Landlock this kernel has; 0: none. */
long landlock_abi (void);
