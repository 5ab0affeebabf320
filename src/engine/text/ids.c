/* SPDX-License-Identifier: MIT */
#include "text/ids.h"

#include <stdlib.h>

void
esp_ids_clear (EspIds *ids)
{
  free (ids->ids);
  *ids = (EspIds) ESP_IDS_INIT;
}

bool
esp_ids_append (EspIds *ids, int32_t id)
{
  if (ids->count == ids->capacity)
    {
      size_t capacity = ids->capacity ? ids->capacity * 2 : 64;
      int32_t *grown = realloc (ids->ids, capacity * sizeof *grown);

      if (grown == NULL)
        return false;
      ids->ids = grown;
      ids->capacity = capacity;
    }
  ids->ids[ids->count++] = id;
  return true;
}
