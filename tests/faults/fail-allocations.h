/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fail-allocations.h: what libfail-allocations.so and the test that steers it tell each other.
 *
 * The library is loaded before all others (LD_PRELOAD). FAIL_ALLOCATIONS names a file of this
 * layout, which both map: the test says what is to happen from now on, the library what has. With
 * FAIL_ALLOCATIONS_PROGRAM it does that in the program of this name alone, not in those it starts.
 * All numbers are of the machine's own order; allocations.py reads the same layout. */
#pragma once

#include <stdint.h>

#define FAIL_SITES_MAX  16384 /* a power of two: the table is looked up by hash */
#define FAIL_FRAMES_MAX 12
#define FAIL_FILES_MAX  64
#define FAIL_NAME_SIZE  64

typedef enum
{
  FAIL_OFF,    /* everything is passed on */
  FAIL_RECORD, /* and written down, by who asks for it */
  FAIL_ONCE,   /* one allocation has none, namely the `moment`-th of `site` */
  FAIL_KILL,   /* the process is killed there */
} FailMode;

/* One place that asks for memory, told by the calls that lead there. */
typedef struct
{
  uint64_t site;  /* never 0 in a slot that is used */
  uint32_t count; /* allocations while FAIL_RECORD */
  uint32_t depth;
  uint16_t file[FAIL_FRAMES_MAX];    /* index into `files`, of each return address */
  uint64_t address[FAIL_FRAMES_MAX]; /* within that file */
} FailSite;

typedef struct
{
  uint32_t mode;   /* FailMode; written by the test */
  uint32_t frames; /* how many calls tell two places apart; written by the test */
  uint64_t site;   /* 0: any; written by the test */
  uint32_t moment; /* from 1; written by the test */
  uint32_t struck; /* how many allocations had none */
  uint32_t seen;   /* of the site, since the test set this to 0 */
  uint32_t lost;   /* sites for which there was no room */
  uint32_t n_files;
  uint32_t reserved;
  char files[FAIL_FILES_MAX][FAIL_NAME_SIZE];
  FailSite sites[FAIL_SITES_MAX];
} FailControl;
