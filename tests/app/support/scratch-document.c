/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scratch-document.c: a real document for tests of widgets. */
#include "scratch-document.h"

#include "esp-mask.h"

EspDocument *
scratch_document_new (void)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  EspDocument *document;

  esp_document_create_async (NULL, "Scratch", NULL, scratch_take_result, &result);
  document = esp_document_create_finish (scratch_wait_for_result (&result), &error);
  g_assert_no_error (error);
  return document;
}

void
scratch_document_close (EspDocument *document)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  esp_document_close_async (document, scratch_take_result, &result);
  esp_document_close_finish (document, scratch_wait_for_result (&result), &error);
  g_assert_no_error (error);
}

EspPicture *
scratch_picture_new (int width, int height, guint color)
{
  EspPicture *picture = esp_picture_new (width, height, NULL);

  g_assert_nonnull (picture);
  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++)
      {
        guint8 *pixel = picture->pixels + ((gsize) y * (gsize) width + (gsize) x) * 3;
        const gboolean light = x < width / 4 && y < height / 4;

        pixel[0] = light ? 0xf0 : (guint8) (color >> 16);
        pixel[1] = light ? 0xf0 : (guint8) (color >> 8);
        pixel[2] = light ? 0xf0 : (guint8) color;
      }
  return picture;
}

static GBytes *
create_png (int width, int height, guint color)
{
  g_autoptr (EspPicture) picture = scratch_picture_new (width, height, color);
  EspSaveOptions options = ESP_SAVE_OPTIONS_INIT;
  g_autoptr (GError) error = NULL;
  GBytes *bytes = esp_picture_to_bytes (picture, ESP_FORMAT_PNG, NULL, &options, NULL, &error);

  g_assert_no_error (error);
  return bytes;
}

EspNode *
scratch_document_import (EspDocument *document, int width, int height, guint color)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = create_png (width, height, color);
  EspNode *node;

  esp_document_import_async (document, bytes, "photo.png", NULL, NULL, scratch_take_result,
                             &result);
  node = esp_document_import_finish (document, scratch_wait_for_result (&result), &error);
  g_assert_no_error (error);
  return node;
}

EspNode *
scratch_document_add_turn (EspDocument *document, EspNode *parent, const char *instruction)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) parameters = json_object_new ();
  g_autoptr (GPtrArray) nodes = NULL;
  EspTurn turn = {
    .instruction = instruction,
    .negative_prompt = "blurred",
    .backend = "local",
    .model = "demo",
    .model_name = "Demo model",
    .parameters = parameters,
    .has_seed = TRUE,
    .seed = 1234567890123,
    .references = &parent,
    .n_references = 1,
  };

  json_object_set_int_member (parameters, "steps", 28);
  json_object_set_double_member (parameters, "guidance", 2.5);
  esp_document_add_turns_async (document, parent, &turn, 1, NULL, scratch_take_result, &result);
  nodes = esp_document_add_turns_finish (document, scratch_wait_for_result (&result), &error);
  g_assert_no_error (error);
  return nodes->pdata[0];
}

void
scratch_document_finish_turn (EspDocument *document, EspNode *node, int width, int height,
                              guint color)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = create_png (width, height, color);
  g_autoptr (JsonObject) timings = json_object_new ();
  EspTurnOutcome outcome = {
    .image = bytes,
    .has_seed = TRUE,
    .seed = 1234567890123,
    .seconds = 12.34,
    .cost = 0,
    .timings = timings,
    .model_hash = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
  };

  json_object_set_double_member (timings, "text", 0.5);
  json_object_set_double_member (timings, "sampling", 11.5);
  esp_document_finish_turn_async (document, node, &outcome, NULL, scratch_take_result, &result);
  esp_document_finish_turn_finish (document, scratch_wait_for_result (&result), &error);
  g_assert_no_error (error);
}

void
scratch_document_finish_kept (EspDocument *document, EspNode *node, int width, int height,
                              guint color, guint raw_color, const EspComposition *composition)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) image = create_png (width, height, color);
  g_autoptr (GBytes) raw = create_png (width, height, raw_color);
  g_autoptr (EspMask) mask = esp_mask_new (width, height, &error);
  g_autoptr (GBytes) mask_bytes = NULL;
  EspTurnOutcome outcome
      = { .image = image, .seconds = 12.34, .raw = raw, .composition = composition };

  g_assert_no_error (error);
  esp_mask_paint (mask, 2, 2, 9, 9, 3, 1, 255, NULL);
  mask_bytes = esp_mask_to_bytes (mask, &error);
  g_assert_no_error (error);
  outcome.mask = mask_bytes;
  scratch_document_set_state (document, node, ESP_NODE_RUNNING, NULL);
  esp_document_finish_turn_async (document, node, &outcome, NULL, scratch_take_result, &result);
  esp_document_finish_turn_finish (document, scratch_wait_for_result (&result), &error);
  g_assert_no_error (error);
}

void
scratch_document_take_all (EspDocument *document, EspNode *node)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (EspComposition) composition = esp_composition_copy (esp_node_get_composition (node));

  composition->keep = ESP_KEEP_OFF;
  composition->changed = 1;
  esp_document_set_composition_async (document, node, composition, NULL, NULL, "Take All", NULL,
                                      scratch_take_result, &result);
  esp_document_edit_finish (document, scratch_wait_for_result (&result), &error);
  g_assert_no_error (error);
}

void
scratch_document_set_state (EspDocument *document, EspNode *node, EspNodeState state,
                            const char *message)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  esp_document_set_state_async (document, node, state, message, NULL, NULL, scratch_take_result,
                                &result);
  esp_document_set_state_finish (document, scratch_wait_for_result (&result), &error);
  g_assert_no_error (error);
}
