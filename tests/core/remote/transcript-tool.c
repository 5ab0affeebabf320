/* SPDX-License-Identifier: GPL-3.0-or-later */
/* transcript-tool.c: for test-transcript.py: makes transcripts, and the turn itself.
 *
 *   transcript-tool curl|python DESCRIPTOR BASE-URL CONFIG PARAMETERS IMAGE…   prints it
 *   transcript-tool run DESCRIPTOR BASE-URL CONFIG PARAMETERS IMAGE…           prints what was sent
 *   transcript-tool ship DESCRIPTOR IMAGE RESULT              writes the image as it would be sent
 *
 * CONFIG and PARAMETERS are JSON; the key is in $CANARY_KEY.
 */
#include <stdio.h>
#include <string.h>

#include "esp-journal.h"
#include "esp-json-read.h"
#include "esp-remote-turn.h"
#include "esp-shipment.h"
#include "esp-transcript.h"

static GAsyncResult *done;

static void
on_done (GObject *source, GAsyncResult *result, gpointer data)
{
  done = g_object_ref (result);
}

static void
wait_for_it (void)
{
  while (done == NULL)
    g_main_context_iteration (NULL, TRUE);
}

static GBytes *
load (const char *name)
{
  g_autoptr (GError) error = NULL;
  char *text;
  gsize length;

  if (!g_file_get_contents (name, &text, &length, &error))
    g_error ("%s", error->message);
  return g_bytes_new_take (text, length);
}

static JsonObject *
parse (const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) node = esp_json_read (text, strlen (text), &error);

  if (node == NULL)
    g_error ("%s", error->message);
  return json_object_ref (json_node_get_object (node));
}

static int
ship (EspProvider *provider, const char *image, const char *result)
{
  g_autoptr (GPtrArray) images = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  g_autoptr (JsonObject) parameters = json_object_new ();
  g_autoptr (EspShipment) shipment = NULL;
  g_autoptr (GError) error = NULL;
  EspShippedImage *shipped;
  gsize length;

  g_ptr_array_add (images, load (image));
  esp_shipment_new_async (provider, images, parameters, NULL, on_done, NULL);
  wait_for_it ();
  shipment = esp_shipment_new_finish (done, &error);
  if (shipment == NULL)
    g_error ("%s", error->message);

  shipped = shipment->images->pdata[0];
  return g_file_set_contents (result, g_bytes_get_data (shipped->bytes, &length),
                              (gssize) g_bytes_get_size (shipped->bytes), NULL)
             ? 0
             : 1;
}

static int
run (EspProvider *provider, const char *base_url, JsonObject *config, JsonObject *parameters,
     char **names)
{
  g_autoptr (GPtrArray) images = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  g_autoptr (EspHttp) http = esp_http_new ();
  g_autoptr (EspRemoteResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *id = g_uuid_string_random ();
  EspRemoteRequest request = { 0 };
  EspReceivedImage *image;
  g_autoptr (JsonNode) node = NULL;
  g_autofree char *text = NULL;

  for (; *names != NULL; names++)
    g_ptr_array_add (images, load (*names));
  request.provider = provider;
  request.base_url = base_url;
  request.base_is_own = TRUE;
  request.config = config;
  request.parameters = parameters;
  request.key = g_getenv ("CANARY_KEY");
  request.images = images;
  request.id = id;
  request.patience = 60;
  esp_remote_turn_start_async (http, &request, NULL, NULL, NULL, on_done, NULL);
  wait_for_it ();
  result = esp_remote_turn_start_finish (done, &error);
  if (result == NULL)
    g_error ("%s", error->message);

  /* What a document keeps of it. */
  image = result->images->pdata[0];
  json_object_set_int_member (result->parameters, "width", image->width);
  json_object_set_int_member (result->parameters, "height", image->height);
  node = json_node_init_object (json_node_alloc (), result->parameters);
  text = esp_json_dup_text (node);
  g_print ("%s\n", text);
  return esp_remote_turn_settle (id, NULL) ? 0 : 1;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EspProvider) provider = NULL;
  g_autoptr (JsonObject) config = NULL;
  g_autoptr (JsonObject) parameters = NULL;
  g_autofree char *text = NULL;

  g_assert_cmpint (argc, >=, 5);
  provider = esp_provider_new_from_file (argv[2], FALSE, &error);
  if (provider == NULL)
    g_error ("%s", error->message);
  if (g_str_equal (argv[1], "ship"))
    return ship (provider, argv[3], argv[4]);

  g_assert_cmpint (argc, >=, 7);
  config = parse (argv[4]);
  parameters = parse (argv[5]);
  if (g_str_equal (argv[1], "run"))
    return run (provider, argv[3], config, parameters, argv + 6);

  text = esp_transcript_new (
      g_str_equal (argv[1], "curl") ? ESP_TRANSCRIPT_CURL : ESP_TRANSCRIPT_PYTHON, provider,
      argv[3], config, parameters, (const char *const *) argv + 6, &error);
  if (text == NULL)
    g_error ("%s", error->message);
  fputs (text, stdout); /* as it is, whatever the locale */
  return 0;
}
