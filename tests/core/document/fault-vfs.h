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
  /* Each of these counts the calls of one kind alone, and one of them fails: */
  FAULT_READ,         /* a read, with an error of the disk */
  FAULT_READ_SHORT,   /* a read that ends early, the rest zero */
  FAULT_READ_CORRUPT, /* a read that the file system has found to be damaged */
  FAULT_WRITE_SHORT,  /* a write of which half is done */
  FAULT_WRITE_FORBID, /* a write, as if the file were read-only */
  FAULT_SYNC,         /* a flush */
  FAULT_OPEN,         /* a file cannot be opened */
  FAULT_DELETE,       /* a file cannot be deleted */
  FAULT_SIZE,         /* nobody can tell how large a file is */
  FAULT_LOCK,         /* a lock, with an error */
  FAULT_LOCK_BUSY,    /* a lock that somebody else has */
  FAULT_SHARE,        /* the index of the log cannot be mapped */
  FAULT_SHARE_BUSY,   /* or somebody else has a lock on it */
  FAULT_MEMORY,       /* SQLite's own allocations: there is none left */
  FAULT_KINDS
} FaultKind;

/* The name of a kind, as crash-victim has it on its command line. */
const char *fault_name (FaultKind kind);

/* Every SQLite file that is opened from now on is on it. Called before anything of SQLite is used.
 * `moment` counts from 1: writes, truncations and flushes, or what the kind says. */
void fault_vfs_register (FaultKind kind, guint moment, guint32 seed);

/* How many there have been. */
guint fault_vfs_count (void);

/* No more faults. */
void fault_vfs_mend (void);
