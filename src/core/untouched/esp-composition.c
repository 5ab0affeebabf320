/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-composition.c: how a picture was put together, as plain data and as JSON of documents. */
#define G_LOG_DOMAIN "esp-untouched"

#include "esp-composition.h"

#include <math.h>

#include "esp-json-member.h"
#include "esp-json-object.h"

/* What no person asks for, and no picture has: documents come from anyone. */
#define MAX_PIXELS ((double) ESP_PICTURE_MAX_SIDE)

static const char *const keep_names[] = { "off", "auto", "painted" };

const char *
esp_keep_to_string (EspKeep keep)
{
  g_return_val_if_fail ((guint) keep < G_N_ELEMENTS (keep_names), keep_names[0]);
  return keep_names[keep];
}

gboolean
esp_keep_from_string (const char *text, EspKeep *keep)
{
  for (guint i = 0; i < G_N_ELEMENTS (keep_names); i++)
    if (g_strcmp0 (text, keep_names[i]) == 0)
      {
        *keep = (EspKeep) i;
        return TRUE;
      }
  return FALSE;
}

EspComposition *
esp_composition_new (EspKeep keep)
{
  EspComposition *self = g_new0 (EspComposition, 1);

  self->keep = keep;
  self->feather = -1;
  self->registration = (EspRegistration) ESP_REGISTRATION_INIT;
  return self;
}

EspComposition *
esp_composition_copy (const EspComposition *self)
{
  EspComposition *copy;

  if (self == NULL)
    return NULL;
  copy = g_memdup2 (self, sizeof *self);
  copy->region = esp_region_copy (self->region);
  copy->problem = g_strdup (self->problem);
  return copy;
}

void
esp_composition_free (EspComposition *self)
{
  if (self == NULL)
    return;
  esp_region_free (self->region);
  g_free (self->problem);
  g_free (self);
}

EspComposition *
esp_composition_dup_asked (const EspComposition *self)
{
  EspComposition *asked;

  if (self == NULL || (self->keep == ESP_KEEP_OFF && self->region == NULL))
    return NULL;
  /* A mask that was painted is that of one result. */
  asked = esp_composition_new (self->keep == ESP_KEEP_OFF ? ESP_KEEP_OFF : ESP_KEEP_AUTO);
  asked->region = esp_region_copy (self->region);
  asked->grow = self->grow;
  asked->feather = self->feather;
  return asked;
}

gboolean
esp_composition_asks_same (const EspComposition *a, const EspComposition *b)
{
  /* What a person painted afterwards was asked for as "auto". */
  const gboolean a_keeps = a != NULL && a->keep != ESP_KEEP_OFF;
  const gboolean b_keeps = b != NULL && b->keep != ESP_KEEP_OFF;

  return a_keeps == b_keeps
         && esp_region_equal (a != NULL ? a->region : NULL, b != NULL ? b->region : NULL);
}

/* --- JSON ------------------------------------------------------------------------------------- */

static void
set_numbers (JsonObject *object, const char *key, const double *numbers, guint n)
{
  JsonArray *array = json_array_sized_new (n);

  for (guint i = 0; i < n; i++)
    json_array_add_double_element (array, numbers[i]);
  json_object_set_array_member (object, key, array);
}

static JsonObject *
found_to_json (const EspComposition *self)
{
  const EspRegistration *registration = &self->registration;
  const double shift[2] = { registration->shift_x, registration->shift_y };
  JsonObject *object = json_object_new ();

  json_object_set_boolean_member (object, "global", self->global);
  json_object_set_boolean_member (object, "certain", registration->certain);
  json_object_set_double_member (object, "agreeing", registration->agreeing);
  json_object_set_double_member (object, "changed", self->changed);
  json_object_set_double_member (object, "scale", registration->scale);
  set_numbers (object, "shift", shift, 2);
  set_numbers (object, "gain", registration->gain, 3);
  set_numbers (object, "offset", registration->offset, 3);
  set_numbers (object, "tint", registration->tint, 3);
  return object;
}

static JsonObject *
crop_to_json (const EspCrop *crop)
{
  JsonObject *object = json_object_new ();

  json_object_set_int_member (object, "x", crop->x);
  json_object_set_int_member (object, "y", crop->y);
  json_object_set_int_member (object, "width", crop->width);
  json_object_set_int_member (object, "height", crop->height);
  json_object_set_int_member (object, "send_width", crop->send_width);
  json_object_set_int_member (object, "send_height", crop->send_height);
  return object;
}

char *
esp_composition_to_json (const EspComposition *self)
{
  g_autoptr (JsonObject) object = json_object_new ();

  json_object_set_string_member (object, "keep", esp_keep_to_string (self->keep));
  if (self->region != NULL)
    json_object_set_object_member (object, "region", esp_region_to_json (self->region));
  if (self->grow != 0)
    json_object_set_double_member (object, "grow", self->grow);
  if (self->feather >= 0)
    json_object_set_double_member (object, "feather", self->feather);
  if (self->made)
    json_object_set_object_member (object, "found", found_to_json (self));
  if (self->crop.width > 0)
    json_object_set_object_member (object, "crop", crop_to_json (&self->crop));
  if (self->problem != NULL)
    json_object_set_string_member (object, "problem", self->problem);
  return esp_json_dup_canonical (object);
}

static double
get_clamped (JsonObject *object, const char *key, double fallback, double low, double high)
{
  const double value = esp_json_get_number (object, key, fallback);

  return isfinite (value) ? CLAMP (value, low, high) : fallback;
}

static gboolean
get_boolean (JsonObject *object, const char *key)
{
  return esp_json_get_number (object, key, 0) != 0;
}

/* Leaves alone what is missing or no number. */
static void
get_numbers (JsonObject *object, const char *key, double *numbers, guint n, double limit)
{
  JsonArray *array = esp_json_get_array (object, key);

  for (guint i = 0; array != NULL && i < MIN (n, json_array_get_length (array)); i++)
    {
      JsonNode *node = json_array_get_element (array, i);

      if (JSON_NODE_HOLDS_VALUE (node) && isfinite (json_node_get_double (node)))
        numbers[i] = CLAMP (json_node_get_double (node), -limit, limit);
    }
}

static void
read_found (EspComposition *self, JsonObject *object)
{
  EspRegistration *registration = &self->registration;
  double shift[2] = { 0, 0 };

  self->made = TRUE;
  self->global = get_boolean (object, "global");
  self->changed = get_clamped (object, "changed", 0, 0, 1);
  registration->certain = get_boolean (object, "certain");
  registration->agreeing = get_clamped (object, "agreeing", 0, 0, 1);
  registration->scale = get_clamped (object, "scale", 1, 0.5, 2);
  get_numbers (object, "shift", shift, 2, MAX_PIXELS);
  get_numbers (object, "gain", registration->gain, 3, 16);
  get_numbers (object, "offset", registration->offset, 3, 4096);
  get_numbers (object, "tint", registration->tint, 3, 255);
  registration->shift_x = shift[0];
  registration->shift_y = shift[1];
}

static int
get_pixels (JsonObject *object, const char *key)
{
  return (int) get_clamped (object, key, 0, 0, MAX_PIXELS);
}

EspComposition *
esp_composition_from_json (const char *json)
{
  g_autoptr (JsonObject) object = json != NULL ? esp_json_parse_object (json) : NULL;
  JsonObject *member;
  EspComposition *self;

  if (object == NULL)
    return NULL;
  self = esp_composition_new (ESP_KEEP_OFF);
  esp_keep_from_string (esp_json_get_string (object, "keep"), &self->keep);
  member = esp_json_get_object (object, "region");
  if (member != NULL)
    self->region = esp_region_from_json (member);
  self->grow = get_clamped (object, "grow", 0, -MAX_PIXELS, MAX_PIXELS);
  self->feather = get_clamped (object, "feather", -1, -1, MAX_PIXELS);
  member = esp_json_get_object (object, "found");
  if (member != NULL)
    read_found (self, member);
  member = esp_json_get_object (object, "crop");
  if (member != NULL)
    self->crop = (EspCrop){ get_pixels (member, "x"),          get_pixels (member, "y"),
                            get_pixels (member, "width"),      get_pixels (member, "height"),
                            get_pixels (member, "send_width"), get_pixels (member, "send_height") };
  self->problem = g_strdup (esp_json_get_string (object, "problem"));
  return self;
}
