/* SPDX-License-Identifier: MIT */
/* ids.h: how the tokenizers write into an EspIds. */
#pragma once

#include <stdbool.h>

#include "text/tokenizer.h"

/* False when memory is out; the ids so far stay. */
bool esp_ids_append (EspIds *ids, int32_t id);
