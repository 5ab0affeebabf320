/* SPDX-License-Identifier: MIT */
/* test-driver.c: what is said of a machine whose NVIDIA driver is missing or of no use.
 *
 *     test-driver FOLDER   (of the fake drivers)
 */
#include "check.h"

#include <stdlib.h>

#include "ops/cuda/cuda-driver.h"

static const char *folder;

/* Opens the fake driver `kind`, or what is no file of that name, and checks what is said. */
static void
expect_refusal (const char *kind, const char *words)
{
  EspError error = ESP_ERROR_INIT;
  EspCudaDriver *driver = (EspCudaDriver *) &error;
  char path[4096];

  snprintf (path, sizeof path, "%s/libfake-%s.so", folder, kind);
  setenv ("ESPALIER_CUDA_DRIVER", path, 1);
  CHECK_STATUS (esp_cuda_driver_open (&driver, &error), ESP_ERROR_UNSUPPORTED, error);
  CHECK_MESSAGE (error, words);
  CHECK (driver == NULL);
  /* One line for people. */
  CHECK (strchr (error.message, '\n') == NULL);
}

static void
a_machine_without_a_driver_is_told_so (void)
{
  expect_refusal ("no-such", "no NVIDIA driver was found");
}

static void
a_driver_that_lacks_functions_is_too_old (void)
{
  expect_refusal ("bare", "it has no cuDeviceGet");
}

static void
a_driver_for_an_older_cuda_is_too_old (void)
{
  expect_refusal ("out-of-date", "it serves CUDA 12.4, and 13.0 is needed");
}

static void
a_driver_that_does_not_start_says_why (void)
{
  expect_refusal ("unwilling", "CUDA_ERROR_UNKNOWN (unknown error)");
  expect_refusal ("nameless", "CUDA error 12345");
}

static void
a_driver_without_cards_has_none (void)
{
  expect_refusal ("cardless", "has no card");
  expect_refusal ("without-card", "has no card");
}

static void
closing_nothing_is_allowed (void)
{
  esp_cuda_driver_close (NULL);
}

int
main (int argc, char **argv)
{
  if (argc != 2)
    return 2;
  folder = argv[1];
  CASE (a_machine_without_a_driver_is_told_so);
  CASE (a_driver_that_lacks_functions_is_too_old);
  CASE (a_driver_for_an_older_cuda_is_too_old);
  CASE (a_driver_that_does_not_start_says_why);
  CASE (a_driver_without_cards_has_none);
  CASE (closing_nothing_is_allowed);
  return check_done ();
}
