/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "espalier-jobs"

#include "esp-job-pictures.h"

#include <glib/gi18n-lib.h>

#include "esp-backend.h"
#include "esp-queue-private.h"

static EspJobPictures
check_picture (EspQueue *queue, EspNode *node)
{
  if (esp_node_has_image (node))
    return ESP_JOB_PICTURES_READY;

  return _esp_queue_expects (queue, node) ? ESP_JOB_PICTURES_COMING : ESP_JOB_PICTURES_NEVER;
}

EspJobPictures
_esp_job_check_pictures (EspJob *job, EspQueue *queue, GError **error)
{
  EspNode *node = esp_job_get_node (job);
  EspNode *parent = esp_node_get_parent (node);
  GPtrArray *references = esp_node_get_references (node);
  EspJobPictures worst = ESP_JOB_PICTURES_READY;

  if (parent == NULL && references->len == 0)
    {
      g_set_error_literal (error, ESP_BACKEND_ERROR, ESP_BACKEND_ERROR_ARGUMENT,
                           _ ("This turn has no picture to start from."));
      return ESP_JOB_PICTURES_NEVER;
    }

  if (parent != NULL)
    worst = check_picture (queue, parent);
  if (worst == ESP_JOB_PICTURES_NEVER)
    {
      g_set_error_literal (error, ESP_BACKEND_ERROR, ESP_BACKEND_ERROR_ARGUMENT,
                           _ ("The turn that this one builds on has no picture. Run that one "
                              "again first."));
      return worst;
    }

  for (guint i = 0; i < references->len; i++)
    {
      EspJobPictures pictures = check_picture (queue, g_ptr_array_index (references, i));

      worst = MAX (worst, pictures);
      if (worst == ESP_JOB_PICTURES_NEVER)
        {
          g_set_error (error, ESP_BACKEND_ERROR, ESP_BACKEND_ERROR_ARGUMENT,
                       _ ("Reference %u has no picture. Run that turn again first, or leave it "
                          "out."),
                       i + 1);
          return worst;
        }
    }

  return worst;
}
