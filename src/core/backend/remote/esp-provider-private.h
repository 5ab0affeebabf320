/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-provider-private.h: what the parts of the descriptor reader share. */
#pragma once

#include "esp-provider-reader.h"

G_BEGIN_DECLS

struct _EspProvider
{
  GObject parent_instance;

  char *id, *name, *description, *docs, *keys_url, *path, *digest, *text, *problem, *base_url;
  gboolean own, self_hosted;
  EspDescriptor descriptor;
};

#define ESP_PROVIDER_SCHEMA    "kontext-provider/1"
#define ESP_PROVIDER_MAX_BYTES (1u << 20)

/* Errors are left in `reader` by each of these. */

/* The whole file into `self` (esp-provider-read.c). */
void _esp_provider_read (EspProvider *self, EspReader *reader, JsonNode *root);
/* "params" or "config": of EspProviderParam (esp-provider-read-params.c). */
GPtrArray *_esp_provider_read_params (EspMembers *members, const char *name, gboolean is_config);
/* What a request may have besides (esp-provider-read-request.c). */
typedef enum
{
  ESP_REQUEST_PLAIN = 0,
  ESP_REQUEST_CAPTURES = 1 << 0,
  ESP_REQUEST_WHEN = 1 << 1,
  ESP_REQUEST_OTHER_URL = 1 << 2,
} EspRequestMembers;

EspProviderRequest *_esp_provider_read_request (EspMembers *members, EspRequestMembers extra);
/* A member that is a request or a list of them; NULL where it is missing. */
GPtrArray *_esp_provider_read_requests (EspMembers *members, const char *name,
                                        EspRequestMembers extra);
EspProviderRequest *_esp_provider_read_one_request (EspMembers *members, const char *name,
                                                    EspRequestMembers extra);

/* Errors, events, cancelling, finding again (esp-provider-read-beside.c). */
/* {"at": pointers, "equals": value}. */
void _esp_provider_read_equality (EspMembers *members, char ***at, JsonNode **equals);
void _esp_provider_read_beside (EspDescriptor *descriptor, EspMembers *top);

/* What no single member shows: names in templates, addresses, what a flow needs
 * (esp-provider-check.c). */
void _esp_provider_check (EspProvider *provider, EspReader *reader, JsonNode *root);

/* Fails only for what the reader should have refused (esp-provider-schema.c). */
EspSchema *_esp_provider_build_schema (EspProvider *self, gboolean with_count,
                                       GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Is it "https://…", or "http://" to this computer (or anywhere with `any_http`)? Placeholders
 * count as names. */
gboolean _esp_provider_check_url (const char *url, gboolean any_http, GError **error);

void _esp_provider_request_free (EspProviderRequest *request);
void _esp_provider_param_free (EspProviderParam *param);
void _esp_error_rule_free (EspErrorRule *rule);
void _esp_event_rule_free (EspEventRule *rule);
void _esp_descriptor_clear (EspDescriptor *self);

G_END_DECLS
