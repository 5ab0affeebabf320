/* SPDX-License-Identifier: MIT */
/* convert-job.c: a weights file in another number format, for the protocol. */
#include <time.h>

#include "files/convert.h"
#include "worker/session.h"

/* Progress is news at most this often. */
#define PROGRESS_SECONDS 0.1

typedef struct
{
  EspSession *session;
  EspJob *job;
  double begin, told;
} ConvertRun;

static double
now (void)
{
  struct timespec time;

  clock_gettime (CLOCK_MONOTONIC, &time);
  return (double) time.tv_sec + 1e-9 * (double) time.tv_nsec;
}

static bool
is_cancelled (EspJob *job)
{
  return atomic_load (&job->cancel) || atomic_load (&job->parts[0].cancel);
}

static bool
on_progress (void *data, uint64_t done, uint64_t total)
{
  ConvertRun *run = data;
  double time = now (), fraction = total > 0 ? (double) done / (double) total : 1;
  json_t *left;

  if (is_cancelled (run->job))
    return false;
  if (run->told > 0 && time - run->told < PROGRESS_SECONDS && done < total)
    return true;
  run->told = time;
  left = fraction > 0.01 ? json_real ((time - run->begin) * (1 - fraction) / fraction)
                         : json_null ();
  esp_channel_send_if_ready (run->session->channel,
                             json_pack ("{s:s, s:O, s:s, s:i, s:i, s:f, s:o}", "type", "progress",
                                        "id", run->job->request.id, "stage", "convert", "step", 0,
                                        "steps", 0, "fraction", fraction, "seconds_left", left));
  return true;
}

EspStatus
esp_session_run_convert (EspSession *session, EspJob *job, EspError *error)
{
  ConvertRun run = { session, job, now (), 0 };
  EspConvertRequest request = { .input = job->request.input,
                                .output = job->request.output,
                                .progress = on_progress,
                                .data = &run };
  EspConvertReport report;
  EspStatus status;

  if (!esp_convert_type_from_name (job->request.format, &request.type))
    return esp_error_set (error, ESP_ERROR_ARGUMENT,
                          "format: expected q8_0, q4_k, fp8 or bf16, found \"%.40s\"",
                          job->request.format);
  status = esp_convert (&request, &report, error);
  if (status == ESP_OK)
    esp_channel_send (
        session->channel, job->request.id,
        json_pack ("{s:s, s:O, s:o, s:I, s:I, s:I, s:I, s:I, s:f}", "type", "converted", "id",
                   job->request.id, "path", esp_json_text (job->request.output), "converted",
                   (json_int_t) report.converted, "kept", (json_int_t) report.kept, "left_out",
                   (json_int_t) report.left_out, "bytes_in", (json_int_t) report.bytes_in,
                   "bytes_out", (json_int_t) report.bytes_out, "seconds", now () - run.begin));
  return status;
}
