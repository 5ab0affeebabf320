/* SPDX-License-Identifier: MIT */
/* The worker's protocol without a worker: lines, requests, parameters, the queue. */
#include "check.h"

#include <stdio.h>
#include <unistd.h>

#include "worker/channel.h"
#include "worker/jobs.h"
#include "worker/parameters.h"

/* Parses `line` and gives the error's message (static storage), or "" if the line is fine. */
static const char *
parse (const char *line)
{
  static EspError error;
  EspRequest request;
  bool protocol;

  error = (EspError) ESP_ERROR_INIT;
  esp_request_parse (line, strlen (line), &request, &protocol, &error);
  esp_request_clear (&request);
  return error.message;
}

#define EDIT "\"type\":\"edit\",\"id\":1,\"model\":\"m\",\"images\":[\"a.ppm\"],\"prompt\":\"p\""

#define CHECK_REFUSED(line, part)                                                                  \
  do                                                                                               \
    {                                                                                              \
      const char *refusal = parse (line);                                                          \
      if (strstr (refusal, part) == NULL)                                                          \
        {                                                                                          \
          printf ("# %s: \"%s\" does not name \"%s\"\n", line, refusal, part);                     \
          check_case_failures++;                                                                   \
        }                                                                                          \
    }                                                                                              \
  while (0)

static void
good_requests_are_taken (void)
{
  static const char *const lines[] = {
    "{\"id\":1,\"type\":\"hello\"}",
    "{\"id\":\"x\",\"type\":\"describe\",\"model\":null}",
    "{\"id\":-3,\"type\":\"describe\",\"model\":\"m\"}\r",
    "{\"id\":1,\"type\":\"cancel\",\"job\":\"x\"}",
    "{\"id\":1,\"type\":\"tokenize\",\"model\":\"m\",\"texts\":[\"a\\u0000b\",\"\"]}",
    "{" EDIT "}",
    "{" EDIT ",\"seed\":9223372036854775807,\"steps\":1000,\"guidance\":0,\"true_cfg\":1.5}",
    "{" EDIT ",\"seed\":\"18446744073709551615\",\"size\":\"8192x16\",\"negative_prompt\":\"\"}",
    "{" EDIT ",\"multi_ref\":\"index\",\"device\":\"cpu\",\"dtype\":\"bf16\",\"threads\":4}",
    "{" EDIT ",\"vae_tiling\":\"on\",\"previews\":true,\"latents\":false,\"noise\":\"n\"}",
  };

  for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
    {
      if (parse (lines[i])[0] != '\0')
        printf ("# %s: %s\n", lines[i], parse (lines[i]));
      CHECK (parse (lines[i])[0] == '\0');
    }
}

static void
lines_that_are_no_request_are_refused (void)
{
  CHECK_REFUSED ("", "not JSON");
  CHECK_REFUSED ("make it snow", "not JSON");
  CHECK_REFUSED ("[1]", "not a JSON object");
  CHECK_REFUSED ("7", "not JSON");
  CHECK_REFUSED ("{\"id\":1", "not JSON");
  CHECK_REFUSED ("{\"id\":1,\"id\":2,\"type\":\"hello\"}", "not JSON");
  CHECK_REFUSED ("{\"id\":1,\"type\":\"hello\"} {}", "not JSON");
  CHECK_REFUSED ("{\"type\":\"hello\"}", "id");
  CHECK_REFUSED ("{\"id\":null,\"type\":\"hello\"}", "id");
  CHECK_REFUSED ("{\"id\":1.5,\"type\":\"hello\"}", "id");
  CHECK_REFUSED ("{\"id\":\"\",\"type\":\"hello\"}", "id");
  CHECK_REFUSED ("{\"id\":1}", "type");
  CHECK_REFUSED ("{\"id\":1,\"type\":7}", "type");
  CHECK_REFUSED ("{\"id\":1,\"type\":\"paint\"}", "paint");
  CHECK_REFUSED ("{\"id\":1,\"type\":\"hello\",\"x\":NaN}", "not JSON");
  CHECK_REFUSED ("{\"id\":1,\"type\":\"hello\",\"x\":\"\xff\"}", "not JSON");
}

static void
fields_are_checked_by_name (void)
{
  CHECK_REFUSED ("{\"id\":1,\"type\":\"hello\",\"speed\":1}", "speed");
  CHECK_REFUSED ("{" EDIT ",\"stepz\":1}", "stepz");
  CHECK_REFUSED ("{\"id\":1,\"type\":\"load\"}", "model");
  CHECK_REFUSED ("{\"id\":1,\"type\":\"load\",\"model\":\"\"}", "model");
  CHECK_REFUSED ("{\"id\":1,\"type\":\"load\",\"model\":\"a\\u0000b\"}", "model");
  CHECK_REFUSED ("{\"id\":1,\"type\":\"cancel\"}", "job");
  CHECK_REFUSED ("{\"id\":1,\"type\":\"tokenize\",\"model\":\"m\",\"texts\":[1]}", "texts");
  CHECK_REFUSED ("{\"id\":1,\"type\":\"edit\",\"model\":\"m\",\"images\":[\"a\"]}", "prompt");
  CHECK_REFUSED ("{\"id\":1,\"type\":\"edit\",\"model\":\"m\",\"prompt\":\"p\"}", "images");
  CHECK_REFUSED ("{\"id\":1,\"type\":\"edit\",\"model\":\"m\",\"prompt\":\"p\",\"images\":[]}",
                 "images");
  CHECK_REFUSED ("{" EDIT ",\"noise\":3}", "noise");
  CHECK_REFUSED ("{" EDIT ",\"previews\":1}", "previews");
}

static void
parameters_are_checked_by_type_and_range (void)
{
  static const struct
  {
    const char *name, *value;
  } wrong[] = {
    { "steps", "0" },
    { "steps", "1001" },
    { "steps", "2.5" },
    { "steps", "\"8\"" },
    { "steps", "true" },
    { "seed", "-1" },
    { "seed", "1e3" },
    { "seed", "\"18446744073709551616\"" },
    { "seed", "\" 1\"" },
    { "seed", "\"\"" },
    { "guidance", "-0.1" },
    { "guidance", "101" },
    { "guidance", "\"2\"" },
    { "true_cfg", "[]" },
    { "true_cfg", "1000" },
    { "step_cache", "\"on\"" },
    { "step_cache", "-0.1" },
    { "step_cache", "0.51" },
    { "size", "\"\"" },
    { "size", "\"64\"" },
    { "size", "\"0x64\"" },
    { "size", "\"-64x64\"" },
    { "size", "\"64x64x64\"" },
    { "size", "\"65x64\"" },
    { "size", "\"8208x16\"" },
    { "size", "\"99999999999x16\"" },
    { "size", "64" },
    { "multi_ref", "\"left\"" },
    { "device", "\"gpu\"" },
    { "dtype", "\"f16\"" },
    { "threads", "-1" },
    { "threads", "100000" },
    { "vae_tiling", "\"yes\"" },
    { "latent_carry", "1" },
    { "prompt", "5" },
    { "negative_prompt", "{}" },
    { "negative_prompt", "\"a\\u0000b\"" },
  };

  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
    {
      char line[256];
      bool prompt = strcmp (wrong[i].name, "prompt") == 0;

      snprintf (line, sizeof line,
                "{\"type\":\"edit\",\"id\":1,\"model\":\"m\",\"images\":[\"a\"],%s\"%s\":%s}",
                prompt ? "" : "\"prompt\":\"p\",", wrong[i].name, wrong[i].value);
      CHECK_REFUSED (line, wrong[i].name);
    }
}

/* Parses an edit of which 64 × 48 px, 12 tokens, are carried; `rest` follows in the object. */
static EspStatus
parse_carry (const char *rest, EspRequest *request, EspError *error)
{
  char line[512];
  bool protocol;

  snprintf (line, sizeof line, "{" EDIT ",\"carry\":{\"latents\":\"l\",\"width\":64%s}}", rest);
  *error = (EspError) ESP_ERROR_INIT;
  return esp_request_parse (line, strlen (line), request, &protocol, error);
}

static void
what_is_carried_is_read_token_by_token (void)
{
  EspRequest request;
  EspError error;

  CHECK_STATUS (parse_carry (",\"height\":48,\"tokens\":\"80e\"", &request, &error), ESP_OK, error);
  CHECK (strcmp (request.carry.path, "l") == 0 && request.carry.model_hash == NULL);
  CHECK (request.carry.width == 64 && request.carry.height == 48);
  for (int i = 0; request.carry.tokens != NULL && i < 12; i++)
    CHECK (request.carry.tokens[i] == (i == 0 || (i >= 8 && i < 11)));
  esp_request_clear (&request);

  CHECK_STATUS (parse_carry (",\"height\":48", &request, &error), ESP_OK, error);
  CHECK (request.carry.tokens == NULL);
  esp_request_clear (&request);

  CHECK_STATUS (parse_carry (",\"height\":16,\"tokens\":\"f\",\"model\":null", &request, &error),
                ESP_OK, error);
  CHECK (request.carry.tokens != NULL && request.carry.tokens[3] == 1);
  esp_request_clear (&request);
}

static void
what_is_carried_is_checked (void)
{
  static const char *const wrong[][2] = {
    { "", "carry: height" },
    { ",\"height\":0", "carry: height" },
    { ",\"height\":17", "carry: height" },
    { ",\"height\":8208", "carry: height" },
    { ",\"height\":\"48\"", "carry: height" },
    { ",\"height\":1e2", "carry: height" },
    { ",\"height\":48,\"tokens\":\"ff\"", "carry: tokens: expected 3" },
    { ",\"height\":48,\"tokens\":\"ffff\"", "carry: tokens: expected 3" },
    { ",\"height\":48,\"tokens\":\"\"", "carry: tokens: expected 3" },
    { ",\"height\":48,\"tokens\":\"fxf\"", "carry: tokens: expected digits" },
    { ",\"height\":48,\"tokens\":\"fFf\"", "carry: tokens: expected digits" },
    { ",\"height\":48,\"tokens\":\"f\\u0000f\"", "carry: tokens" },
    { ",\"height\":48,\"tokens\":12", "carry: tokens" },
    { ",\"height\":48,\"model\":\"abc\"", "carry: model" },
    { ",\"height\":48,\"size\":\"auto\"", "carry: unknown field" },
  };
  EspRequest request;
  EspError error;

  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    {
      CHECK_STATUS (parse_carry (wrong[i][0], &request, &error), ESP_ERROR_ARGUMENT, error);
      CHECK_MESSAGE (error, wrong[i][1]);
      esp_request_clear (&request);
    }
  CHECK_REFUSED ("{" EDIT ",\"carry\":\"l\"}", "carry: expected an object");
  CHECK_REFUSED ("{" EDIT ",\"carry\":{\"width\":64,\"height\":48}}", "carry: latents");
  CHECK_REFUSED ("{" EDIT ",\"carry\":{\"latents\":\"\",\"width\":64,\"height\":48}}",
                 "carry: latents");
  /* 9 × 1 tokens are three digits, and the last one has three bits too many. */
  CHECK_REFUSED ("{" EDIT ",\"carry\":{\"latents\":\"l\",\"width\":144,\"height\":16,"
                 "\"tokens\":\"ff9\"}}",
                 "carry: tokens: there are only 9");
}

static void
what_a_line_unfolds_to_is_bounded (void)
{
  static const char start[] = "{\"id\":1,\"type\":\"cancel\",\"job\":1,\"x\":\"";
  size_t size = 4 * 1000 * 1000;
  char *line = malloc (size + 1);

  memset (line, '[', size);
  line[size] = '\0';
  CHECK_REFUSED ("{\"id\":1,\"type\":\"hello\",\"x\":"
                 "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}",
                 "nested");
  CHECK (strstr (parse (line), "nested") != NULL);

  memset (line, ',', size);
  CHECK (strstr (parse (line), "values") != NULL);

  /* Brackets and commas inside a string are text. */
  memset (line, '[', size);
  memcpy (line, start, strlen (start));
  memcpy (line + size - 3, "\\\"\"", 3);
  CHECK (strstr (parse (line), "not JSON") != NULL);
  free (line);
}

static void
the_schema_has_every_parameter_once (void)
{
  EspModelInfo info = { .default_steps = 8, .default_guidance = 2.5 };
  json_t *schema = esp_parameters_schema (&info, NULL, 0);
  json_t *properties = json_object_get (schema, "properties");
  json_t *steps = json_object_get (properties, "steps");
  const char *name;
  json_t *property;

  CHECK (json_object_size (properties) == 18);
  json_object_foreach (properties, name, property)
  {
    CHECK (esp_parameters_has (name));
    CHECK (json_is_string (json_object_get (property, "type")));
    CHECK (json_is_string (json_object_get (property, "description")));
  }
  CHECK (json_integer_value (json_object_get (steps, "default")) == 8);
  CHECK (json_integer_value (json_object_get (steps, "maximum")) == ESP_STEPS_MAX);
  CHECK (!esp_parameters_has ("model"));
  json_decref (schema);
}

/* Of one there is nothing to choose; what cannot be used is not offered. */
static void
the_schema_offers_cards_where_there_are_several (void)
{
  const EspDeviceInfo devices[] = { { .id = "cpu", .usable = true },
                                    { .id = "cuda:0", .usable = true },
                                    { .id = "cuda:1" },
                                    { .id = "cuda:2", .usable = true } };
  const size_t choices[] = { 3, 3, 3, 3, 5 };

  for (int count = 0; count <= 4; count++)
    {
      json_t *schema = esp_parameters_schema (NULL, devices, count);
      json_t *device = json_object_get (json_object_get (schema, "properties"), "device");
      json_t *offered = json_object_get (device, "enum");

      CHECK (json_array_size (offered) == choices[count]);
      if (count == 4)
        CHECK (strcmp (json_string_value (json_array_get (offered, 4)), "cuda:2") == 0);
      json_decref (schema);
    }
}

static void
utf8_is_judged_as_the_standard_says (void)
{
  CHECK (esp_utf8_valid ("", 0));
  CHECK (esp_utf8_valid ("a\0b", 3));
  CHECK (esp_utf8_valid ("\xf4\x8f\xbf\xbf", 4));
  CHECK (!esp_utf8_valid ("\xf4\x90\x80\x80", 4));
  CHECK (!esp_utf8_valid ("\xed\xa0\x80", 3));
  CHECK (!esp_utf8_valid ("\xe0\x80\x80", 3));
  CHECK (!esp_utf8_valid ("\xc0\xaf", 2));
  CHECK (!esp_utf8_valid ("\xe2\x82", 2));
  CHECK (!esp_utf8_valid ("\x80", 1));
}

/* Writes `size` bytes of 'x' and a newline from a child, so that the pipe may fill up. */
static void
feed_line (int output, size_t size)
{
  static char block[65536];

  memset (block, 'x', sizeof block);
  while (size > 0)
    {
      ssize_t written = write (output, block, size < sizeof block ? size : sizeof block);

      if (written <= 0)
        _exit (1);
      size -= (size_t) written;
    }
  if (write (output, "\n", 1) != 1)
    _exit (1);
}

static void
the_reader_recovers_from_long_lines (void)
{
  EspLineReader reader;
  const char *line = NULL;
  size_t length = 0;
  int ends[2];

  CHECK (pipe (ends) == 0);
  if (fork () == 0)
    {
      close (ends[0]);
      feed_line (ends[1], 3);
      feed_line (ends[1], ESP_LINE_MAX + 1);
      feed_line (ends[1], 5);
      feed_line (ends[1], ESP_LINE_MAX);
      feed_line (ends[1], ESP_LINE_MAX + 5000000);
      _exit (write (ends[1], "\n\ntail", 6) != 6);
    }
  close (ends[1]);

  esp_line_reader_init (&reader, ends[0]);
  CHECK (esp_line_reader_next (&reader, &line, &length) == ESP_LINE_READY && length == 3);
  CHECK (esp_line_reader_next (&reader, &line, &length) == ESP_LINE_TOO_LONG);
  CHECK (esp_line_reader_next (&reader, &line, &length) == ESP_LINE_READY && length == 5);
  CHECK (esp_line_reader_next (&reader, &line, &length) == ESP_LINE_READY
         && length == ESP_LINE_MAX);
  CHECK (esp_line_reader_next (&reader, &line, &length) == ESP_LINE_TOO_LONG);
  CHECK (esp_line_reader_next (&reader, &line, &length) == ESP_LINE_READY && length == 0);
  CHECK (esp_line_reader_next (&reader, &line, &length) == ESP_LINE_READY && length == 0);
  CHECK (esp_line_reader_next (&reader, &line, &length) == ESP_LINE_READY && length == 4
         && memcmp (line, "tail", 4) == 0);
  CHECK (esp_line_reader_next (&reader, &line, &length) == ESP_LINE_END);
  esp_line_reader_clear (&reader);
  close (ends[0]);
}

static EspJobsAnswer
add (EspJobs *jobs, const char *line)
{
  EspRequest request;
  EspError error = ESP_ERROR_INIT;
  bool protocol;
  EspJobsAnswer answer;

  CHECK_STATUS (esp_request_parse (line, strlen (line), &request, &protocol, &error), ESP_OK,
                error);
  answer = esp_jobs_add (jobs, &request, strlen (line));
  esp_request_clear (&request);
  return answer;
}

static void
jobs_run_in_order_and_can_be_cancelled (void)
{
  EspJobs jobs;
  EspJob *first, *waiting;
  json_t *id = json_integer (2);

  esp_jobs_init (&jobs);
  CHECK (add (&jobs, "{\"id\":1,\"type\":\"load\",\"model\":\"m\"}") == ESP_JOBS_ADDED);
  CHECK (add (&jobs, "{\"id\":2,\"type\":\"load\",\"model\":\"m\"}") == ESP_JOBS_ADDED);
  CHECK (add (&jobs, "{\"id\":3,\"type\":\"load\",\"model\":\"m\"}") == ESP_JOBS_ADDED);
  CHECK (add (&jobs, "{\"id\":2,\"type\":\"load\",\"model\":\"m\"}") == ESP_JOBS_DUPLICATE);

  first = esp_jobs_take (&jobs);
  CHECK (json_integer_value (first->request.id) == 1);
  CHECK (add (&jobs, "{\"id\":1,\"type\":\"load\",\"model\":\"m\"}") == ESP_JOBS_DUPLICATE);

  CHECK (esp_jobs_cancel (&jobs, id, &waiting) == ESP_JOBS_WAITING && waiting != NULL);
  esp_job_free (waiting);
  CHECK (esp_jobs_cancel (&jobs, id, &waiting) == ESP_JOBS_NOT_FOUND);
  CHECK (esp_jobs_cancel (&jobs, first->request.id, &waiting) == ESP_JOBS_RUNNING
         && waiting == NULL);
  CHECK (atomic_load (&first->cancel));
  esp_jobs_finish (&jobs, first);
  CHECK (add (&jobs, "{\"id\":1,\"type\":\"tokenize\",\"model\":\"m\",\"texts\":[]}")
         == ESP_JOBS_ADDED);

  /* The client is gone: the load is cancelled, the short job is not. */
  esp_jobs_close (&jobs, false);
  CHECK (add (&jobs, "{\"id\":9,\"type\":\"load\",\"model\":\"m\"}") == ESP_JOBS_CLOSED);
  first = esp_jobs_take (&jobs);
  CHECK (json_integer_value (first->request.id) == 3 && atomic_load (&first->cancel));
  esp_jobs_finish (&jobs, first);
  first = esp_jobs_take (&jobs);
  CHECK (json_integer_value (first->request.id) == 1 && !atomic_load (&first->cancel));
  esp_jobs_finish (&jobs, first);
  CHECK (esp_jobs_take (&jobs) == NULL);

  esp_jobs_clear (&jobs);
  json_decref (id);
}

static void
the_queue_is_bounded (void)
{
  EspJobs jobs;
  char line[64];

  esp_jobs_init (&jobs);
  for (int i = 0; i < ESP_JOBS_MAX; i++)
    {
      snprintf (line, sizeof line, "{\"id\":%d,\"type\":\"load\",\"model\":\"m\"}", i);
      CHECK (add (&jobs, line) == ESP_JOBS_ADDED);
    }
  CHECK (add (&jobs, "{\"id\":\"x\",\"type\":\"load\",\"model\":\"m\"}") == ESP_JOBS_FULL);
  esp_jobs_clear (&jobs);
}

int
main (void)
{
  CASE (good_requests_are_taken);
  CASE (lines_that_are_no_request_are_refused);
  CASE (fields_are_checked_by_name);
  CASE (parameters_are_checked_by_type_and_range);
  CASE (what_is_carried_is_read_token_by_token);
  CASE (what_is_carried_is_checked);
  CASE (what_a_line_unfolds_to_is_bounded);
  CASE (the_schema_has_every_parameter_once);
  CASE (the_schema_offers_cards_where_there_are_several);
  CASE (utf8_is_judged_as_the_standard_says);
  CASE (the_reader_recovers_from_long_lines);
  CASE (jobs_run_in_order_and_can_be_cancelled);
  CASE (the_queue_is_bounded);
  return check_done ();
}
