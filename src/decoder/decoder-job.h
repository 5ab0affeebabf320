/* SPDX-License-Identifier: GPL-3.0-or-later */
/* decoder-job.h: one job of esp-decoder-protocol.h, in a process that does nothing else. */
#pragma once

#include "esp-decoder-protocol.h"

G_BEGIN_DECLS

/* Where the descriptors of a job are in its process, and there are no others but standard error. */
enum
{
  DECODER_JOB_SOCKET = 3,
  DECODER_JOB_FILE,
  DECODER_JOB_RESULT,
  DECODER_JOB_N_DESCRIPTORS,
};

/* What a job's process has given up when it begins to read. */
typedef struct
{
  gboolean files; /* Landlock holds */
  gboolean calls; /* seccomp holds */
} DecoderConfined;

/* Gives up everything that the job does not need; then the first byte may be looked at. `flags` are
 * EspConfineFlags for tests, 0 otherwise. FALSE with a sentence: the process must not go on. */
gboolean decoder_job_confine (const EspDecoderJob *job, unsigned flags, DecoderConfined *confined,
                              GError **error);

/* Reads the file, leaves the result in its memory, answers. */
void decoder_job_run (const EspDecoderJob *job, const char *name);

/* Answers with an error of ESP_IMAGE_ERROR alone. */
void decoder_job_refuse (const GError *error);

G_END_DECLS
