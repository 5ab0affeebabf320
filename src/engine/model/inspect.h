/* SPDX-License-Identifier: MIT */
/* inspect.h: what a file or folder is, for people who have one and wonder. */
#pragma once

#include <jansson.h>

#include "espalier-engine.h"

/* Looks at what `parts` name as esp_model_open_parts() would, but also at what is no model or not a
 * whole one: a single component, a LoRA, a model of another architecture. The object (new
 * reference) is that of the worker's `inspection` event (docs/worker-protocol.md). Reads headers
 * and, for the estimate of time, multiplies for a tenth of a second. Errors: only what cannot be
 * read at all as weights. */
EspStatus esp_inspect (const EspModelParts *parts, json_t **object, EspError *error);
