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

/* What of a job has an id of its own: the job itself, or each edit of a batch. */
typedef struct EspJobPart
{
  json_t *id; /* borrowed from the request */
  atomic_bool cancel;
  atomic_bool over; /* answered, or about to be: its id is free again */
} EspJobPart;

typedef struct EspJob
{
  EspRequest request; /* owned */
  EspJobPart *parts;  /* [part_count]; owned */
  int part_count;     /* at least 1 */
  size_t bytes;       /* of the request's line */
  uint64_t number; /* 1, 2, 3, …: names the job's files; its parts take the numbers from it on */
  atomic_bool cancel; /* of all parts */
  struct EspJob *next;
} EspJob;

typedef struct EspJobs
{
  pthread_mutex_t lock;
  pthread_cond_t changed;
  EspJob *first, *last; /* waiting */
  EspJob *current;      /* taken and not yet finished */
  int count;            /* parts of those waiting */
  size_t bytes;         /* waiting */
  uint64_t taken_numbers;
  bool closed; /* nothing is added any more */
} EspJobs;

typedef enum
{
  ESP_JOBS_ADDED,
  ESP_JOBS_DUPLICATE, /* a job with this id is waiting or running */
  ESP_JOBS_FULL,
  ESP_JOBS_MEMORY, /* there is none for it */
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

typedef enum
{
  ESP_JOBS_NOT_FOUND,
  ESP_JOBS_RUNNING, /* it notices by itself, and answers */
  ESP_JOBS_WAITING, /* it is over: the caller answers for it */
} EspJobsCancelled;

/* Cancels the job, or the part of one, called `id`. A job of which all parts were cancelled while
 * it waited is taken out of the queue and handed to the caller in *emptied, who frees it
 * (esp_job_free); else that is NULL. */
EspJobsCancelled esp_jobs_cancel (EspJobs *jobs, const json_t *id, EspJob **emptied);

/* Takes no more jobs. Loads, conversions and edits, running or waiting, are marked as cancelled;
 * short jobs that wait are still answered unless `drop` asks for their cancellation too. May be
 * called twice. */
void esp_jobs_close (EspJobs *jobs, bool drop);

void esp_job_free (EspJob *job);
