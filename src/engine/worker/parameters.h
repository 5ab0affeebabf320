/* SPDX-License-Identifier: MIT */
/* parameters.h: what an edit can be asked for, written down once.
 *
 * One table drives the checks of an `edit` request and the parameter schema that `describe`
 * reports, from which clients make their options and controls.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "espalier-engine.h"
#include "status.h"

/* Fills `request` from the fields of the `edit` request `object` that are parameters; other fields
 * are not looked at. Strings are borrowed from `object`. Errors: ESP_ERROR_ARGUMENT naming the
 * field, what was expected and what was found. */
EspStatus esp_parameters_read (const json_t *object, EspEditRequest *request, EspError *error);

/* Stores `value` as the request's seed: the same checks for one that stands elsewhere. */
EspStatus esp_parameters_read_seed (const json_t *value, EspEditRequest *request, EspError *error);

/* Is `name` a parameter of an edit? */
bool esp_parameters_has (const char *name);

/* The parameter schema as docs/worker-protocol.md describes it. `model` gives the defaults of steps
 * and guidance; NULL leaves them out. New reference; NULL when memory is out. */
json_t *esp_parameters_schema (const EspModelInfo *model, const EspDeviceInfo *devices, int count);
