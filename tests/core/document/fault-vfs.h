/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fault-vfs.h: a file system under SQLite that fails, or loses power, at a chosen moment. */
#pragma once

#include <glib.h>

typedef enum
{
  FAULT_NONE,       /* only counts */
  FAULT_FULL,       /* the disk is full from the moment on, until fault_vfs_mend () */
  FAULT_IO,         /* one write, truncation or flush fails */
  FAULT_POWER,      /* the process ends; of what was not flushed, nothing is on the disk */
  FAULT_POWER_PART, /* the same, but some of it is, in any order and torn */
  FAULT_POWER_ALL,  /* the same, but all of it is */
} FaultKind;

/* Every SQLite file that is opened from now on is on it. `moment` counts writes, truncations and
 * flushes from 1. */
void fault_vfs_register (FaultKind kind, guint moment, guint32 seed);

/* How many there have been. */
guint fault_vfs_count (void);

/* No more faults. */
void fault_vfs_mend (void);
