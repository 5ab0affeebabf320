/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-model-facts.h: what is noted down of a model's parts, so that they are known again when they
 * were moved: `files` in espalier.json (docs/models.md). For threads. */
#pragma once

#include <gio/gio.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* Bytes and a fingerprint of a file, or of a folder with all that is in it; `format` may be NULL.
 * Reads about a megabyte of each file. NULL: it cannot be read. */
JsonObject *_esp_model_facts_new (const char *path, const char *format) G_GNUC_WARN_UNUSED_RESULT;

/* The facts of each of `components` (component → path, from `folder` or absolute). */
JsonObject *_esp_model_facts_of (JsonObject *components,
                                 const char *folder) G_GNUC_WARN_UNUSED_RESULT;

typedef enum
{
  ESP_MODEL_FACTS_UNKNOWN, /* nothing was noted down */
  ESP_MODEL_FACTS_SAME,
  ESP_MODEL_FACTS_SIZE,     /* of another size */
  ESP_MODEL_FACTS_CONTENTS, /* as large, but something else is in it */
} EspModelFactsMatch;

/* Either may be NULL. */
EspModelFactsMatch _esp_model_facts_compare (JsonObject *before, JsonObject *now);

G_END_DECLS
