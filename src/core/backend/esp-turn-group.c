/* SPDX-License-Identifier: GPL-3.0-or-later */
#define G_LOG_DOMAIN "espalier-backend"

#include "esp-turn-group.h"

struct _EspTurnGroup
{
  int refs;
  guint missing;
  void (*complete) (gpointer data);
  gpointer data;
  GDestroyNotify destroy;
};

EspTurnGroup *
esp_turn_group_new (guint size)
{
  EspTurnGroup *self = g_new0 (EspTurnGroup, 1);

  self->refs = 1;
  self->missing = size;
  return self;
}

EspTurnGroup *
esp_turn_group_ref (EspTurnGroup *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  self->refs++;
  return self;
}

void
esp_turn_group_unref (EspTurnGroup *self)
{
  if (self == NULL || --self->refs > 0)
    return;

  if (self->data != NULL && self->destroy != NULL)
    self->destroy (self->data);
  g_free (self);
}

/* One less is missing; the last one completes the group, if anybody came. */
static void
count_down (EspTurnGroup *self)
{
  void (*complete) (gpointer data) = self->complete;

  g_return_if_fail (self->missing > 0);

  self->missing--;
  if (self->missing > 0 || complete == NULL)
    return;

  self->complete = NULL;
  esp_turn_group_ref (self);
  complete (self->data);
  esp_turn_group_unref (self);
}

void
esp_turn_group_leave (EspTurnGroup *self)
{
  g_return_if_fail (self != NULL);

  count_down (self);
}

gpointer
esp_turn_group_get_data (EspTurnGroup *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->data;
}

void
esp_turn_group_come (EspTurnGroup *self, void (*complete) (gpointer data), gpointer data,
                     GDestroyNotify destroy)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (complete != NULL && data != NULL);

  if (self->data == NULL)
    {
      self->complete = complete;
      self->data = data;
      self->destroy = destroy;
    }
  else if (destroy != NULL)
    destroy (data);
  count_down (self);
}
