/* SPDX-License-Identifier: MIT */
/* What a client says to the worker: any bytes as lines of requests, read and checked as the worker
 * does it, and put into its queue. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <unistd.h>

#include "fuzz.h"
#include "worker/channel.h"
#include "worker/jobs.h"
#include "worker/loras.h"
#include "worker/parameters.h"

static void
look_at (const EspRequest *request)
{
  PROMISE (request->id != NULL && (json_is_string (request->id) || json_is_integer (request->id)));
  if (request->type != ESP_REQUEST_EDIT)
    return;
  PROMISE (request->edit_count >= 1 && request->edit_count <= ESP_BATCH_MAX);
  PROMISE (request->edit.prompt != NULL && esp_request_names_model (request));
  PROMISE (json_array_size (request->images) >= 1
           && json_array_size (request->images) <= ESP_IMAGES_MAX);
  PROMISE (request->edit.steps >= 0 && request->edit.guidance == request->edit.guidance);
  for (int i = 0; i < request->edit_count; i++)
    PROMISE (request->edits[i].id != NULL);
  for (int i = 0; request->carry.tokens != NULL
                  && i < request->carry.width / 16 * (request->carry.height / 16);
       i++)
    PROMISE (request->carry.tokens[i] <= 1);
}

static void
take_line (EspJobs *jobs, EspChannel *channel, const char *line, size_t length)
{
  EspError error = ESP_ERROR_INIT;
  EspRequest request;
  bool protocol = false;
  EspStatus status = esp_request_parse (line, length, &request, &protocol, &error);

  if (status != ESP_OK)
    {
      /* It may quote what is no UTF-8: esp_channel_error () sends it as what is. */
      PROMISE (error.message[0] != '\0');
      esp_channel_error (channel, request.id, protocol ? "protocol" : "argument", error.message);
      esp_request_clear (&request);
      return;
    }
  look_at (&request);
  if (request.type == ESP_REQUEST_CANCEL)
    {
      EspJob *emptied = NULL;

      esp_jobs_cancel (jobs, request.job, &emptied);
      esp_job_free (emptied);
      esp_request_clear (&request);
    }
  else if (esp_jobs_add (jobs, &request, length) != ESP_JOBS_ADDED)
    esp_request_clear (&request);
}

static void
work_off (EspJobs *jobs)
{
  EspJob *job;

  esp_jobs_close (jobs, false);
  while ((job = esp_jobs_take (jobs)) != NULL)
    {
      PROMISE (job->part_count >= 1 && job->parts[0].id != NULL);
      esp_jobs_finish (jobs, job);
    }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static int nowhere = -1;
  int fd;
  const char *line, *path = fuzz_file (NULL, 0, data, size, &fd);
  size_t length;
  EspLineReader reader;
  EspLineStatus status;
  EspChannel channel;
  EspJobs jobs;

  (void) path;
  if (nowhere < 0)
    nowhere = open ("/dev/null", O_WRONLY | O_CLOEXEC);
  PROMISE (lseek (fd, 0, SEEK_SET) == 0);
  esp_line_reader_init (&reader, fd);
  esp_channel_init (&channel, nowhere, NULL, NULL);
  esp_jobs_init (&jobs);
  while ((status = esp_line_reader_next (&reader, &line, &length)) != ESP_LINE_END)
    {
      PROMISE (status == ESP_LINE_READY && length <= size && memchr (line, '\n', length) == NULL);
      take_line (&jobs, &channel, line, length);
    }
  work_off (&jobs);
  esp_jobs_clear (&jobs);
  esp_channel_clear (&channel);
  esp_line_reader_clear (&reader);
  close (fd);
  return 0;
}
