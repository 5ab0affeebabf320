/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-presets.h: settings of turns saved by name, kept in GSettings ("presets", JSON).
 *
 * A list model of EspPreset, in the order of their names. What another window saves shows up here.
 */
#pragma once

#include <gio/gio.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

#define ESP_TYPE_PRESET (esp_preset_get_type ())

G_DECLARE_FINAL_TYPE (EspPreset, esp_preset, ESP, PRESET, GObject)

const char *esp_preset_get_name (EspPreset *self);
const char *esp_preset_get_backend (EspPreset *self); /* or NULL: any */
const char *esp_preset_get_model (EspPreset *self);   /* or NULL: any */
JsonObject *esp_preset_get_parameters (EspPreset *self);
/* Are untouched pixels kept? FALSE: the preset says nothing of it (those of earlier versions). */
gboolean esp_preset_get_keep (EspPreset *self, gboolean *keep);

#define ESP_TYPE_PRESETS (esp_presets_get_type ())

G_DECLARE_FINAL_TYPE (EspPresets, esp_presets, ESP, PRESETS, GObject)

EspPresets *esp_presets_new (GSettings *settings) G_GNUC_WARN_UNUSED_RESULT;

EspPreset *esp_presets_find (EspPresets *self, const char *name); /* borrowed, or NULL */

/* Replaces one of the same name. */
void esp_presets_save (EspPresets *self, const char *name, const char *backend, const char *model,
                       JsonObject *parameters, gboolean keep);

/* Brings one back that was removed; replaces one of the same name. */
void esp_presets_restore (EspPresets *self, EspPreset *preset);

/* FALSE if another one has that name. */
gboolean esp_presets_rename (EspPresets *self, EspPreset *preset, const char *name);
void esp_presets_remove (EspPresets *self, EspPreset *preset);

G_END_DECLS
