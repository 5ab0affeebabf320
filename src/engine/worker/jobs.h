/* SPDX-License-Identifier: MIT */
/* jobs.h: the queue between the thread that reads requests and the one that works them off. */
#pragma once

#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "worker/request.h"

/* Bounds on what a client may pile up. */
#define ESP_JOBS_MAX       256
#define ESP_JOBS_MAX_BYTES ((size_t) 256 << 20) /* of request lines */

typedef struct EspJob
{
  EspRequest request; /* owned */
  size_t bytes;       /* of the request's line */
  uint64_t number;    /* 1, 2, 3, …: names the job's files */
  atomic_bool cancel;
  struct EspJob *next;
} EspJob;

typedef struct EspJobs
{
  pthread_mutex_t lock;
  pthread_cond_t changed;
  EspJob *first, *last; /* waiting */
  EspJob *current;      /* taken and not yet finished */
  int count;            /* waiting */
  size_t bytes;         /* waiting */
  uint64_t taken_numbers;
  bool closed; /* nothing is added any more */
} EspJobs;

typedef enum
{
  ESP_JOBS_ADDED,
  ESP_JOBS_DUPLICATE, /* a job with this id is waiting or running */
  ESP_JOBS_FULL,
  ESP_JOBS_CLOSED,
} EspJobsAnswer;

void esp_jobs_init (EspJobs *jobs);
void esp_jobs_clear (EspJobs *jobs);

/* Adds a job behind the others and takes the request over, whatever the answer is not: on any
 * answer but ESP_JOBS_ADDED the request still belongs to the caller. */
EspJobsAnswer esp_jobs_add (EspJobs *jobs, EspRequest *request, size_t bytes);

/* Waits for the next job and makes it the current one. NULL = closed and worked off. */
EspJob *esp_jobs_take (EspJobs *jobs);

/* The current job is done: frees it. */
void esp_jobs_finish (EspJobs *jobs, EspJob *job);

/* Cancels the job `id`. A running one notices by itself and *waiting becomes NULL; a waiting one is
 * taken out of the queue and handed to the caller in *waiting, who reports and frees it
 * (esp_job_free). False if there is no such job. */
bool esp_jobs_cancel (EspJobs *jobs, const json_t *id, EspJob **waiting);

/* Takes no more jobs. Loads and edits, running or waiting, are marked as cancelled; short jobs that
 * wait are still answered unless `drop` asks for their cancellation too. May be called twice. */
void esp_jobs_close (EspJobs *jobs, bool drop);

void esp_job_free (EspJob *job);
