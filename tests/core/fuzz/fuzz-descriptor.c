/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as a provider's descriptor. One that is accepted has a schema and can be filled.
 */
#include "fuzz-core.h"

#include "esp-provider.h"
#include "esp-remote-private.h"

static void
check_schema (EspProvider *provider)
{
  for (int with_count = 0; with_count < 2; with_count++)
    {
      g_autoptr (EspSchema) schema = esp_provider_dup_schema (provider, with_count == 1);
      g_autoptr (JsonObject) defaults = NULL;

      PROMISE (schema != NULL);
      defaults = esp_schema_dup_defaults (schema);
      for (guint i = 0; i < esp_schema_get_n_parameters (schema); i++)
        PROMISE (esp_schema_get_parameter (schema, i)->name[0] != '\0');
    }
}

static void
make_requests (EspProvider *provider)
{
  EspRemoteSetup setup = { 0 };
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) parameters = json_object_new ();
  gboolean ok = _esp_remote_setup_init (&setup, provider, "http://127.0.0.1:1", TRUE, NULL,
                                        "a-key-of-nobody", &error);

  fuzz_check_error (ok, &error);
  if (ok)
    {
      json_object_set_string_member (parameters, "prompt", "Make it snow");
      ok = _esp_remote_setup_set_parameters (&setup, parameters, &error);
      fuzz_check_error (ok, &error);
    }
  if (ok)
    {
      g_autoptr (EspHttpRequest) request
          = _esp_remote_request_build (&setup, setup.descriptor->submit, setup.scope, &error);

      fuzz_check_error (request != NULL, &error);
    }
  _esp_remote_setup_clear (&setup);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (GBytes) text = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (EspProvider) provider = NULL;

  text = g_bytes_new (data, size);
  provider = esp_provider_new (text, "fuzz.json", size % 2 == 0, &error);
  fuzz_check_error (provider != NULL, &error);
  if (provider == NULL)
    return 0;

  PROMISE (esp_provider_get_problem (provider) == NULL);
  PROMISE (esp_provider_get_id (provider) != NULL && esp_provider_get_title (provider) != NULL);
  check_schema (provider);
  make_requests (provider);
  return 0;
}
