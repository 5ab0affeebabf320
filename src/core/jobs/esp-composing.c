/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "espalier-jobs"

#include "esp-composing.h"

#include <glib/gi18n-lib.h>

#include "esp-picture-work.h"
#include "esp-untouched.h"

typedef struct
{
  GBytes *source;
  GBytes *result;
  EspComposition *asked;
  EspComposition *made;
  EspMask *mask;
  GBytes *stored;
} Work;

static void
free_work (gpointer data)
{
  Work *work = data;

  g_clear_pointer (&work->source, g_bytes_unref);
  g_clear_pointer (&work->result, g_bytes_unref);
  g_clear_pointer (&work->asked, esp_composition_free);
  g_clear_pointer (&work->made, esp_composition_free);
  g_clear_pointer (&work->mask, esp_mask_unref);
  g_clear_pointer (&work->stored, g_bytes_unref);
  g_free (work);
}

static Work *
new_work (GBytes *source, GBytes *result, const EspComposition *asked)
{
  Work *work = g_new0 (Work, 1);

  work->source = source != NULL ? g_bytes_ref (source) : NULL;
  work->result = result != NULL ? g_bytes_ref (result) : NULL;
  work->asked = esp_composition_copy (asked);
  return work;
}

void
_esp_composed_free (EspComposed *composed)
{
  if (composed == NULL)
    return;
  g_clear_pointer (&composed->image, g_bytes_unref);
  g_clear_pointer (&composed->mask, g_bytes_unref);
  g_clear_pointer (&composed->composition, esp_composition_free);
  g_free (composed);
}

static GBytes *
encode (EspPicture *picture, GCancellable *cancellable, GError **error)
{
  const EspSaveOptions options = ESP_SAVE_OPTIONS_INIT;

  return esp_picture_to_bytes (picture, ESP_FORMAT_PNG, NULL, &options, cancellable, error);
}

/* The same crop for the same region and picture, whenever it is asked: before the turn and after.
 */
static gboolean
plan_crop (EspComposition *asked, EspPicture *source, GError **error)
{
  if (asked->region == NULL || asked->crop.width > 0)
    return TRUE;
  if (!esp_region_fit (asked->region, source->width, source->height, error))
    return FALSE;
  esp_region_plan (asked->region, source->width, source->height, 0, &asked->crop);
  return TRUE;
}

/* --- Before ----------------------------------------------------------------------------------- */

static GBytes *
cut (const Work *work, GCancellable *cancellable, GError **error)
{
  g_autoptr (EspPicture) source
      = esp_picture_load_bytes (work->source, _ ("The image"), NULL, cancellable, error);
  g_autoptr (EspPicture) crop = NULL;

  if (source == NULL || !plan_crop (work->asked, source, error))
    return NULL;
  crop = esp_crop_cut (&work->asked->crop, source, cancellable, error);
  return crop != NULL ? encode (crop, cancellable, error) : NULL;
}

static void
cut_thread (GTask *task, gpointer object, gpointer data, GCancellable *cancellable)
{
  GError *error = NULL;
  GBytes *bytes = cut (data, cancellable, &error);

  if (bytes != NULL)
    g_task_return_pointer (task, bytes, (GDestroyNotify) g_bytes_unref);
  else
    g_task_return_error (task, error);
}

void
_esp_cut_async (GBytes *source, const EspComposition *asked, GCancellable *cancellable,
                GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);

  g_task_set_source_tag (task, _esp_cut_async);
  if (asked == NULL || asked->region == NULL)
    {
      g_task_return_pointer (task, g_bytes_ref (source), (GDestroyNotify) g_bytes_unref);
      return;
    }
  g_task_set_task_data (task, new_work (source, NULL, asked), free_work);
  esp_picture_work_run (task, cut_thread);
}

GBytes *
_esp_cut_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* --- After ------------------------------------------------------------------------------------ */

/* `picture`: `result` itself where all of it is taken. */
static EspComposed *
finish_composed (EspPicture *picture, EspPicture *result, EspMask *mask,
                 EspComposition *composition, GCancellable *cancellable, GError **error)
{
  g_autoptr (EspComposed) composed = g_new0 (EspComposed, 1);

  if (picture != result)
    {
      composed->image = encode (picture, cancellable, error);
      if (composed->image == NULL)
        return NULL;
    }
  if (mask != NULL)
    {
      composed->mask = esp_mask_to_bytes (mask, error);
      if (composed->mask == NULL)
        return NULL;
    }
  composed->composition = esp_composition_copy (composition);
  return g_steal_pointer (&composed);
}

static EspComposed *
compose_new (EspPicture *source, EspPicture *result, EspComposition *asked,
             GCancellable *cancellable, GError **error)
{
  g_autoptr (EspUntouched) untouched = NULL;

  if (!plan_crop (asked, source, error))
    return NULL;
  untouched = esp_untouched_make (source, result, asked, cancellable, error);
  if (untouched == NULL)
    return NULL;
  return finish_composed (untouched->image, result, untouched->mask, untouched->composition,
                          cancellable, error);
}

static EspComposed *
compose (const Work *work, GCancellable *cancellable, GError **error)
{
  g_autoptr (EspPicture) source = NULL;
  g_autoptr (EspPicture) result = NULL;

  if (work->source == NULL)
    {
      g_set_error_literal (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_IMAGE,
                           _ ("The picture that it was made from is not there any more"));
      return NULL;
    }
  source = esp_picture_load_bytes (work->source, _ ("The image"), NULL, cancellable, error);
  if (source == NULL)
    return NULL;
  result = esp_picture_load_bytes (work->result, _ ("The result"), NULL, cancellable, error);
  if (result == NULL)
    return NULL;
  return compose_new (source, result, work->asked, cancellable, error);
}

/* All of the result, and why. */
static EspComposed *
take_all (const EspComposition *asked, const GError *error)
{
  EspComposed *composed = g_new0 (EspComposed, 1);
  EspComposition *composition = esp_composition_copy (asked);

  composition->made = TRUE;
  composition->changed = 1;
  g_free (composition->problem);
  composition->problem = g_strdup (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED)
                                       ? _ ("It was stopped before untouched pixels were kept")
                                       : error->message);
  composed->composition = composition;
  return composed;
}

static void
compose_thread (GTask *task, gpointer object, gpointer data, GCancellable *cancellable)
{
  const Work *work = data;
  g_autoptr (GError) error = NULL;
  EspComposed *composed = compose (work, cancellable, &error);

  if (composed == NULL)
    composed = take_all (work->asked, error);
  g_task_return_pointer (task, composed, (GDestroyNotify) _esp_composed_free);
}

void
_esp_compose_async (GBytes *source, GBytes *result, const EspComposition *asked,
                    GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);

  g_task_set_source_tag (task, _esp_compose_async);
  /* There is a picture, cancelled or not. */
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, new_work (source, result, asked), free_work);
  esp_picture_work_run (task, compose_thread);
}

EspComposed *
_esp_compose_finish (GAsyncResult *result)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);
  return g_task_propagate_pointer (G_TASK (result), NULL);
}

/* --- Again ------------------------------------------------------------------------------------ */

/* All of the result is taken: it is of no interest how it lies. */
static gboolean
is_whole (const Work *work)
{
  return work->asked->keep == ESP_KEEP_OFF && (work->made == NULL || work->made->region == NULL);
}

/* How the result lies on its source: as it was found, or looked for now. NULL with an error. */
static EspComposition *
find_composition (const Work *work, EspPicture *source, EspPicture *result,
                  GCancellable *cancellable, GError **error)
{
  g_autoptr (EspComposition) asked = NULL;
  g_autoptr (EspUntouched) untouched = NULL;

  if (work->made != NULL && work->made->made && work->made->problem == NULL)
    return esp_composition_copy (work->made);
  if (is_whole (work))
    {
      asked = work->made != NULL ? esp_composition_copy (work->made)
                                 : esp_composition_new (ESP_KEEP_OFF);
      asked->made = TRUE;
      return g_steal_pointer (&asked);
    }
  asked = work->made != NULL ? esp_composition_copy (work->made)
                             : esp_composition_new (ESP_KEEP_AUTO);
  asked->keep = ESP_KEEP_AUTO;
  g_clear_pointer (&asked->problem, g_free);
  if (!plan_crop (asked, source, error))
    return NULL;
  untouched = esp_untouched_make (source, result, asked, cancellable, error);
  return untouched != NULL ? esp_composition_copy (untouched->composition) : NULL;
}

static EspMask *
load_mask (const Work *work, EspPicture *source, GCancellable *cancellable, GError **error)
{
  g_autoptr (EspMask) mask
      = work->mask != NULL ? esp_mask_ref (work->mask)
                           : esp_mask_load_bytes (work->stored, _ ("The mask"), cancellable, error);

  if (mask == NULL || (mask->width == source->width && mask->height == source->height))
    return g_steal_pointer (&mask);
  g_set_error (error, ESP_DOCUMENT_ERROR, ESP_DOCUMENT_ERROR_IMAGE,
               _ ("The mask is %d × %d pixels large, the picture that it is for %d × %d"),
               mask->width, mask->height, source->width, source->height);
  return NULL;
}

/* How much of the source is the result's now. */
static gboolean
measure (EspPicture *source, EspPicture *image, EspMask *mask, EspComposition *composition,
         GCancellable *cancellable, GError **error)
{
  g_autoptr (EspMask) effective = NULL;

  composition->global = FALSE;
  composition->changed = 1;
  if (mask == NULL)
    return TRUE;
  effective
      = esp_untouched_dup_effective_mask (source, image, mask, composition, cancellable, error);
  if (effective == NULL)
    return FALSE;
  composition->changed = esp_mask_get_fraction (effective);
  return TRUE;
}

static EspComposed *
compose_with (const Work *work, EspPicture *source, EspPicture *result, GCancellable *cancellable,
              GError **error)
{
  const gboolean has_mask = work->mask != NULL || work->stored != NULL;
  g_autoptr (EspComposition) composition
      = find_composition (work, source, result, cancellable, error);
  g_autoptr (EspMask) mask = NULL;
  g_autoptr (EspPicture) image = NULL;

  if (composition == NULL)
    return NULL;
  if (has_mask)
    {
      mask = load_mask (work, source, cancellable, error);
      if (mask == NULL)
        return NULL;
    }
  composition->keep = work->asked->keep;
  composition->grow = work->asked->grow;
  composition->feather = work->asked->feather;
  image = is_whole (work) ? esp_picture_ref (result)
                          : esp_untouched_remake (source, result,
                                                  composition->keep != ESP_KEEP_OFF ? mask : NULL,
                                                  composition, cancellable, error);
  if (image == NULL
      || !measure (source, image, composition->keep != ESP_KEEP_OFF ? mask : NULL, composition,
                   cancellable, error))
    return NULL;
  return finish_composed (image, result, mask, composition, cancellable, error);
}

static EspComposed *
compose_again (const Work *work, GCancellable *cancellable, GError **error)
{
  const gboolean has_mask = work->mask != NULL || work->stored != NULL;
  g_autoptr (EspPicture) source
      = esp_picture_load_bytes (work->source, _ ("The image"), NULL, cancellable, error);
  g_autoptr (EspPicture) result = NULL;
  g_autoptr (EspComposition) asked = NULL;

  if (source == NULL)
    return NULL;
  result = esp_picture_load_bytes (work->result, _ ("The result"), NULL, cancellable, error);
  if (result == NULL)
    return NULL;
  if (has_mask || work->asked->keep == ESP_KEEP_OFF)
    return compose_with (work, source, result, cancellable, error);

  asked = esp_composition_new (ESP_KEEP_AUTO);
  asked->grow = work->asked->grow;
  asked->feather = work->asked->feather;
  if (work->made != NULL)
    {
      asked->region = esp_region_copy (work->made->region);
      asked->crop = work->made->crop;
    }
  return compose_new (source, result, asked, cancellable, error);
}

static void
compose_again_thread (GTask *task, gpointer object, gpointer data, GCancellable *cancellable)
{
  GError *error = NULL;
  EspComposed *composed = compose_again (data, cancellable, &error);

  if (composed != NULL)
    g_task_return_pointer (task, composed, (GDestroyNotify) _esp_composed_free);
  else
    g_task_return_error (task, error);
}

void
_esp_compose_again_async (const EspComposingAgain *again, GCancellable *cancellable,
                          GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);
  Work *work = new_work (again->source, again->result, again->wanted);

  work->made = esp_composition_copy (again->made);
  work->mask = again->mask != NULL ? esp_mask_ref (again->mask) : NULL;
  work->stored = again->stored != NULL ? g_bytes_ref (again->stored) : NULL;
  g_task_set_source_tag (task, _esp_compose_again_async);
  g_task_set_task_data (task, work, free_work);
  esp_picture_work_run (task, compose_again_thread);
}

EspComposed *
_esp_compose_again_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}
