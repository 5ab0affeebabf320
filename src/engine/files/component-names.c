/* SPDX-License-Identifier: MIT */
#include "files/component-names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files/component-name-table.h"
#include "files/tensor-file.h"

/* As in a config.json (flux-transformer.c and its like): more blocks or levels are a mistake. */
#define BLOCKS_MAX 1000

static const struct
{
  const char *id, *title, *folder;
} components[ESP_COMPONENT_COUNT] = {
  [ESP_COMPONENT_TRANSFORMER] = { "transformer", "transformer", "transformer" },
  [ESP_COMPONENT_CLIP] = { "clip", "CLIP text encoder", "text_encoder" },
  [ESP_COMPONENT_T5] = { "t5", "T5 text encoder", "text_encoder_2" },
  [ESP_COMPONENT_VAE] = { "vae", "autoencoder", "vae" },
};

const char *
esp_component_id (EspComponent component)
{
  return components[component].id;
}

const char *
esp_component_title (EspComponent component)
{
  return components[component].title;
}

const char *
esp_component_folder (EspComponent component)
{
  return components[component].folder;
}

/* --- Patterns --------------------------------------------------------------------------------- */

#define NUMBERS_MAX 2

typedef struct Match
{
  int64_t numbers[NUMBERS_MAX];
  const char *kind; /* what a '*' stands for: "weight" or "bias" */
} Match;

/* A number without leading zeros; what has more than nine digits is 999,999,999. */
static const char *
read_number (const char *text, int64_t *number)
{
  const char *end = text;

  *number = 0;
  while (*end >= '0' && *end <= '9')
    {
      *number = end - text < 9 ? *number * 10 + (*end - '0') : 999999999;
      end++;
    }
  return end == text || (end - text > 1 && *text == '0') ? NULL : end;
}

static bool
match (const char *pattern, const char *name, Match *found)
{
  int numbers = 0;

  *found = (Match){ .kind = "" };
  for (; *pattern != '\0'; pattern++)
    {
      if (*pattern == '#' && numbers < NUMBERS_MAX)
        {
          name = read_number (name, &found->numbers[numbers++]);
          if (name == NULL)
            return false;
        }
      else if (*pattern == '*')
        {
          found->kind = strcmp (name, "weight") == 0 ? "weight" : "bias";
          return strcmp (name, found->kind) == 0;
        }
      else if (*pattern == *name)
        name++;
      else
        return false;
    }
  return *name == '\0';
}

/* `head` and the pattern of a row with what was found in it, malloc'd; NULL when out of memory. */
static char *
build (const char *head, const char *pattern, const Match *found)
{
  size_t room = strlen (head) + strlen (pattern) + NUMBERS_MAX * 20 + sizeof "weight";
  char *name = malloc (room);
  size_t used = 0;
  int numbers = 0;

  if (name == NULL)
    return NULL;
  used = (size_t) snprintf (name, room, "%s", head);
  for (; *pattern != '\0'; pattern++)
    {
      if (*pattern == '#')
        used += (size_t) snprintf (name + used, room - used, "%lld",
                                   (long long) found->numbers[numbers++]);
      else if (*pattern == '*')
        used += (size_t) snprintf (name + used, room - used, "%s", found->kind);
      else
        name[used++] = *pattern;
    }
  name[used] = '\0';
  return name;
}

/* Two names as one, malloc'd; NULL when out of memory. Names out of files are no patterns. */
static char *
join (const char *head, const char *tail)
{
  size_t room = strlen (head) + strlen (tail) + 1;
  char *name = malloc (room);

  if (name != NULL)
    snprintf (name, room, "%s%s", head, tail);
  return name;
}

/* Where `end` begins in `name` if that ends with it, at its beginning or behind a dot; else NULL.
 */
static const char *
find_end (const char *name, const char *end)
{
  size_t length = strlen (name), ending = strlen (end);
  const char *at;

  if (length < ending)
    return NULL;
  at = name + length - ending;
  return memcmp (at, end, ending) == 0 && (at == name || at[-1] == '.') ? at : NULL;
}

/* --- Recognising ------------------------------------------------------------------------------ */

/* All stored names, of tensors that can be computed with and of others. */
static const char *
name_at (const EspWeights *weights, int64_t index)
{
  int64_t computable = esp_weights_stored_count (weights);
  const char *format;

  return index < computable ? esp_weights_stored (weights, index)->name
                            : esp_weights_foreign (weights, index - computable, &format);
}

static int64_t
count_names (const EspWeights *weights)
{
  return esp_weights_stored_count (weights) + esp_weights_foreign_count (weights);
}

static bool
has_stranger (const EspWeights *weights, const Stranger *stranger)
{
  for (int64_t i = 0; i < count_names (weights); i++)
    {
      const char *name = name_at (weights, i);

      if (stranger->pattern[0] == '~' ? strstr (name, stranger->pattern + 1) != NULL
                                      : find_end (name, stranger->pattern) != NULL)
        return true;
    }
  return false;
}

const char *
esp_component_stranger (const EspWeights *weights)
{
  for (const Stranger *stranger = esp_strangers; stranger->pattern != NULL; stranger++)
    if (has_stranger (weights, stranger))
      return stranger->sentence;
  return NULL;
}

/* The one that makes a file no file with `component`, whatever else is in it. */
static const char *
find_excluding (const EspWeights *weights, EspComponent component)
{
  for (const Stranger *stranger = esp_strangers; stranger->pattern != NULL; stranger++)
    if (stranger->excludes == component && has_stranger (weights, stranger))
      return stranger->sentence;
  return NULL;
}

/* Of two prefixes: checkpoints with several text encoders name FLUX's "clip_l"; else the shorter
 * one, else the first in the alphabet. */
static bool
is_better_prefix (const char *prefix, const char *than)
{
  bool marked = strstr (prefix, "clip_l") != NULL, than_marked = strstr (than, "clip_l") != NULL;

  if (marked != than_marked)
    return marked;
  if (strlen (prefix) != strlen (than))
    return strlen (prefix) < strlen (than);
  return strcmp (prefix, than) < 0;
}

static bool
find_prefix (const EspWeights *weights, const Naming *naming, char prefix[ESP_PREFIX_MAX])
{
  bool found = false;

  for (int64_t i = 0; i < count_names (weights); i++)
    for (int a = 0; a < 4 && naming->anchors[a] != NULL; a++)
      {
        const char *name = name_at (weights, i);
        const char *at = find_end (name, naming->anchors[a]);
        char candidate[ESP_PREFIX_MAX];

        if (at == NULL || at - name >= ESP_PREFIX_MAX)
          continue;
        memcpy (candidate, name, (size_t) (at - name));
        candidate[at - name] = '\0';
        if (naming->not_behind != NULL && strstr (candidate, naming->not_behind) != NULL)
          continue;
        if (!found || is_better_prefix (candidate, prefix))
          memcpy (prefix, candidate, sizeof candidate);
        found = true;
      }
  return found;
}

static const Naming *
find_naming (const EspWeights *weights, EspComponent component, char prefix[ESP_PREFIX_MAX])
{
  for (int i = 0; i < esp_naming_count; i++)
    if (esp_namings[i].component == component && find_prefix (weights, &esp_namings[i], prefix))
      return &esp_namings[i];
  return NULL;
}

bool
esp_component_find (const EspWeights *weights, EspComponent component, EspComponentNames *names)
{
  const Naming *naming = find_naming (weights, component, names->prefix);

  names->naming = naming != NULL ? naming->title : NULL;
  return naming != NULL && find_excluding (weights, component) == NULL;
}

/* --- Renaming --------------------------------------------------------------------------------- */

typedef struct Renaming
{
  EspWeights *weights;
  const Naming *naming;
  char prefix[ESP_PREFIX_MAX];
  int64_t levels; /* for reversed rows */
  EspNamedWeight *named;
  int64_t count, capacity;
} Renaming;

/* What messages need to know of it, for as long as the weights are open. */
typedef struct StoredNames
{
  const Naming *naming;
  int64_t levels;
  char prefix[ESP_PREFIX_MAX];
} StoredNames;

/* The stored name that a tensor called `canonical` would have. */
static char *
stored_name (const void *data, const char *canonical)
{
  const StoredNames *names = data;
  const char *keep = names->naming->keep;
  Match found;

  for (const NameRow *row = names->naming->rows; keep == NULL && row->stored != NULL; row++)
    {
      if (!match (row->canonical, canonical, &found))
        continue;
      if (row->reversed)
        found.numbers[0] = names->levels - 1 - found.numbers[0];
      return build (names->prefix, row->stored, &found);
    }
  if (keep == NULL)
    return NULL;
  return join (names->prefix, strncmp (canonical, keep, strlen (keep)) == 0
                                  ? canonical + strlen (keep)
                                  : canonical);
}

static EspStatus
no_memory (const EspWeights *weights, EspError *error)
{
  return esp_error_set (error, ESP_ERROR_MEMORY, "%s: out of memory for the names of its tensors",
                        esp_weights_file_path (weights, 0));
}

/* *columns: of the matrix that `weight` is, or is the bias of; 0 if there is no such matrix. */
static EspStatus
find_columns (const Renaming *renaming, const EspWeight *weight, int64_t *columns, EspError *error)
{
  size_t length = strlen (weight->name);
  const EspWeight *matrix = weight;
  char *name;

  if (weight->dims == 1 && length > 4 && strcmp (weight->name + length - 4, "bias") == 0)
    {
      name = malloc (length + 3);
      if (name == NULL)
        return no_memory (renaming->weights, error);
      memcpy (name, weight->name, length - 4);
      memcpy (name + length - 4, "weight", 7);
      matrix = esp_weights_find_stored (renaming->weights, name);
      free (name);
    }
  *columns = matrix != NULL && matrix->dims == 2 ? matrix->shape[1] : 0;
  return ESP_OK;
}

/* Rows [*first, *first + *rows) of `weight` that are `part`; false if it has no such rows. `width`:
 * columns of its matrix, for parts that are measured in them. */
static bool
find_rows (const EspWeight *weight, NamePart part, int64_t width, int64_t *first, int64_t *rows)
{
  int64_t all = weight->shape[0];

  switch (part)
    {
    case NAME_THIRD_1:
    case NAME_THIRD_2:
    case NAME_THIRD_3:
      *rows = all / 3;
      *first = (int64_t) (part - NAME_THIRD_1) * *rows;
      return all > 0 && all % 3 == 0;
    case NAME_HALF_1:
    case NAME_HALF_2:
      *rows = all / 2;
      *first = (int64_t) (part - NAME_HALF_1) * *rows;
      return all > 0 && all % 2 == 0;
    case NAME_WIDTH_1:
    case NAME_WIDTH_2:
    case NAME_WIDTH_3:
    case NAME_WIDTH_REST:
      if (width < 1 || all / 3 < width || all == 3 * width)
        return false;
      *first = (int64_t) (part - NAME_WIDTH_1) * width;
      *rows = part == NAME_WIDTH_REST ? all - 3 * width : width;
      return true;
    case NAME_WHOLE:
    case NAME_MATRIX:
    case NAME_MESSAGE:
      break;
    }
  *first = 0;
  *rows = all;
  return true;
}

/* Makes *weight the given part of itself. */
static EspStatus
cut (EspWeight *weight, NamePart part, int64_t width, EspError *error)
{
  int64_t first, rows, columns;

  if (part == NAME_MATRIX && weight->dims == 4 && weight->shape[2] == 1 && weight->shape[3] == 1)
    weight->dims = 2;
  if (part == NAME_WHOLE || part == NAME_MATRIX)
    return ESP_OK;

  if (weight->dims < 1 || weight->dims > 2 || !find_rows (weight, part, width, &first, &rows))
    return esp_error_set (error, ESP_ERROR_FORMAT,
                          "%s: tensor '%.*s' has %lld rows, which cannot be cut into the layers "
                          "that are fused in it",
                          weight->file, esp_shown_length (weight->name), weight->name,
                          (long long) (weight->dims > 0 ? weight->shape[0] : 0));
  columns = weight->dims == 2 ? weight->shape[1] : 1;
  if (first * columns % esp_dtype_block (weight->dtype) != 0
      || rows * columns % esp_dtype_block (weight->dtype) != 0)
    return esp_error_set (error, ESP_ERROR_UNSUPPORTED,
                          "%s: tensor '%.*s': the layers that are fused in it do not begin at the "
                          "blocks of %d of its number format %s",
                          weight->file, esp_shown_length (weight->name), weight->name,
                          esp_dtype_block (weight->dtype), esp_dtype_name (weight->dtype));
  weight->data = (const char *) weight->data + esp_dtype_bytes (weight->dtype, first * columns);
  weight->shape[0] = rows;
  weight->count = rows * columns;
  return ESP_OK;
}

/* Adds `weight` under `name` (taken over; NULL = no memory for it). */
static EspStatus
add (Renaming *renaming, char *name, const EspWeight *weight, EspError *error)
{
  if (name == NULL)
    return no_memory (renaming->weights, error);
  if (renaming->count == renaming->capacity)
    {
      int64_t capacity = renaming->capacity * 2 + 64;
      EspNamedWeight *named
          = realloc (renaming->named, (size_t) capacity * sizeof *renaming->named);

      if (named == NULL)
        {
          free (name);
          return no_memory (renaming->weights, error);
        }
      renaming->named = named;
      renaming->capacity = capacity;
    }
  renaming->named[renaming->count++] = (EspNamedWeight){ name, *weight };
  return ESP_OK;
}

static EspStatus
add_row (Renaming *renaming, const NameRow *row, Match found, const EspWeight *stored,
         EspError *error)
{
  EspWeight weight = *stored;
  EspStatus status;
  int64_t width = 0;

  for (int i = 0; i < NUMBERS_MAX; i++)
    if (found.numbers[i] >= BLOCKS_MAX)
      return esp_error_set (error, ESP_ERROR_FORMAT,
                            "%s: tensor '%.*s': the number of its block is %lld; at most %d "
                            "blocks are expected",
                            stored->file, esp_shown_length (stored->name), stored->name,
                            (long long) found.numbers[i], BLOCKS_MAX);
  if (row->reversed)
    found.numbers[0] = renaming->levels - 1 - found.numbers[0];
  if (row->part >= NAME_WIDTH_1 && row->part <= NAME_WIDTH_REST)
    {
      status = find_columns (renaming, stored, &width, error);
      if (status != ESP_OK)
        return status;
      /* A bias whose matrix is not there: the matrix will be missed. */
      if (stored->dims == 1 && width == 0)
        return ESP_OK;
    }
  status = cut (&weight, row->part, width, error);
  if (status != ESP_OK)
    return status;
  return add (renaming, build ("", row->canonical, &found), &weight, error);
}

static EspStatus
add_tensor (Renaming *renaming, const EspWeight *stored, EspError *error)
{
  const Naming *naming = renaming->naming;
  size_t prefix = strlen (renaming->prefix);
  const char *rest = stored->name + prefix;
  bool known = false;
  Match found;

  if (strncmp (stored->name, renaming->prefix, prefix) != 0)
    return ESP_OK;
  for (const NameRow *row = naming->rows; row->stored != NULL; row++)
    if (row->part != NAME_MESSAGE && match (row->stored, rest, &found))
      {
        EspStatus status = add_row (renaming, row, found, stored, error);

        if (status != ESP_OK)
          return status;
        known = true;
      }
  if (known || naming->keep == NULL)
    return ESP_OK;
  return add (renaming, join (naming->keep, rest), stored, error);
}

/* One more than the highest number behind the naming's pattern of levels. */
static int64_t
count_levels (const Renaming *renaming)
{
  size_t prefix = strlen (renaming->prefix), head;
  int64_t levels = 0, number;

  if (renaming->naming->levels == NULL)
    return 0;
  head = strcspn (renaming->naming->levels, "#");
  for (int64_t i = 0; i < esp_weights_stored_count (renaming->weights); i++)
    {
      const char *name = esp_weights_stored (renaming->weights, i)->name;

      if (strncmp (name, renaming->prefix, prefix) == 0
          && strncmp (name + prefix, renaming->naming->levels, head) == 0
          && read_number (name + prefix + head, &number) != NULL && number < BLOCKS_MAX
          && number >= levels)
        levels = number + 1;
    }
  return levels;
}

/* The text encoder's table of tokens is under one of two names, or under both. */
static EspStatus
add_shared (Renaming *renaming, EspError *error)
{
  const EspNamedWeight *table = NULL;

  if (renaming->naming->component != ESP_COMPONENT_T5)
    return ESP_OK;
  for (int64_t i = 0; i < renaming->count; i++)
    {
      if (strcmp (renaming->named[i].name, "shared.weight") == 0)
        return ESP_OK;
      if (strcmp (renaming->named[i].name, "encoder.embed_tokens.weight") == 0)
        table = &renaming->named[i];
    }
  if (table == NULL)
    return ESP_OK;
  {
    EspWeight weight = table->weight;

    return add (renaming, strdup ("shared.weight"), &weight, error);
  }
}

static EspStatus
rename_found (Renaming *renaming, EspError *error)
{
  EspWeights *weights = renaming->weights;
  StoredNames *names;
  EspStatus status = ESP_OK;

  renaming->levels = count_levels (renaming);
  for (int64_t i = 0; i < esp_weights_stored_count (weights) && status == ESP_OK; i++)
    status = add_tensor (renaming, esp_weights_stored (weights, i), error);
  if (status == ESP_OK)
    status = add_shared (renaming, error);
  if (status != ESP_OK)
    {
      for (int64_t i = 0; i < renaming->count; i++)
        free (renaming->named[i].name);
      free (renaming->named);
      return status;
    }

  names = malloc (sizeof *names);
  if (names != NULL)
    {
      *names = (StoredNames){ .naming = renaming->naming, .levels = renaming->levels };
      memcpy (names->prefix, renaming->prefix, sizeof names->prefix);
      esp_weights_set_stored_names (weights, stored_name, names);
    }
  if (renaming->named == NULL) /* only tensors that cannot be computed with */
    renaming->named = calloc (1, sizeof *renaming->named);
  if (renaming->named == NULL)
    return no_memory (weights, error);
  return esp_weights_set_names (weights, renaming->named, renaming->count, error);
}

/* What is in the file instead, as a sentence's end. */
static EspStatus
not_there (const EspWeights *weights, EspComponent component, EspError *error)
{
  const char *file = esp_weights_file_path (weights, 0);
  const char *stranger = find_excluding (weights, component);
  EspComponentNames names;

  if (stranger == NULL)
    stranger = esp_component_stranger (weights);
  for (int i = 0; i < ESP_COMPONENT_COUNT && stranger == NULL; i++)
    if (esp_component_find (weights, (EspComponent) i, &names))
      return esp_error_set (error, ESP_ERROR_UNSUPPORTED,
                            "%s: expected the %s of a FLUX.1 Kontext model, found a FLUX %s; give "
                            "it with --component %s=FILE",
                            file, esp_component_title (component),
                            esp_component_title ((EspComponent) i),
                            esp_component_id ((EspComponent) i));
  if (stranger != NULL)
    return esp_error_set (error, ESP_ERROR_UNSUPPORTED,
                          "%s: expected the %s of a FLUX.1 Kontext model, found %s", file,
                          esp_component_title (component), stranger);
  return esp_error_set (error, ESP_ERROR_UNSUPPORTED,
                        "%s: expected the %s of a FLUX.1 Kontext model, but none of its %lld "
                        "tensors has a name of one; choose another file",
                        file, esp_component_title (component), (long long) count_names (weights));
}

EspStatus
esp_component_rename (EspWeights *weights, EspComponent component, EspError *error)
{
  Renaming renaming = { .weights = weights };

  renaming.naming = find_naming (weights, component, renaming.prefix);
  if (renaming.naming == NULL || find_excluding (weights, component) != NULL)
    return not_there (weights, component, error);
  return rename_found (&renaming, error);
}

int64_t
esp_component_depth (const EspWeights *weights, const char *head)
{
  int64_t depth = 0, number;

  for (int64_t i = 0; i < esp_weights_count (weights); i++)
    {
      const char *name = esp_weights_name_at (weights, i);

      if (strncmp (name, head, strlen (head)) == 0)
        {
          const char *end = read_number (name + strlen (head), &number);

          if (end != NULL && *end == '.' && number >= depth)
            depth = number + 1;
        }
    }
  return depth;
}

EspStatus
esp_component_extent (const EspWeights *weights, const char *name, int dims, int axis,
                      int64_t maximum, int64_t *extent, EspError *error)
{
  static const int64_t any[ESP_WEIGHT_MAX_DIMS] = { -1, -1, -1, -1, -1, -1, -1, -1 };
  const EspWeight *weight;
  EspStatus status = esp_weights_require (weights, name, dims, any, &weight, error);

  if (status != ESP_OK)
    return status;
  *extent = weight->shape[axis];
  if (*extent < 1 || *extent > maximum)
    return esp_error_set (error, ESP_ERROR_FORMAT,
                          "%s: tensor '%.*s': extent %d of its shape is %lld, expected 1 to %lld",
                          weight->file, esp_shown_length (weight->name), weight->name, axis + 1,
                          (long long) *extent, (long long) maximum);
  return ESP_OK;
}
