/* SPDX-License-Identifier: GPL-3.0-or-later */
/* decoder-jobs.h: takes jobs and has a process of its own read each. */
#pragma once

#include "esp-decoder-protocol.h"

G_BEGIN_DECLS

/* What a job's process does, in this order; it ends when the last has returned. */
typedef struct
{
  /* Before the process is there: what it will need and could not get by itself. */
  void (*prepare) (const EspDecoderJob *job);
  /* The job's process, with the job's descriptors in their places and no others. */
  void (*run) (const EspDecoderJob *job, const char *name);
} DecoderWork;

/* Until the socket on standard input is closed. Returns the exit status. */
int decoder_jobs_run (const DecoderWork *work);

G_END_DECLS
