/* SPDX-License-Identifier: MIT */
#include "files/weights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "files/json-file.h"
#include "files/scaled-weights.h"
#include "files/gguf.h"
#include "files/tensor-file.h"

#define INDEX_MAX_BYTES (32 << 20)
#define SHARDS_MAX      4096

struct EspWeights
{
  char *label;           /* what messages about a missing tensor name: the file or the index */
  EspTensorFile **files; /* in the order of their base names */
  int file_count;
  const EspTensorEntry **tensors; /* the computable ones of all files, in name order */
  int64_t tensor_count;
  const EspTensorEntry **foreign; /* the others, in name order */
  int64_t foreign_count;
  EspNamedWeight *named; /* in name order, once names are set: what everyone sees */
  int64_t named_count;
  char *(*stored_name) (const void *naming, const char *name); /* or NULL */
  void *naming;
};

static EspStatus
no_memory (const char *path, EspError *error)
{
  esp_error_set (error, ESP_ERROR_MEMORY, "%s: no memory to open it", path);
  return ESP_ERROR_MEMORY;
}

/* --- Lookup ------------------------------------------------------------------------------- */

static int
compare_entries (const void *a, const void *b)
{
  return strcmp ((*(const EspTensorEntry *const *) a)->name,
                 (*(const EspTensorEntry *const *) b)->name);
}

static int
compare_name (const void *name, const void *entry)
{
  return strcmp (name, (*(const EspTensorEntry *const *) entry)->name);
}

static const EspTensorEntry *
find_entry (const EspTensorEntry *const *entries, int64_t count, const char *name)
{
  const EspTensorEntry *const *found;

  found = bsearch (name, entries, (size_t) count, sizeof *entries, compare_name);
  return found != NULL ? *found : NULL;
}

void
esp_weight_to_f32 (const EspWeight *weight, int64_t first, int64_t count, float *numbers)
{
  esp_to_f32 (weight->dtype, (const char *) weight->data + esp_dtype_bytes (weight->dtype, first),
              numbers, count);
  if (weight->scale != 0 && weight->scale != 1)
    for (int64_t i = 0; i < count; i++)
      numbers[i] *= weight->scale;
}

static int
compare_name_to_named (const void *name, const void *named)
{
  return strcmp (name, ((const EspNamedWeight *) named)->name);
}

const EspWeight *
esp_weights_find_stored (const EspWeights *weights, const char *name)
{
  const EspTensorEntry *entry = find_entry (weights->tensors, weights->tensor_count, name);

  return entry != NULL ? &entry->weight : NULL;
}

const EspWeight *
esp_weights_find (const EspWeights *weights, const char *name)
{
  const EspNamedWeight *named;

  if (weights->named == NULL)
    return esp_weights_find_stored (weights, name);
  named = bsearch (name, weights->named, (size_t) weights->named_count, sizeof *weights->named,
                   compare_name_to_named);
  return named != NULL ? &named->weight : NULL;
}

int64_t
esp_weights_count (const EspWeights *weights)
{
  return weights->named != NULL ? weights->named_count : weights->tensor_count;
}

const EspWeight *
esp_weights_at (const EspWeights *weights, int64_t index)
{
  return weights->named != NULL ? &weights->named[index].weight : &weights->tensors[index]->weight;
}

int64_t
esp_weights_stored_count (const EspWeights *weights)
{
  return weights->tensor_count;
}

const EspWeight *
esp_weights_stored (const EspWeights *weights, int64_t index)
{
  return &weights->tensors[index]->weight;
}

int64_t
esp_weights_foreign_count (const EspWeights *weights)
{
  return weights->foreign_count;
}

const char *
esp_weights_foreign (const EspWeights *weights, int64_t index, const char **format)
{
  *format = weights->foreign[index]->foreign;
  return weights->foreign[index]->name;
}

size_t
esp_weights_bytes (const EspWeights *weights)
{
  size_t bytes = 0;

  for (int64_t i = 0; i < esp_weights_count (weights); i++)
    {
      const EspWeight *weight = esp_weights_at (weights, i);

      bytes += esp_dtype_bytes (weight->dtype, weight->count);
    }
  return bytes;
}

/* --- Names ---------------------------------------------------------------------------------- */

static int
compare_named (const void *a, const void *b)
{
  return strcmp (((const EspNamedWeight *) a)->name, ((const EspNamedWeight *) b)->name);
}

static void
free_named (EspNamedWeight *named, int64_t count)
{
  for (int64_t i = 0; i < count; i++)
    free (named[i].name);
  free (named);
}

const char *
esp_weights_name_at (const EspWeights *weights, int64_t index)
{
  return weights->named != NULL ? weights->named[index].name : weights->tensors[index]->name;
}

void
esp_weights_set_stored_names (EspWeights *weights,
                              char *(*stored_name) (const void *naming, const char *name),
                              void *naming)
{
  free (weights->naming);
  weights->naming = naming;
  weights->stored_name = stored_name;
}

EspStatus
esp_weights_set_names (EspWeights *weights, EspNamedWeight *named, int64_t count, EspError *error)
{
  qsort (named, (size_t) count, sizeof *named, compare_named);
  for (int64_t i = 1; i < count; i++)
    if (strcmp (named[i - 1].name, named[i].name) == 0)
      {
        const char *one = named[i - 1].weight.name, *other = named[i].weight.name;

        esp_error_set (error, ESP_ERROR_FORMAT,
                       "%s: tensors '%.*s' and '%.*s' are both '%.*s' in another naming",
                       named[i].weight.file, esp_shown_length (one), one, esp_shown_length (other),
                       other, esp_shown_length (named[i].name), named[i].name);
        free_named (named, count);
        return ESP_ERROR_FORMAT;
      }
  free_named (weights->named, weights->named_count);
  weights->named = named;
  weights->named_count = count;
  return ESP_OK;
}

/* --- Requiring a tensor --------------------------------------------------------------------- */

/* Writes "[3, any, 5]" to `text`, which has room for ESP_WEIGHT_MAX_DIMS numbers. */
#define SHAPE_TEXT_MAX (ESP_WEIGHT_MAX_DIMS * 24 + 3)

static void
print_shape (char *text, int dims, const int64_t *shape)
{
  int used = snprintf (text, SHAPE_TEXT_MAX, "[");

  for (int i = 0; i < dims && i < ESP_WEIGHT_MAX_DIMS; i++)
    {
      const char *comma = i > 0 ? ", " : "";
      size_t room = (size_t) (SHAPE_TEXT_MAX - used);

      if (shape[i] < 0)
        used += snprintf (text + used, room, "%sany", comma);
      else
        used += snprintf (text + used, room, "%s%lld", comma, (long long) shape[i]);
    }
  snprintf (text + used, (size_t) (SHAPE_TEXT_MAX - used), "]");
}

static EspStatus
missing_tensor (const EspWeights *weights, const char *name, int dims, const int64_t *shape,
                EspError *error)
{
  char *in_file
      = weights->stored_name != NULL ? weights->stored_name (weights->naming, name) : NULL;
  const char *stored = in_file != NULL ? in_file : name;
  const EspTensorEntry *entry = find_entry (weights->foreign, weights->foreign_count, stored);
  char expected[SHAPE_TEXT_MAX];
  EspStatus status;

  print_shape (expected, dims, shape);
  if (entry != NULL)
    status = esp_error_set (
        error, ESP_ERROR_UNSUPPORTED,
        "%s: tensor '%.*s' has number format %s, which this engine cannot "
        "compute with (expected F32, F16, BF16, F8_E4M3, F8_E5M2 or a block format "
        "of GGUF)",
        entry->weight.file, esp_shown_length (stored), stored, entry->foreign);
  else if (strcmp (stored, name) != 0)
    status = esp_error_set (
        error, ESP_ERROR_FORMAT, "%s: tensor '%.*s' is missing (as '%.*s' it has the shape %s)",
        weights->label, esp_shown_length (stored), stored, esp_shown_length (name), name, expected);
  else
    status = esp_error_set (error, ESP_ERROR_FORMAT,
                            "%s: tensor '%.*s' is missing (expected shape %s)", weights->label,
                            esp_shown_length (name), name, expected);
  free (in_file);
  return status;
}

EspStatus
esp_weights_require (const EspWeights *weights, const char *name, int dims, const int64_t *shape,
                     const EspWeight **weight, EspError *error)
{
  const EspWeight *found = esp_weights_find (weights, name);
  bool same;

  if (found == NULL)
    return missing_tensor (weights, name, dims, shape, error);

  same = found->dims == dims;
  for (int i = 0; i < dims && same; i++)
    same = shape[i] < 0 || shape[i] == found->shape[i];
  if (!same)
    {
      char expected[SHAPE_TEXT_MAX], actual[SHAPE_TEXT_MAX];

      print_shape (expected, dims, shape);
      print_shape (actual, found->dims, found->shape);
      if (strcmp (found->name, name) != 0)
        return esp_error_set (error, ESP_ERROR_FORMAT,
                              "%s: tensor '%.*s' (as '%.*s'): expected shape %s, found %s",
                              found->file, esp_shown_length (found->name), found->name,
                              esp_shown_length (name), name, expected, actual);
      return esp_error_set (error, ESP_ERROR_FORMAT,
                            "%s: tensor '%.*s': expected shape %s, found %s", found->file,
                            esp_shown_length (name), name, expected, actual);
    }
  *weight = found;
  return ESP_OK;
}

/* --- Gathering the files' tensors --------------------------------------------------------- */

static EspStatus
check_unique (const EspTensorEntry *const *entries, int64_t count, EspError *error)
{
  for (int64_t i = 1; i < count; i++)
    if (strcmp (entries[i - 1]->name, entries[i]->name) == 0)
      return esp_error_set (error, ESP_ERROR_FORMAT,
                            "%s: tensor '%.*s' is both in this file and in %s",
                            entries[i]->weight.file, esp_shown_length (entries[i]->name),
                            entries[i]->name, entries[i - 1]->weight.file);
  return ESP_OK;
}

static EspStatus
gather (EspWeights *weights, EspError *error)
{
  size_t count = 1;
  EspStatus status = esp_resolve_scales (weights->files, weights->file_count, error);

  if (status != ESP_OK)
    return status;
  for (int i = 0; i < weights->file_count; i++)
    count += (size_t) weights->files[i]->count;
  weights->tensors = malloc (count * sizeof (const EspTensorEntry *));
  weights->foreign = malloc (count * sizeof (const EspTensorEntry *));
  if (weights->tensors == NULL || weights->foreign == NULL)
    return no_memory (weights->label, error);

  for (int i = 0; i < weights->file_count; i++)
    for (int64_t j = 0; j < weights->files[i]->count; j++)
      {
        const EspTensorEntry *entry = &weights->files[i]->entries[j];

        if (entry->hidden)
          continue;
        if (entry->foreign != NULL)
          weights->foreign[weights->foreign_count++] = entry;
        else
          weights->tensors[weights->tensor_count++] = entry;
      }
  qsort (weights->tensors, (size_t) weights->tensor_count, sizeof *weights->tensors,
         compare_entries);
  qsort (weights->foreign, (size_t) weights->foreign_count, sizeof *weights->foreign,
         compare_entries);

  status = check_unique (weights->tensors, weights->tensor_count, error);
  if (status == ESP_OK)
    status = check_unique (weights->foreign, weights->foreign_count, error);
  return status;
}

/* Opens the `count` files named `names` (in order) in `folder`, or as they are without a folder. */
static EspStatus
open_files (EspWeights *weights, const char *folder, const char *const *names, int count,
            EspError *error)
{
  weights->files = calloc ((size_t) count + 1, sizeof (EspTensorFile *));
  if (weights->files == NULL)
    return no_memory (weights->label, error);

  for (int i = 0; i < count; i++)
    {
      char *path = folder != NULL ? esp_path_join (folder, names[i]) : strdup (names[i]);
      EspStatus status;

      if (path == NULL)
        return no_memory (weights->label, error);
      status = esp_tensor_file_open (path, &weights->files[i], error);
      free (path);
      if (status != ESP_OK)
        return status;
      weights->file_count++;
    }
  return gather (weights, error);
}

static EspWeights *
new_weights (const char *label)
{
  EspWeights *weights = calloc (1, sizeof *weights);

  if (weights == NULL)
    return NULL;
  weights->label = strdup (label);
  if (weights->label == NULL)
    {
      free (weights);
      return NULL;
    }
  return weights;
}

/* Hands `opened` over, or closes it where `status` is an error. */
static EspStatus
finish (EspWeights *opened, EspStatus status, EspWeights **weights)
{
  if (status == ESP_OK)
    *weights = opened;
  else
    esp_weights_close (opened);
  return status;
}

/* --- Sharded files ------------------------------------------------------------------------ */

static int
compare_strings (const void *a, const void *b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* Fills `names` with the different files of `map`, in order. They are lent by `map`. A name must be
 * one of the folder's own files: an index from the internet must not reach any other. */
static EspStatus
list_shards (const char *path, json_t *map, const char **names, int *count, EspError *error)
{
  const char *tensor;
  json_t *value;
  int used = 0, unique = 0;

  json_object_foreach (map, tensor, value)
  {
    const char *name = json_string_value (value);

    if (name == NULL || name[0] == '\0' || strchr (name, '/') != NULL || strcmp (name, ".") == 0
        || strcmp (name, "..") == 0)
      return esp_error_set (error, ESP_ERROR_FORMAT,
                            "%s: tensor '%.*s': expected the name of a file in the same folder, "
                            "found '%.*s'",
                            path, esp_shown_length (tensor), tensor,
                            esp_shown_length (name != NULL ? name : ""), name != NULL ? name : "");
    names[used++] = name;
  }
  qsort (names, (size_t) used, sizeof *names, compare_strings);
  for (int i = 0; i < used; i++)
    if (unique == 0 || strcmp (names[unique - 1], names[i]) != 0)
      names[unique++] = names[i];
  if (unique == 0 || unique > SHARDS_MAX)
    return esp_error_set (error, ESP_ERROR_FORMAT,
                          "%s: its \"weight_map\" names %d files, expected 1 to %d", path, unique,
                          SHARDS_MAX);
  *count = unique;
  return ESP_OK;
}

static const char *
base_name (const char *path)
{
  const char *slash = strrchr (path, '/');

  return slash != NULL ? slash + 1 : path;
}

/* Every tensor of the map must be in the shard that the map says. */
static EspStatus
check_map (const EspWeights *weights, json_t *map, EspError *error)
{
  const char *tensor;
  json_t *value;

  json_object_foreach (map, tensor, value)
  {
    const char *shard = json_string_value (value);
    bool found = false;

    for (int i = 0; i < weights->file_count && !found; i++)
      found = strcmp (base_name (weights->files[i]->path), shard) == 0
              && esp_tensor_file_find (weights->files[i], tensor) != NULL;
    if (!found)
      return esp_error_set (error, ESP_ERROR_FORMAT,
                            "%s: tensor '%.*s' should be in '%.*s', which lacks it", weights->label,
                            esp_shown_length (tensor), tensor, esp_shown_length (shard), shard);
  }
  return ESP_OK;
}

static EspStatus
open_index (EspWeights *weights, const char *folder, json_t *root, EspError *error)
{
  json_t *map = json_object_get (root, "weight_map");
  const char **names;
  int count = 0;
  EspStatus status;

  if (!json_is_object (map))
    return esp_error_set (error, ESP_ERROR_FORMAT,
                          "%s: field \"weight_map\": expected an object of tensor and file names",
                          weights->label);
  names = malloc ((json_object_size (map) + 1) * sizeof (const char *));
  if (names == NULL)
    return no_memory (weights->label, error);
  status = list_shards (weights->label, map, names, &count, error);
  if (status == ESP_OK)
    status = open_files (weights, folder, names, count, error);
  if (status == ESP_OK)
    status = check_map (weights, map, error);
  free (names);
  return status;
}

static EspStatus
open_sharded (const char *folder, const char *index_path, EspWeights **weights, EspError *error)
{
  EspWeights *opened;
  json_t *root = NULL;
  EspStatus status;

  status = esp_json_read_object (index_path, INDEX_MAX_BYTES, &root, error);
  if (status != ESP_OK)
    return status;
  opened = new_weights (index_path);
  if (opened == NULL)
    status = no_memory (index_path, error);
  else
    status = finish (opened, open_index (opened, folder, root, error), weights);
  json_decref (root);
  return status;
}

/* --- Opening and closing ------------------------------------------------------------------ */

EspStatus
esp_weights_open_file (const char *path, EspWeights **weights, EspError *error)
{
  EspWeights *opened = new_weights (path);

  if (opened == NULL)
    return no_memory (path, error);
  return finish (opened, open_files (opened, NULL, &path, 1, error), weights);
}

/* `folder`/`stem``ending` in fresh memory, or NULL. */
static char *
name_file (const char *folder, const char *stem, const char *ending)
{
  size_t size = strlen (stem) + strlen (ending) + 1;
  char *name = malloc (size);
  char *path = NULL;

  if (name != NULL)
    {
      snprintf (name, size, "%s%s", stem, ending);
      path = esp_path_join (folder, name);
    }
  free (name);
  return path;
}

EspStatus
esp_weights_open (const char *folder, const char *stem, EspWeights **weights, EspError *error)
{
  char *single = name_file (folder, stem, ".safetensors");
  char *index = name_file (folder, stem, ".safetensors.index.json");
  EspStatus status;

  if (single == NULL || index == NULL)
    status = no_memory (folder, error);
  else if (access (single, F_OK) == 0)
    status = esp_weights_open_file (single, weights, error);
  else if (access (index, F_OK) == 0)
    status = open_sharded (folder, index, weights, error);
  else
    status = esp_error_set (error, ESP_ERROR_FILE,
                            "%s: is missing, and so is %s.safetensors.index.json beside it", single,
                            stem);
  free (single);
  free (index);
  return status;
}

void
esp_weights_close (EspWeights *weights)
{
  if (weights == NULL)
    return;
  for (int i = 0; i < weights->file_count; i++)
    esp_tensor_file_close (weights->files[i]);
  free (weights->files);
  free (weights->tensors);
  free (weights->foreign);
  free_named (weights->named, weights->named_count);
  free (weights->naming);
  free (weights->label);
  free (weights);
}

void
esp_weights_release_pages (const EspWeights *weights)
{
  for (int i = 0; i < weights->file_count; i++)
    madvise ((void *) weights->files[i]->map, weights->files[i]->size, MADV_DONTNEED);
}

void
esp_weight_release_pages (const EspWeights *weights, const EspWeight *weight)
{
  uintptr_t page = (uintptr_t) sysconf (_SC_PAGESIZE);
  uintptr_t begin = (uintptr_t) weight->data;
  uintptr_t end = begin + esp_dtype_bytes (weight->dtype, weight->count);

  begin = (begin + page - 1) / page * page;
  end = end / page * page;
  for (int i = 0; i < weights->file_count && begin < end; i++)
    {
      uintptr_t map = (uintptr_t) weights->files[i]->map;

      if (begin >= map && end <= map + weights->files[i]->size)
        madvise ((void *) begin, end - begin, MADV_DONTNEED);
    }
}

int
esp_weights_file_count (const EspWeights *weights)
{
  return weights->file_count;
}

const EspTensorFile *
esp_weights_file (const EspWeights *weights, int index)
{
  return weights->files[index];
}

const char *
esp_weights_file_path (const EspWeights *weights, int index)
{
  return weights->files[index]->path;
}

bool
esp_weights_file_is_gguf (const EspWeights *weights, int index)
{
  return weights->files[index]->kind == ESP_TENSOR_FILE_GGUF;
}

const EspGguf *
esp_weights_gguf (const EspWeights *weights, int index)
{
  return weights->files[index]->gguf;
}
