/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-descriptor.c: freeing what a descriptor was read into. */
#include "esp-provider-private.h"

void
_esp_provider_request_free (EspProviderRequest *request)
{
  if (request == NULL)
    return;

  g_free (request->method);
  g_free (request->url);
  g_free (request->url_if_unset);
  g_free (request->url_if_gone);
  g_free (request->file);
  g_free (request->content_type);
  g_clear_pointer (&request->headers, json_node_unref);
  g_clear_pointer (&request->query, json_object_unref);
  g_clear_pointer (&request->json, json_node_unref);
  g_clear_pointer (&request->form, json_object_unref);
  g_clear_pointer (&request->multipart, json_node_unref);
  g_clear_pointer (&request->captures, g_ptr_array_unref);
  g_free (request);
}

void
_esp_provider_param_free (EspProviderParam *param)
{
  g_free (param->id);
  g_free (param->label);
  g_free (param->description);
  g_free (param->type);
  g_clear_pointer (&param->fallback, json_node_unref);
  g_clear_pointer (&param->values, json_array_unref);
  g_clear_pointer (&param->wire, json_object_unref);
  g_clear_pointer (&param->placeholders, g_ptr_array_unref);
  g_strfreev (param->elements_have);
  g_free (param);
}

void
_esp_error_rule_free (EspErrorRule *rule)
{
  g_strfreev (rule->at);
  g_clear_pointer (&rule->equals, json_node_unref);
  g_clear_pointer (&rule->matches, g_regex_unref);
  g_free (rule->blocked);
  g_free (rule);
}

void
_esp_event_rule_free (EspEventRule *rule)
{
  g_free (rule->event);
  g_strfreev (rule->where_at);
  g_clear_pointer (&rule->where_equals, json_node_unref);
  g_strfreev (rule->value);
  g_strfreev (rule->max);
  g_free (rule);
}

static void
meta_free (EspMeta *meta)
{
  if (meta == NULL)
    return;

  g_strfreev (meta->at);
  g_free (meta);
}

static void
clear_result (EspDescriptor *self)
{
  g_strfreev (self->result.images);
  g_strfreev (self->result.where_at);
  g_clear_pointer (&self->result.where_equals, json_node_unref);
  g_free (self->result.url_template);
  meta_free (self->result.seed);
  meta_free (self->result.cost);
  meta_free (self->result.time_s);
  meta_free (self->result.queue_s);
  meta_free (self->result.width);
  meta_free (self->result.height);
  meta_free (self->result.started);
  meta_free (self->result.finished);
}

static void
clear_watch (EspDescriptor *self)
{
  _esp_provider_request_free (self->watch);
  g_strfreev (self->watch_status);
  g_strfreev (self->watch_present);
  g_clear_pointer (&self->watch_map, g_hash_table_unref);
  g_clear_pointer (&self->watch_http, g_hash_table_unref);
  g_strfreev (self->queue_position);
  g_strfreev (self->progress);
}

static void
clear_beside (EspDescriptor *self)
{
  g_strfreev (self->error_message);
  g_strfreev (self->error_code);
  g_strfreev (self->error_retry_after);
  g_clear_pointer (&self->error_http, g_hash_table_unref);
  g_clear_pointer (&self->error_rules, g_ptr_array_unref);

  _esp_provider_request_free (self->events.request);
  g_clear_pointer (&self->events.rules, g_ptr_array_unref);

  g_clear_pointer (&self->cancel, g_ptr_array_unref);

  g_clear_pointer (&self->recover.requests, g_ptr_array_unref);
  g_free (self->recover.items);
  g_free (self->recover.id);
  g_free (self->recover.created);
  g_clear_pointer (&self->recover.match, g_ptr_array_unref);

  _esp_provider_request_free (self->probe);
  _esp_provider_request_free (self->schema_from);
  g_strfreev (self->schema_at);
  g_strfreev (self->price_at);
  g_free (self->price_unit);
  g_free (self->price_currency);
}

void
_esp_descriptor_clear (EspDescriptor *self)
{
  g_clear_pointer (&self->params, g_ptr_array_unref);
  g_clear_pointer (&self->config, g_ptr_array_unref);

  g_free (self->auth_header);
  g_free (self->auth_value);
  g_strfreev (self->auth_origins);

  g_strfreev (self->image.formats);
  g_clear_pointer (&self->image.upload, g_ptr_array_unref);
  g_clear_pointer (&self->output_size.buckets, g_array_unref);

  _esp_provider_request_free (self->submit);
  g_strfreev (self->submit_status);
  clear_watch (self);
  _esp_provider_request_free (self->fetch);
  clear_result (self);
  clear_beside (self);

  *self = (EspDescriptor){ 0 };
}
