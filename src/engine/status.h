/* SPDX-License-Identifier: MIT */
/* status.h: how the engine says that something went wrong.
 *
 * Every engine function that can fail returns an EspStatus and fills the caller's EspError with one
 * sentence that names the file, tensor, field or option, what was expected and what was found.
 * Nothing in the engine exits, aborts or prints.
 */
#pragma once

#include <stdbool.h>

typedef enum
{
  ESP_OK = 0,
  ESP_ERROR_ARGUMENT,    /* the caller asked for something impossible (a size, a step count) */
  ESP_ERROR_FILE,        /* a file is missing or cannot be read or written */
  ESP_ERROR_FORMAT,      /* a file was read but its contents are wrong */
  ESP_ERROR_UNSUPPORTED, /* well formed, but not something this engine can do */
  ESP_ERROR_MEMORY,      /* an allocation failed or would exceed a limit */
  ESP_ERROR_NUMERIC,     /* NaN or infinity in weights or results */
  ESP_ERROR_DEVICE,      /* the device or its library reported a failure */
  ESP_ERROR_CANCELLED,   /* the caller asked to stop */
} EspStatus;

#define ESP_ERROR_MESSAGE_MAX 1024

typedef struct EspError
{
  EspStatus status;
  char message[ESP_ERROR_MESSAGE_MAX]; /* UTF-8, one line, NUL terminated */
} EspError;

#define ESP_ERROR_INIT                                                                             \
  {                                                                                                \
    ESP_OK, ""                                                                                     \
  }

/* Stores `status` and the formatted message in `error` (which may be NULL) and returns `status`, so
 * that a failing function can end in `return esp_error_set (error, …);`. Line breaks and other
 * control characters in the message become spaces; a message that is too long is cut at a
 * character boundary. */
EspStatus esp_error_set (EspError *error, EspStatus status, const char *format, ...)
    __attribute__ ((format (printf, 3, 4)));

#ifdef __clang_analyzer__
/* The analyser does not look into other files: tell it that what comes back is no success. */
#define esp_error_set(error, status, ...) ((esp_error_set) (error, status, __VA_ARGS__), (status))
#endif

/* The status's short machine-readable name as the worker protocol uses it: "ok", "argument",
 * "file", "format", "unsupported", "memory", "numeric", "device", "cancelled". Static storage. */
const char *esp_status_name (EspStatus status);
