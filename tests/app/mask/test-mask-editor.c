/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-mask-editor.c: a mask changed and stored in a real document: every stroke is a step, none is
 * lost, and what is not stored yet can be undone, too. */
#include "esp-mask-editor.h"
#include "scratch-document.h"
#include "widgets.h"

#define PHOTO  0x203040
#define RESULT 0xc0b0a0
#define WIDTH  320
#define HEIGHT 240

typedef struct
{
  EspDocument *document;
  EspNode *photo, *turn;
  EspMaskEditor *editor;
} Fixture;

static gboolean
can_paint (gpointer editor)
{
  return esp_mask_editor_can_paint (editor);
}

static gboolean
is_idle (gpointer editor)
{
  return !esp_mask_editor_is_busy (editor) && esp_mask_editor_can_paint (editor);
}

/* A result that lies exactly on its source, all of which was taken. */
static void
finish (Fixture *fixture)
{
  const EspSaveOptions options = ESP_SAVE_OPTIONS_INIT;
  g_autoptr (EspPicture) picture = scratch_picture_new (WIDTH, HEIGHT, RESULT);
  g_autoptr (EspComposition) composition = esp_composition_new (ESP_KEEP_OFF);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) error = NULL;
  EspTurnOutcome outcome = { .seconds = 1, .cost = -1 };

  bytes = esp_picture_to_bytes (picture, ESP_FORMAT_PNG, NULL, &options, NULL, &error);
  g_assert_no_error (error);
  composition->made = TRUE;
  composition->changed = 1;
  outcome.image = bytes;
  outcome.composition = composition;
  esp_document_finish_turn_async (fixture->document, fixture->turn, &outcome, NULL,
                                  scratch_take_result, &result);
  esp_document_finish_turn_finish (fixture->document, scratch_wait_for_result (&result), &error);
  g_assert_no_error (error);
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->document = scratch_document_new ();
  fixture->photo = scratch_document_import (fixture->document, WIDTH, HEIGHT, PHOTO);
  fixture->turn = scratch_document_add_turn (fixture->document, fixture->photo, "Make it bright");
  scratch_document_set_state (fixture->document, fixture->turn, ESP_NODE_RUNNING, NULL);
  finish (fixture);
  fixture->editor = esp_mask_editor_new ();
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  esp_mask_editor_set_node (fixture->editor, NULL, NULL);
  g_object_add_weak_pointer (G_OBJECT (fixture->editor), (gpointer *) &fixture->editor);
  g_object_unref (fixture->editor);
  g_assert_true (scratch_wait_for (scratch_is_null, &fixture->editor)); /* nothing holds it */
  scratch_document_close (fixture->document);
  g_object_unref (fixture->document);
}

static void
show (Fixture *fixture)
{
  esp_mask_editor_set_node (fixture->editor, fixture->document, fixture->turn);
  g_assert_true (scratch_wait_for (can_paint, fixture->editor));
}

static void
settle (Fixture *fixture)
{
  g_assert_true (scratch_wait_for (is_idle, fixture->editor));
}

static void
stroke (Fixture *fixture, double x, double y, gboolean erasing)
{
  esp_mask_editor_paint (fixture->editor, x, y, x + 20, y, 10, 1, erasing);
  esp_mask_editor_paint (fixture->editor, x + 20, y, x + 20, y + 20, 10, 1, erasing);
  esp_mask_editor_end_stroke (fixture->editor);
}

static void
assert_says (Fixture *fixture, const char *words)
{
  g_autofree char *said = esp_mask_editor_dup_words (fixture->editor);

  g_assert_cmpstr (said, ==, words);
}

/* A pixel of the image that the document has, 0xRRGGBB. */
static guint
get_stored (Fixture *fixture, int x, int y)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (EspPicture) picture = NULL;
  g_autoptr (GError) error = NULL;
  const guint8 *pixel;

  esp_document_load_picture_async (fixture->document, fixture->turn, NULL, scratch_take_result,
                                   &result);
  picture = esp_document_load_picture_finish (fixture->document, scratch_wait_for_result (&result),
                                              &error);
  g_assert_no_error (error);
  pixel = picture->pixels + (y * picture->width + x) * 3;
  return (guint) pixel[0] << 16 | (guint) pixel[1] << 8 | pixel[2];
}

static void
undo (Fixture *fixture, const char *title)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *last = esp_document_dup_undo_title (fixture->document);

  g_assert_cmpstr (last, ==, title);
  esp_document_undo_async (fixture->document, NULL, scratch_take_result, &result);
  esp_document_edit_finish (fixture->document, scratch_wait_for_result (&result), &error);
  g_assert_no_error (error);
  settle (fixture);
}

/* Three strokes, quicker than they can be stored, are three steps. */
static void
test_strokes (Fixture *fixture, gconstpointer data)
{
  show (fixture);
  assert_says (fixture, "All of the result was taken");
  g_assert_false (esp_mask_editor_has_veil (fixture->editor));
  stroke (fixture, 200, 100, TRUE);
  stroke (fixture, 100, 150, TRUE);
  stroke (fixture, 200, 100, FALSE);
  g_assert_true (esp_mask_editor_has_veil (fixture->editor));
  settle (fixture);
  g_assert_cmphex (get_stored (fixture, 210, 100), ==, RESULT);
  g_assert_cmphex (get_stored (fixture, 110, 150), ==, PHOTO);
  g_assert_cmphex (get_stored (fixture, 280, 220), ==, RESULT);
  /* The light corner, which is the same in both, counts as the source’s. */
  assert_says (fixture, "93% of the picture is the result’s");

  undo (fixture, "Paint the Mask");
  g_assert_cmphex (get_stored (fixture, 210, 100), ==, PHOTO);
  undo (fixture, "Erase from the Mask");
  g_assert_cmphex (get_stored (fixture, 110, 150), ==, RESULT);
  undo (fixture, "Erase from the Mask");
  g_assert_cmphex (get_stored (fixture, 210, 100), ==, RESULT);
  assert_says (fixture, "All of the result was taken");
  g_assert_false (esp_mask_editor_undo (fixture->editor)); /* nothing waits: the document's */
}

/* What waits is undone before it is in the document, in whatever state it is. */
static void
test_undo_of_what_waits (Fixture *fixture, gconstpointer data)
{
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;

  show (fixture);
  before = esp_document_dup_undo_title (fixture->document);
  for (int i = 0; i < 3; i++)
    stroke (fixture, 60 + 60 * i, 100, TRUE);
  for (int i = 0; i < 3; i++)
    g_assert_true (esp_mask_editor_undo (fixture->editor));
  settle (fixture);
  after = esp_document_dup_undo_title (fixture->document);
  g_assert_cmpstr (before, ==, after);
  for (int i = 0; i < 3; i++)
    g_assert_cmphex (get_stored (fixture, 70 + 60 * i, 100), ==, RESULT);
}

/* The last stroke is stored although another node is looked at by then. */
static void
test_leaving (Fixture *fixture, gconstpointer data)
{
  show (fixture);
  stroke (fixture, 200, 100, TRUE);
  esp_mask_editor_set_node (fixture->editor, fixture->document, fixture->photo);
  assert_says (fixture, "This picture was imported: no model has changed it");
  g_assert_false (esp_mask_editor_can_change (fixture->editor));
  show (fixture);
  settle (fixture);
  g_assert_cmphex (get_stored (fixture, 210, 100), ==, PHOTO);
  g_assert_cmphex (get_stored (fixture, 100, 150), ==, RESULT);
}

static void
test_whole_masks (Fixture *fixture, gconstpointer data)
{
  show (fixture);
  esp_mask_editor_take_nothing (fixture->editor);
  settle (fixture);
  assert_says (fixture, "Nothing of the result was taken");
  g_assert_cmphex (get_stored (fixture, 200, 200), ==, PHOTO);

  stroke (fixture, 200, 100, FALSE);
  settle (fixture);
  g_assert_cmphex (get_stored (fixture, 240, 100), ==, PHOTO);
  esp_mask_editor_set_shape (fixture->editor, 30, 0);
  settle (fixture);
  g_assert_cmphex (get_stored (fixture, 240, 100), ==, RESULT);
  g_assert_cmpfloat (esp_mask_editor_get_grow (fixture->editor), ==, 30);
  undo (fixture, "Change the Edge of the Mask");
  g_assert_cmpfloat (esp_mask_editor_get_grow (fixture->editor), ==, 0);

  esp_mask_editor_take_all (fixture->editor);
  settle (fixture);
  assert_says (fixture, "All of the result was taken");
  g_assert_cmphex (get_stored (fixture, 20, 200), ==, RESULT);
  undo (fixture, "Take All of the Result");
  g_assert_cmphex (get_stored (fixture, 20, 200), ==, PHOTO);
  g_assert_cmphex (get_stored (fixture, 210, 100), ==, RESULT);
}

static gboolean
cannot_change (gpointer editor)
{
  return !esp_mask_editor_can_change (editor);
}

static void
test_forgetting (Fixture *fixture, gconstpointer data)
{
  show (fixture);
  g_assert_false (esp_mask_editor_can_forget (fixture->editor)); /* there is only the image */
  stroke (fixture, 200, 100, TRUE);
  settle (fixture);
  g_assert_true (esp_mask_editor_can_forget (fixture->editor));
  esp_mask_editor_forget (fixture->editor);
  g_assert_true (scratch_wait_for (cannot_change, fixture->editor));
  assert_says (fixture, "The mask was forgotten: only the picture is left");
  g_assert_cmphex (get_stored (fixture, 210, 100), ==, PHOTO);
  stroke (fixture, 100, 100, TRUE); /* does nothing */
  g_assert_false (esp_mask_editor_is_busy (fixture->editor));
}

int
main (int argc, char **argv)
{
  widgets_init (&argc, &argv);

  g_test_add ("/mask-editor/strokes", Fixture, NULL, set_up, test_strokes, tear_down);
  g_test_add ("/mask-editor/undo-of-what-waits", Fixture, NULL, set_up, test_undo_of_what_waits,
              tear_down);
  g_test_add ("/mask-editor/leaving", Fixture, NULL, set_up, test_leaving, tear_down);
  g_test_add ("/mask-editor/whole-masks", Fixture, NULL, set_up, test_whole_masks, tear_down);
  g_test_add ("/mask-editor/forgetting", Fixture, NULL, set_up, test_forgetting, tear_down);

  return g_test_run ();
}
