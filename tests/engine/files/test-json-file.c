/* SPDX-License-Identifier: MIT */
#include <stdint.h>
#include <sys/stat.h>

#include "check.h"
#include "files/json-file.h"
#include "scratch.h"

static json_t *
read_text (const char *text)
{
  EspError error = ESP_ERROR_INIT;
  json_t *root = NULL;

  CHECK_STATUS (
      esp_json_read_object (scratch_write_text ("fields.json", text), 1 << 20, &root, &error),
      ESP_OK, error);
  return root;
}

static void
fields_are_read_and_fall_back (void)
{
  json_t *root
      = read_text ("{\"i\":-7,\"d\":2.5,\"b\":true,\"s\":\"\xC3\xA9\",\"a\":[1,2,3],\"n\":null,"
                   "\"big\":9223372036854775807}");
  EspError error = ESP_ERROR_INIT;
  int64_t i = 0, list[3] = { 0 };
  double d = 0;
  bool b = false;
  const char *s = NULL;
  int count = -1;

  CHECK_STATUS (esp_json_get_int (root, "f", "i", true, -10, 10, 0, &i, &error), ESP_OK, error);
  CHECK (i == -7);
  CHECK_STATUS (esp_json_get_int (root, "f", "n", false, 0, 10, 5, &i, &error), ESP_OK, error);
  CHECK (i == 5);
  CHECK_STATUS (esp_json_get_int (root, "f", "big", true, INT64_MIN, INT64_MAX, 0, &i, &error),
                ESP_OK, error);
  CHECK (i == INT64_MAX);
  CHECK_STATUS (esp_json_get_double (root, "f", "d", true, 0, 10, 0, &d, &error), ESP_OK, error);
  CHECK (d == 2.5);
  CHECK_STATUS (esp_json_get_double (root, "f", "i", true, -10, 10, 0, &d, &error), ESP_OK, error);
  CHECK (d == -7);
  CHECK_STATUS (esp_json_get_double (root, "f", "none", false, 0, 1, 0.25, &d, &error), ESP_OK,
                error);
  CHECK (d == 0.25);
  CHECK_STATUS (esp_json_get_bool (root, "f", "b", false, &b, &error), ESP_OK, error);
  CHECK (b);
  CHECK_STATUS (esp_json_get_bool (root, "f", "none", true, &b, &error), ESP_OK, error);
  CHECK (b);
  CHECK_STATUS (esp_json_get_string (root, "f", "s", true, NULL, &s, &error), ESP_OK, error);
  CHECK (s != NULL && strcmp (s, "\xC3\xA9") == 0);
  CHECK_STATUS (esp_json_get_string (root, "f", "none", false, "else", &s, &error), ESP_OK, error);
  CHECK (s != NULL && strcmp (s, "else") == 0);
  CHECK_STATUS (esp_json_get_ints (root, "f", "a", true, 1, 3, 3, list, &count, &error), ESP_OK,
                error);
  CHECK (count == 3 && list[0] == 1 && list[2] == 3);
  CHECK_STATUS (esp_json_get_ints (root, "f", "none", false, 1, 3, 3, list, &count, &error), ESP_OK,
                error);
  CHECK (count == 0);
  json_decref (root);
}

static void
wrong_fields_are_named_with_file (void)
{
  json_t *root = read_text (
      "{\"i\":7,\"f\":7.0,\"s\":\"7\",\"a\":[1,9],\"m\":[1,\"x\"],\"n\":null,\"t\":true}");
  int64_t i = 42, list[2];
  double d = 42;
  bool b;
  const char *s;
  int count;

#define REFUSED(call, part)                                                                        \
  do                                                                                               \
    {                                                                                              \
      EspError error = ESP_ERROR_INIT;                                                             \
      CHECK_STATUS (call, ESP_ERROR_FORMAT, error);                                                \
      CHECK_MESSAGE (error, "the.json: field \"");                                                 \
      CHECK_MESSAGE (error, part);                                                                 \
    }                                                                                              \
  while (0)

  REFUSED (esp_json_get_int (root, "the.json", "none", true, 0, 9, 0, &i, &error),
           "\"none\" is missing");
  REFUSED (esp_json_get_int (root, "the.json", "n", true, 0, 9, 0, &i, &error), "\"n\" is missing");
  REFUSED (esp_json_get_int (root, "the.json", "i", true, 8, 9, 0, &i, &error),
           "expected 8 to 9, found 7");
  REFUSED (esp_json_get_int (root, "the.json", "i", true, 0, 6, 0, &i, &error), "\"i\"");
  REFUSED (esp_json_get_int (root, "the.json", "f", true, 0, 9, 0, &i, &error), "found a fraction");
  REFUSED (esp_json_get_int (root, "the.json", "s", false, 0, 9, 0, &i, &error), "found a string");
  REFUSED (esp_json_get_double (root, "the.json", "s", false, 0, 9, 0, &d, &error), "\"s\"");
  REFUSED (esp_json_get_double (root, "the.json", "i", false, 0, 6.5, 0, &d, &error),
           "expected 0 to 6.5");
  REFUSED (esp_json_get_double (root, "the.json", "none", true, 0, 6.5, 0, &d, &error), "missing");
  REFUSED (esp_json_get_bool (root, "the.json", "i", false, &b, &error), "true or false");
  REFUSED (esp_json_get_string (root, "the.json", "t", false, NULL, &s, &error), "found true");
  REFUSED (esp_json_get_string (root, "the.json", "none", true, NULL, &s, &error), "missing");
  REFUSED (esp_json_get_ints (root, "the.json", "i", true, 0, 9, 2, list, &count, &error), "\"i\"");
  REFUSED (esp_json_get_ints (root, "the.json", "a", true, 0, 9, 1, list, &count, &error),
           "at most 1");
  REFUSED (esp_json_get_ints (root, "the.json", "a", true, 0, 8, 2, list, &count, &error),
           "found 9");
  REFUSED (esp_json_get_ints (root, "the.json", "m", true, 0, 9, 2, list, &count, &error), "\"m\"");
  CHECK (i == 42 && d == 42);
  json_decref (root);
}

static void
broken_files_are_refused (void)
{
  static const struct
  {
    const char *text;
    const char *named;
  } cases[] = {
    { "", "empty" },
    { "{", "line 1" },
    { "{\n\"a\":\n}", "line 3" },
    { "[1]", "expected a JSON object" },
    { "3", "line 1" },
    { "{\"a\":1,}", "line 1" },
    { "{\"a\":NaN}", "line 1" },
    { "{\"a\":1e999}", "line 1" },
    { "{\"a\":9223372036854775808}", "line 1" },
    { "{\"a\":\"\xFF\"}", "line 1" },
    { "{\"a\":\"\\ud800\"}", "line 1" },
    { "{\"a\":\"unfinished", "line 1" },
    { "{\"a\":\"unfinished\\", "line 1" },
    { "{}{}", "line 1" },
  };

  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
    {
      EspError error = ESP_ERROR_INIT;
      json_t *root = NULL;

      CHECK_STATUS (esp_json_read_object (scratch_write_text ("broken.json", cases[i].text), 1000,
                                          &root, &error),
                    ESP_ERROR_FORMAT, error);
      CHECK (root == NULL);
      CHECK_MESSAGE (error, "broken.json");
      CHECK_MESSAGE (error, cases[i].named);
    }
}

static void
what_is_no_readable_file_is_refused (void)
{
  EspError error = ESP_ERROR_INIT;
  json_t *root = NULL;
  const char *pipe = scratch_path ("pipe.json");

  CHECK_STATUS (esp_json_read_object (scratch_path ("none.json"), 1000, &root, &error),
                ESP_ERROR_FILE, error);
  CHECK_MESSAGE (error, "none.json");
  CHECK_STATUS (esp_json_read_object (scratch_path ("."), 1000, &root, &error), ESP_ERROR_FILE,
                error);
  CHECK (mkfifo (pipe, 0600) == 0);
  CHECK_STATUS (esp_json_read_object (pipe, 1000, &root, &error), ESP_ERROR_FILE, error);
  CHECK_MESSAGE (error, "pipe.json");
  CHECK_STATUS (
      esp_json_read_object (scratch_write_text ("long.json", "{\"a\": 1}"), 7, &root, &error),
      ESP_ERROR_FORMAT, error);
  CHECK_MESSAGE (error, "long.json: has 8 bytes, expected at most 7");
  CHECK (root == NULL);
}

/* `count` times `part` between an opening and a closing text. */
static json_t *
parse_repeated (const char *open, const char *part, size_t count, const char *close,
                EspError *error)
{
  size_t length = strlen (part), size = strlen (open) + length * count + strlen (close);
  char *text = malloc (size + 1), *end;
  json_t *root = NULL;

  if (text == NULL)
    return NULL;
  end = text + strlen (open);
  memcpy (text, open, strlen (open));
  for (size_t i = 0; i < count; i++, end += length)
    memcpy (end, part, length);
  memcpy (end, close, strlen (close));
  esp_json_parse_object (text, size, "many.json", false, &root, error);
  free (text);
  return root;
}

static void
depth_and_number_of_values_are_bounded (void)
{
  EspError error = ESP_ERROR_INIT;
  json_t *root;

  CHECK (parse_repeated ("{\"a\":", "[", 5000000, "", &error) == NULL);
  CHECK (error.status == ESP_ERROR_FORMAT);
  CHECK_MESSAGE (error, "many.json: JSON is nested deeper than 128");
  CHECK (parse_repeated ("{\"a\":[0", ",[]", ESP_JSON_MAX_VALUES / 2, "]}", &error) == NULL);
  CHECK (error.status == ESP_ERROR_FORMAT);
  CHECK_MESSAGE (error, "more than 1000000 values");

  /* What is in strings does not count. */
  root = parse_repeated ("{\"a\":\"\\\"", "[{,\\\\", 100000, "\"}", &error);
  CHECK (root != NULL);
  json_decref (root);
  root = parse_repeated ("{\"a\":[0", ",[]", 100000, "]}", &error);
  CHECK (root != NULL);
  json_decref (root);
}

static void
keys_may_have_to_be_unique (void)
{
  const char *text = "{\"key\":1,\"key\":2}";
  EspError error = ESP_ERROR_INIT;
  json_t *root = NULL;

  CHECK_STATUS (esp_json_parse_object (text, strlen (text), "u.json", true, &root, &error),
                ESP_ERROR_FORMAT, error);
  CHECK_MESSAGE (error, "key");
  CHECK_STATUS (esp_json_parse_object (text, strlen (text), "u.json", false, &root, &error), ESP_OK,
                error);
  CHECK (json_integer_value (json_object_get (root, "key")) == 2);
  json_decref (root);
}

static void
paths_are_joined_with_one_slash (void)
{
  static const char *const cases[][3]
      = { { "a", "b", "a/b" }, { "a/", "b", "a/b" }, { "/", "b", "/b" }, { "", "b", "b" } };

  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
    {
      char *path = esp_path_join (cases[i][0], cases[i][1]);

      CHECK (path != NULL && strcmp (path, cases[i][2]) == 0);
      free (path);
    }
}

int
main (void)
{
  scratch_open ();
  CASE (fields_are_read_and_fall_back);
  CASE (wrong_fields_are_named_with_file);
  CASE (broken_files_are_refused);
  CASE (what_is_no_readable_file_is_refused);
  CASE (depth_and_number_of_values_are_bounded);
  CASE (keys_may_have_to_be_unique);
  CASE (paths_are_joined_with_one_slash);
  scratch_close ();
  return check_done ();
}
