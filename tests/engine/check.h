/* SPDX-License-Identifier: MIT */
/* check.h: the engine tests' harness. Prints TAP, so that Meson counts every check_case.
 *
 *     static void a_header_that_lies_is_refused (void) { CHECK (…); CHECK_STATUS (…,
 * ESP_ERROR_FORMAT, error); } int main (void) { CASE (a_header_that_lies_is_refused); return
 * check_done (); }
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "status.h"

static int check_case_count, check_case_failures, check_failed_cases;

#define CHECK(condition)                                                                           \
  do                                                                                               \
    {                                                                                              \
      if (!(condition))                                                                            \
        {                                                                                          \
          printf ("# %s:%d: not true: %s\n", __FILE__, __LINE__, #condition);                      \
          check_case_failures++;                                                                   \
        }                                                                                          \
    }                                                                                              \
  while (0)

/* `expression` gives an EspStatus; `error_` is the EspError it fills, printed when the status is
 * another. */
#define CHECK_STATUS(expression, wanted, error_)                                                   \
  do                                                                                               \
    {                                                                                              \
      EspStatus check_got = (expression);                                                          \
      if (check_got != (wanted))                                                                   \
        {                                                                                          \
          printf ("# %s:%d: %s gave \"%s\" (%s), wanted \"%s\"\n", __FILE__, __LINE__,             \
                  #expression, esp_status_name (check_got), (error_).message,                      \
                  esp_status_name (wanted));                                                       \
          check_case_failures++;                                                                   \
        }                                                                                          \
    }                                                                                              \
  while (0)

/* The message must mention `part`: a file, tensor or field name. */
#define CHECK_MESSAGE(error_, part)                                                                \
  do                                                                                               \
    {                                                                                              \
      if (strstr ((error_).message, (part)) == NULL)                                               \
        {                                                                                          \
          printf ("# %s:%d: message \"%s\" does not name \"%s\"\n", __FILE__, __LINE__,            \
                  (error_).message, (part));                                                       \
          check_case_failures++;                                                                   \
        }                                                                                          \
    }                                                                                              \
  while (0)

#define CASE(function)                                                                             \
  do                                                                                               \
    {                                                                                              \
      check_case_failures = 0;                                                                     \
      function ();                                                                                 \
      check_case_count++;                                                                          \
      check_failed_cases += check_case_failures != 0;                                              \
      printf ("%s %d - %s\n", check_case_failures ? "not ok" : "ok", check_case_count, #function); \
      fflush (stdout);                                                                             \
    }                                                                                              \
  while (0)

static inline int
check_done (void)
{
  printf ("1..%d\n", check_case_count);
  return check_failed_cases != 0;
}
