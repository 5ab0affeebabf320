/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-provider-reader.h: the members of a descriptor, with what is wrong in words.
 *
 * Private to the esp-provider files. The first thing that is wrong is kept with its line and its
 * place ("params/3/default"); what is read after it does no harm and is thrown away.
 */
#pragma once

#include "esp-json-read.h"
#include "esp-provider.h"

G_BEGIN_DECLS

typedef struct
{
  const char *name; /* the file's, for messages */
  EspJsonLines *lines;
  GError *error; /* the first, or NULL */
} EspReader;

/* An object of the descriptor. Its members are asked for by name; one that nobody asked for is an
 * error when it is closed. */
typedef struct
{
  EspReader *reader;
  JsonObject *object; /* never NULL: an empty one stands in for what is no object */
  char *path;         /* pointer */
  GHashTable *asked;  /* names */
} EspMembers;

/* Notes an error at `path` (a pointer). */
void esp_reader_fail (EspReader *self, const char *path, const char *format, ...)
    G_GNUC_PRINTF (3, 4);

/* `node` may be NULL. To be closed however it went. */
EspMembers *esp_members_open (EspReader *reader, JsonNode *node,
                              const char *path) G_GNUC_WARN_UNUSED_RESULT;
void esp_members_close (EspMembers *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EspMembers, esp_members_close)

/* Where a member stands: a pointer. */
char *esp_members_dup_path (EspMembers *self, const char *name) G_GNUC_WARN_UNUSED_RESULT;
/* "PATH/index" */
char *esp_reader_dup_element_path (const char *path, guint index) G_GNUC_WARN_UNUSED_RESULT;

void esp_members_fail (EspMembers *self, const char *name, const char *format, ...)
    G_GNUC_PRINTF (3, 4);

/* NULL where it is missing. Each of these marks the member as known. */
JsonNode *esp_members_get (EspMembers *self, const char *name);
JsonNode *esp_members_get_required (EspMembers *self, const char *name);
JsonObject *esp_members_get_object (EspMembers *self, const char *name);
JsonArray *esp_members_get_array (EspMembers *self, const char *name);
/* Borrowed; NULL where it is missing, empty or no string. */
const char *esp_members_get_text (EspMembers *self, const char *name);
const char *esp_members_get_required_text (EspMembers *self, const char *name);
gboolean esp_members_get_bool (EspMembers *self, const char *name, gboolean fallback);
gint64 esp_members_get_int (EspMembers *self, const char *name, gint64 minimum, gint64 maximum,
                            gint64 fallback);
double esp_members_get_number (EspMembers *self, const char *name, double minimum, double maximum,
                               double fallback);
/* The index of a text in `choices` (NULL-terminated), or `fallback`. -1: it has to be there. */
int esp_members_get_choice (EspMembers *self, const char *name, const char *const *choices,
                            int fallback);
/* One text or a list of them; NULL where it is missing. */
char **esp_members_dup_texts (EspMembers *self, const char *name) G_GNUC_WARN_UNUSED_RESULT;
/* The same for pointers, checked. */
char **esp_members_dup_pointers (EspMembers *self, const char *name) G_GNUC_WARN_UNUSED_RESULT;
/* And for those that may have placeholders. */
char **esp_members_dup_pointer_templates (EspMembers *self,
                                          const char *name) G_GNUC_WARN_UNUSED_RESULT;

gboolean esp_json_is_text (JsonNode *node);   /* NULL is none */
gboolean esp_json_is_number (JsonNode *node); /* a finite one */
gboolean esp_json_is_int (JsonNode *node);
gboolean esp_json_is_bool (JsonNode *node);

G_END_DECLS
