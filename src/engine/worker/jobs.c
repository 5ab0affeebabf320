/* SPDX-License-Identifier: MIT */
#include "worker/jobs.h"

#include <stdlib.h>

void
esp_jobs_init (EspJobs *jobs)
{
  *jobs = (EspJobs){ .first = NULL };
  pthread_mutex_init (&jobs->lock, NULL);
  pthread_cond_init (&jobs->changed, NULL);
}

void
esp_jobs_clear (EspJobs *jobs)
{
  while (jobs->first != NULL)
    {
      EspJob *job = jobs->first;

      jobs->first = job->next;
      esp_job_free (job);
    }

  pthread_cond_destroy (&jobs->changed);
  pthread_mutex_destroy (&jobs->lock);
}

void
esp_job_free (EspJob *job)
{
  if (job != NULL)
    {
      esp_request_clear (&job->request);
      free (job->parts);
    }
  free (job);
}

/* The part called `id` that is not over, or NULL. */
static EspJobPart *
find_part (EspJob *job, const json_t *id)
{
  for (int i = 0; i < job->part_count; i++)
    if (!atomic_load (&job->parts[i].over) && json_equal (job->parts[i].id, id))
      return &job->parts[i];
  return NULL;
}

static bool
is_taken (const EspJobs *jobs, const json_t *id)
{
  if (jobs->current != NULL && find_part (jobs->current, id) != NULL)
    return true;
  for (EspJob *job = jobs->first; job != NULL; job = job->next)
    if (find_part (job, id) != NULL)
      return true;
  return false;
}

/* Takes the request over, which stays the caller's when memory is out (NULL). */
static EspJob *
job_new (EspRequest *request)
{
  int count = request->edit_count > 0 ? request->edit_count : 1;
  EspJob *job = calloc (1, sizeof *job);

  if (job != NULL)
    job->parts = calloc ((size_t) count, sizeof *job->parts);
  if (job == NULL || job->parts == NULL)
    {
      free (job);
      return NULL;
    }

  job->part_count = count;
  for (int i = 0; i < count; i++)
    {
      job->parts[i].id = request->edit_count > 0 ? request->edits[i].id : request->id;
      atomic_init (&job->parts[i].cancel, false);
      atomic_init (&job->parts[i].over, false);
    }
  job->request = *request;
  atomic_init (&job->cancel, false);
  *request = (EspRequest){ .object = NULL };
  return job;
}

static EspJobsAnswer
add_locked (EspJobs *jobs, EspRequest *request, size_t bytes)
{
  EspJob *job;

  if (jobs->closed)
    return ESP_JOBS_CLOSED;

  if (is_taken (jobs, request->id))
    return ESP_JOBS_DUPLICATE;
  for (int i = 0; i < request->edit_count; i++)
    if (is_taken (jobs, request->edits[i].id))
      return ESP_JOBS_DUPLICATE;

  if (jobs->count >= ESP_JOBS_MAX || jobs->bytes + bytes > ESP_JOBS_MAX_BYTES)
    return ESP_JOBS_FULL;

  job = job_new (request);
  if (job == NULL)
    return ESP_JOBS_MEMORY;

  job->bytes = bytes;
  job->number = jobs->taken_numbers + 1;
  jobs->taken_numbers += (uint64_t) job->part_count;

  if (jobs->last != NULL)
    jobs->last->next = job;
  else
    jobs->first = job;
  jobs->last = job;
  jobs->count += job->part_count;
  jobs->bytes += bytes;

  pthread_cond_broadcast (&jobs->changed);
  return ESP_JOBS_ADDED;
}

EspJobsAnswer
esp_jobs_add (EspJobs *jobs, EspRequest *request, size_t bytes)
{
  EspJobsAnswer answer;

  pthread_mutex_lock (&jobs->lock);
  answer = add_locked (jobs, request, bytes);
  pthread_mutex_unlock (&jobs->lock);

  return answer;
}

/* Takes the job at *link, which follows `before` (NULL = it is the first), out of the queue. */
static EspJob *
unlink_job (EspJobs *jobs, EspJob **link, EspJob *before)
{
  EspJob *job = *link;

  *link = job->next;
  if (jobs->last == job)
    jobs->last = before;
  job->next = NULL;
  jobs->count -= job->part_count;
  jobs->bytes -= job->bytes;

  return job;
}

EspJob *
esp_jobs_take (EspJobs *jobs)
{
  EspJob *job = NULL;

  pthread_mutex_lock (&jobs->lock);
  while (jobs->first == NULL && !jobs->closed)
    pthread_cond_wait (&jobs->changed, &jobs->lock);
  if (jobs->first != NULL)
    job = unlink_job (jobs, &jobs->first, NULL);
  jobs->current = job;
  pthread_mutex_unlock (&jobs->lock);

  return job;
}

void
esp_jobs_finish (EspJobs *jobs, EspJob *job)
{
  pthread_mutex_lock (&jobs->lock);
  jobs->current = NULL;
  pthread_mutex_unlock (&jobs->lock);

  esp_job_free (job);
}

/* Cancels a part; the whole job if that was the last of it. True if nothing of it is left. */
static bool
cancel_part (EspJob *job, EspJobPart *part)
{
  atomic_store (&part->cancel, true);
  for (int i = 0; i < job->part_count; i++)
    if (!atomic_load (&job->parts[i].over) && !atomic_load (&job->parts[i].cancel))
      return false;
  atomic_store (&job->cancel, true);
  return true;
}

EspJobsCancelled
esp_jobs_cancel (EspJobs *jobs, const json_t *id, EspJob **emptied)
{
  EspJobsCancelled found = ESP_JOBS_NOT_FOUND;
  EspJobPart *part = NULL;
  EspJob *before = NULL;

  *emptied = NULL;

  pthread_mutex_lock (&jobs->lock);
  if (jobs->current != NULL)
    part = find_part (jobs->current, id);
  if (part != NULL)
    {
      cancel_part (jobs->current, part);
      found = ESP_JOBS_RUNNING;
    }

  for (EspJob **link = &jobs->first; found == ESP_JOBS_NOT_FOUND && *link != NULL;
       link = &(*link)->next)
    {
      part = find_part (*link, id);
      if (part != NULL)
        {
          bool empty = cancel_part (*link, part);

          atomic_store (&part->over, true);
          found = ESP_JOBS_WAITING;
          if (empty)
            *emptied = unlink_job (jobs, link, before);
          break;
        }
      before = *link;
    }
  pthread_mutex_unlock (&jobs->lock);

  return found;
}

/* Jobs that may take long, and whose result nobody waits for when the client is gone. */
static bool
is_long (const EspJob *job)
{
  return job->request.type == ESP_REQUEST_EDIT || job->request.type == ESP_REQUEST_LOAD
         || job->request.type == ESP_REQUEST_CONVERT;
}

void
esp_jobs_close (EspJobs *jobs, bool drop)
{
  pthread_mutex_lock (&jobs->lock);
  jobs->closed = true;
  if (jobs->current != NULL && (drop || is_long (jobs->current)))
    atomic_store (&jobs->current->cancel, true);
  for (EspJob *job = jobs->first; job != NULL; job = job->next)
    {
      if (drop || is_long (job))
        atomic_store (&job->cancel, true);
    }
  pthread_cond_broadcast (&jobs->changed);
  pthread_mutex_unlock (&jobs->lock);
}
