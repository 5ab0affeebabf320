/* SPDX-License-Identifier: MIT */
#include "status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "memory-watch.h"

EspStatus (esp_error_set) (EspError *error, EspStatus status, const char *format, ...)
{
  va_list arguments;
  size_t length;

  if (status == ESP_ERROR_MEMORY)
    esp_memory_noted (NULL);
  if (error == NULL)
    return status;

  error->status = status;
  va_start (arguments, format);
  if (vsnprintf (error->message, sizeof error->message, format, arguments) < 0)
    error->message[0] = '\0';
  va_end (arguments);

  length = strlen (error->message);
  if (length == sizeof error->message - 1)
    {
      /* vsnprintf may have cut inside a UTF-8 sequence: drop its incomplete tail. */
      while (length > 0 && ((unsigned char) error->message[length - 1] & 0xC0) == 0x80)
        length--;
      if (length > 0 && (unsigned char) error->message[length - 1] >= 0xC0)
        length--;
      error->message[length] = '\0';
    }

  for (char *c = error->message; *c != '\0'; c++)
    if ((unsigned char) *c < 0x20 || *c == 0x7F)
      *c = ' ';

  return status;
}

const char *
esp_status_name (EspStatus status)
{
  switch (status)
    {
    case ESP_OK:
      return "ok";
    case ESP_ERROR_ARGUMENT:
      return "argument";
    case ESP_ERROR_FILE:
      return "file";
    case ESP_ERROR_FORMAT:
      return "format";
    case ESP_ERROR_UNSUPPORTED:
      return "unsupported";
    case ESP_ERROR_MEMORY:
      return "memory";
    case ESP_ERROR_NUMERIC:
      return "numeric";
    case ESP_ERROR_DEVICE:
      return "device";
    case ESP_ERROR_CANCELLED:
      return "cancelled";
    }
  return "unknown";
}
