/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "espalier-models"

#include "esp-machine.h"

#include <glib/gi18n-lib.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "esp-json-member.h"

/* What the desktop and other programs need of the memory besides. */
#define RESERVED (G_GUINT64_CONSTANT (2) << 30)

/* The limit of the control group that this process is in; G_MAXUINT64: none. */
static guint64
read_group_limit (void)
{
  static const char *const paths[]
      = { "/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes" };

  for (gsize i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      g_autofree char *text = NULL;
      guint64 limit;

      if (!g_file_get_contents (paths[i], &text, NULL, NULL))
        continue;
      limit = g_ascii_strtoull (text, NULL, 10);
      if (limit > 0)
        return limit;
    }

  return G_MAXUINT64;
}

EspMachine *
esp_machine_new (void)
{
  EspMachine *self = g_new0 (EspMachine, 1);
  long pages = sysconf (_SC_PHYS_PAGES), size = sysconf (_SC_PAGE_SIZE);

  if (pages > 0 && size > 0)
    self->memory = (guint64) pages * (guint64) size;
  self->memory = MIN (self->memory, read_group_limit ());
  return self;
}

EspMachine *
esp_machine_copy (const EspMachine *self)
{
  EspMachine *copy = g_new0 (EspMachine, 1);

  *copy = *self;
  copy->gpu_name = g_strdup (self->gpu_name);
  return copy;
}

void
esp_machine_free (EspMachine *self)
{
  if (self == NULL)
    return;

  g_free (self->gpu_name);
  g_free (self);
}

void
esp_machine_take_description (EspMachine *self, JsonObject *description)
{
  JsonArray *devices;

  g_return_if_fail (self != NULL && description != NULL);

  devices = esp_json_get_array (description, "devices");
  for (guint i = 0; devices != NULL && i < json_array_get_length (devices); i++)
    {
      JsonNode *node = json_array_get_element (devices, i);
      JsonObject *device = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
      const char *id = device != NULL ? esp_json_get_string (device, "id") : NULL;
      const char *name;
      double memory;

      if (id == NULL || g_str_equal (id, "cpu") || esp_json_get_number (device, "usable", 0) == 0)
        continue;
      memory = esp_json_get_number (device, "memory", 0);
      if (memory <= (double) self->gpu_memory || memory > 1e15)
        continue;

      name = esp_json_get_string (device, "name");
      if (name == NULL)
        name = esp_json_get_string (device, "description");
      self->gpu_memory = (guint64) memory;
      g_free (self->gpu_name);
      self->gpu_name = g_strdup (name != NULL ? name : id);
    }
}

gint64
esp_machine_get_free_space (const char *path)
{
  g_autofree char *folder = NULL;
  struct statvfs space;

  g_return_val_if_fail (path != NULL, -1);

  folder = g_strdup (path);
  while (statvfs (folder, &space) != 0)
    {
      char *above = g_path_get_dirname (folder);
      gboolean is_top = g_str_equal (above, folder);

      g_free (folder);
      folder = above;
      if (is_top)
        return -1;
    }

  return (gint64) MIN ((guint64) space.f_bavail * (guint64) space.f_frsize, (guint64) G_MAXINT64);
}

/* --- Recommending ----------------------------------------------------------------------------- */

/* Whole gigabytes, as they are sold. */
static guint
to_gigabytes (guint64 bytes)
{
  return (guint) ((bytes + (G_GUINT64_CONSTANT (1) << 29)) >> 30);
}

static gboolean
fits_gpu (const EspModelVariant *variant, const EspMachine *machine)
{
  return variant->gpu_memory > 0 && machine->gpu_memory >= variant->gpu_memory;
}

/* The kernel keeps a part of what was bought, so a machine of 16 GB has a little less. */
static gboolean
fits_memory (const EspModelVariant *variant, const EspMachine *machine)
{
  guint64 memory = machine->memory + machine->memory / 16;

  return memory >= variant->memory + RESERVED;
}

gboolean
esp_model_variant_fits (const EspModelVariant *variant, const EspMachine *machine)
{
  g_return_val_if_fail (variant != NULL && machine != NULL, FALSE);

  return fits_gpu (variant, machine) || fits_memory (variant, machine);
}

char *
esp_model_variant_dup_warning (const EspModelVariant *variant, const EspMachine *machine)
{
  g_return_val_if_fail (variant != NULL && machine != NULL, NULL);

  if (esp_model_variant_fits (variant, machine))
    return NULL;

  return g_strdup_printf (
      /* Translators: two numbers of gigabytes. */
      _ ("Needs about %u GB of memory; this computer has %u GB. It would be very slow, or not work "
         "at all."),
      to_gigabytes (variant->memory + RESERVED), to_gigabytes (machine->memory));
}

/* What there is, as the beginning of a reason. */
static char *
dup_sentence (const EspModelVariant *variant, const EspMachine *machine, gboolean on_gpu,
              gboolean fits)
{
  guint memory = to_gigabytes (machine->memory);
  guint gpu = to_gigabytes (machine->gpu_memory);

  if (on_gpu)
    return g_strdup_printf (
        /* Translators: gigabytes of a graphics card, its name, and the name of a variant. */
        _ ("This computer has a graphics card with %u GB (%s): “%s” is the best that fits on it."),
        gpu, machine->gpu_name, variant->name);
  if (fits && machine->gpu_memory > 0)
    return g_strdup_printf (
        /* Translators: gigabytes of memory, of a graphics card, and the name of a variant. */
        _ ("This computer has %u GB of memory, and its graphics card has %u GB, too little for "
           "this model: “%s” is the best that fits into the memory."),
        memory, gpu, variant->name);
  if (fits)
    return g_strdup_printf (
        /* Translators: gigabytes of memory, and the name of a variant. */
        _ ("This computer has %u GB of memory and no graphics card that Espalier can use: “%s” is "
           "the best that fits, and takes minutes for a picture."),
        memory, variant->name);

  return g_strdup_printf (
      /* Translators: gigabytes of memory, the name of a variant, gigabytes it needs. */
      _ ("This computer has %u GB of memory, less than this model needs: even “%s”, the smallest, "
         "wants about %u GB. A provider on the network is the better choice here."),
      memory, variant->name, to_gigabytes (variant->memory + RESERVED));
}

const EspModelVariant *
esp_model_recommend (EspModelOffer *offer, const EspMachine *machine, char **sentence,
                     gboolean *fits)
{
  const EspModelVariant *best = NULL, *smallest = NULL;
  gboolean on_gpu = FALSE;

  g_return_val_if_fail (ESP_IS_MODEL_OFFER (offer), NULL);
  g_return_val_if_fail (machine != NULL, NULL);

  for (guint i = 0; i < esp_model_offer_get_n_variants (offer); i++)
    {
      const EspModelVariant *variant = esp_model_offer_get_variant (offer, i);
      gboolean gpu = fits_gpu (variant, machine);

      if (smallest == NULL || variant->memory < smallest->memory)
        smallest = variant;
      if (!gpu && (on_gpu || !fits_memory (variant, machine)))
        continue;
      /* One that fits the card is better than any that does not. */
      if (best == NULL || (gpu && !on_gpu) || variant->quality > best->quality)
        best = variant;
      on_gpu = on_gpu || gpu;
    }

  /* Every offer has one. */
  if (smallest == NULL)
    g_return_val_if_reached (NULL);
  if (fits != NULL)
    *fits = best != NULL;
  if (sentence != NULL)
    *sentence = dup_sentence (best != NULL ? best : smallest, machine, on_gpu, best != NULL);
  return best != NULL ? best : smallest;
}
