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
    esp_request_clear (&job->request);
  free (job);
}

static EspJobsAnswer
add_locked (EspJobs *jobs, EspRequest *request, size_t bytes)
{
  EspJob *job;

  if (jobs->closed)
    return ESP_JOBS_CLOSED;

  if (jobs->current != NULL && json_equal (jobs->current->request.id, request->id))
    return ESP_JOBS_DUPLICATE;
  for (job = jobs->first; job != NULL; job = job->next)
    {
      if (json_equal (job->request.id, request->id))
        return ESP_JOBS_DUPLICATE;
    }

  if (jobs->count >= ESP_JOBS_MAX || jobs->bytes + bytes > ESP_JOBS_MAX_BYTES)
    return ESP_JOBS_FULL;

  job = calloc (1, sizeof *job);
  if (job == NULL)
    return ESP_JOBS_FULL;

  job->request = *request;
  job->bytes = bytes;
  job->number = ++jobs->taken_numbers;
  atomic_init (&job->cancel, false);
  *request = (EspRequest){ .object = NULL };

  if (jobs->last != NULL)
    jobs->last->next = job;
  else
    jobs->first = job;
  jobs->last = job;
  jobs->count++;
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
  jobs->count--;
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

bool
esp_jobs_cancel (EspJobs *jobs, const json_t *id, EspJob **waiting)
{
  bool found = false;
  EspJob *before = NULL;

  *waiting = NULL;

  pthread_mutex_lock (&jobs->lock);
  if (jobs->current != NULL && json_equal (jobs->current->request.id, id))
    {
      atomic_store (&jobs->current->cancel, true);
      found = true;
    }

  for (EspJob **link = &jobs->first; !found && *link != NULL; link = &(*link)->next)
    {
      if (json_equal ((*link)->request.id, id))
        {
          *waiting = unlink_job (jobs, link, before);
          found = true;
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
  return job->request.type == ESP_REQUEST_EDIT || job->request.type == ESP_REQUEST_LOAD;
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
