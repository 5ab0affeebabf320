/* SPDX-License-Identifier: MIT */
#include "files/convert.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <jansson.h>

#ifdef _OPENMP
#include <omp.h>
#endif

#include "files/atomic-file.h"
#include "files/component-names.h"
#include "files/convert-plan.h"
#include "files/gguf-write.h"
#include "files/quantise.h"
#include "files/tensor-file.h"
#include "json-memory.h"

/* Elements that are written at once, and that one thread takes at once; whole blocks. */
#define CHUNK (1 << 20)
#define PIECE (1 << 15)

#define F8_MOST 448.0f /* E4M3's largest number */

/* llama.cpp's numbers for a file that is mostly of one format */
#define FILE_TYPE_Q8_0 7
#define FILE_TYPE_Q4_K 14

static const char *const type_names[] = {
  [ESP_CONVERT_Q8_0] = "q8_0",
  [ESP_CONVERT_Q4_K] = "q4_k",
  [ESP_CONVERT_FP8] = "fp8",
  [ESP_CONVERT_BF16] = "bf16",
};

const char *
esp_convert_type_name (EspConvertType type)
{
  return type_names[type];
}

bool
esp_convert_type_from_name (const char *name, EspConvertType *type)
{
  for (size_t i = 0; i < sizeof type_names / sizeof type_names[0]; i++)
    if (strcmp (name, type_names[i]) == 0)
      {
        *type = (EspConvertType) i;
        return true;
      }
  return false;
}

typedef struct
{
  const EspConvertRequest *request;
  EspWeights *weights;
  EspConvertPlan plan;
  EspAtomicFile file;
  int threads;
  float *wide;           /* [threads][PIECE] */
  unsigned char *narrow; /* CHUNK elements of any format */
  uint64_t done;         /* bytes read */
  EspError *error;
} Conversion;

static EspStatus
report_progress (Conversion *c, uint64_t more)
{
  const EspConvertRequest *request = c->request;

  c->done += more;
  if (request->progress != NULL && !request->progress (request->data, c->done, c->plan.bytes_in))
    return esp_error_set (c->error, ESP_ERROR_CANCELLED, "%s: the conversion was cancelled",
                          request->output);
  return ESP_OK;
}

/* --- Opening ---------------------------------------------------------------------------------- */

static EspStatus
open_folder (const char *folder, EspWeights **weights, EspError *error)
{
  static const char *const stems[] = { "diffusion_pytorch_model", "model" };
  EspStatus status = ESP_OK;

  for (size_t i = 0; i < sizeof stems / sizeof stems[0]; i++)
    {
      status = esp_weights_open (folder, stems[i], weights, error);
      if (status != ESP_ERROR_FILE)
        return status;
    }
  return esp_error_set (error, ESP_ERROR_FILE,
                        "%s: has no weights itself; name one of a model's parts, as "
                        "%s/transformer, or a file",
                        folder, folder);
}

static EspStatus
open_input (const char *path, EspWeights **weights, EspError *error)
{
  static const char ending[] = ".safetensors.index.json";
  size_t length = strlen (path), part = sizeof ending - 1;
  struct stat about;
  char *folder, *stem;
  EspStatus status;

  if (stat (path, &about) == 0 && S_ISDIR (about.st_mode))
    return open_folder (path, weights, error);
  if (length <= part || strcmp (path + length - part, ending) != 0)
    return esp_weights_open_file (path, weights, error);

  folder = strdup (path);
  if (folder == NULL)
    return esp_error_set (error, ESP_ERROR_MEMORY, "%s: no memory to open it", path);
  folder[length - part] = '\0';
  stem = strrchr (folder, '/');
  if (stem != NULL)
    *stem++ = '\0';
  status = stem != NULL ? esp_weights_open (folder[0] != '\0' ? folder : "/", stem, weights, error)
                        : esp_weights_open (".", folder, weights, error);
  free (folder);
  return status;
}

static uint64_t
size_of_files (const EspWeights *weights)
{
  uint64_t bytes = 0;

  for (int i = 0; i < esp_weights_file_count (weights); i++)
    bytes += esp_weights_file (weights, i)->size;
  return bytes;
}

/* --- Room ------------------------------------------------------------------------------------- */

static EspStatus
check_output (const Conversion *c)
{
  const char *path = c->request->output, *slash = strrchr (path, '/');
  char *folder = slash != NULL ? strndup (path, (size_t) (slash + 1 - path)) : strdup (".");
  struct statvfs room;
  struct stat out, in;
  bool known;

  if (folder == NULL)
    return esp_error_set (c->error, ESP_ERROR_MEMORY, "%s: no memory to write it", path);
  known = statvfs (folder, &room) == 0;
  free (folder);
  if (known && (uint64_t) room.f_bavail * room.f_frsize < c->plan.bytes_out)
    return esp_error_set (
        c->error, ESP_ERROR_FILE, "%s: needs %.1f GB, there are %.1f GB left on its disk", path,
        (double) c->plan.bytes_out / 1e9, (double) room.f_bavail * (double) room.f_frsize / 1e9);
  for (int i = 0; i < esp_weights_file_count (c->weights) && stat (path, &out) == 0; i++)
    if (stat (esp_weights_file_path (c->weights, i), &in) == 0 && in.st_dev == out.st_dev
        && in.st_ino == out.st_ino)
      return esp_error_set (c->error, ESP_ERROR_ARGUMENT,
                            "%s: is the file to be converted; write to another one", path);
  return ESP_OK;
}

/* --- Headers ---------------------------------------------------------------------------------- */

/* What llama.cpp's and ComfyUI's tools call the model that this is a part of. */
static const char *
find_architecture (const EspWeights *weights)
{
  static const char *const names[ESP_COMPONENT_COUNT] = {
    [ESP_COMPONENT_TRANSFORMER] = "flux",
    [ESP_COMPONENT_CLIP] = "clip",
    [ESP_COMPONENT_T5] = "t5encoder",
    [ESP_COMPONENT_VAE] = "vae",
  };
  EspComponentNames found;

  for (int i = 0; i < ESP_COMPONENT_COUNT; i++)
    if (esp_component_find (weights, (EspComponent) i, &found))
      return names[i];
  return "unknown";
}

static EspStatus
write_gguf_header (Conversion *c)
{
  EspConvertPlan *plan = &c->plan;
  EspGgufTensor *tensors = calloc ((size_t) plan->count, sizeof *tensors);
  EspGgufAbout about
      = { find_architecture (c->weights),
          c->request->type == ESP_CONVERT_Q4_K ? FILE_TYPE_Q4_K : FILE_TYPE_Q8_0, NULL };
  unsigned char *bytes = NULL;
  size_t length = 0;
  EspStatus status;

  if (tensors == NULL)
    return esp_error_set (c->error, ESP_ERROR_MEMORY, "%s: no memory for its header",
                          c->request->output);
  for (int i = 0; i < esp_weights_file_count (c->weights) && about.source == NULL; i++)
    about.source = esp_weights_gguf (c->weights, i);
  for (int64_t i = 0; i < plan->count; i++)
    tensors[i] = (EspGgufTensor){ plan->items[i].weight->name, plan->items[i].dtype,
                                  plan->items[i].weight->dims, plan->items[i].weight->shape,
                                  plan->items[i].offset };
  status = esp_gguf_header_new (c->request->output, &about, tensors, plan->count, &bytes, &length,
                                c->error);
  if (status == ESP_OK)
    status = esp_atomic_file_write (&c->file, bytes, length, c->error);
  free (bytes);
  free (tensors);
  return status;
}

static json_t *
header_entry (EspDType dtype, int dims, const int64_t *shape, uint64_t begin, uint64_t end)
{
  json_t *extents = json_array ();

  for (int i = 0; i < dims; i++)
    json_array_append_new (extents, json_integer (shape[i]));
  return json_pack ("{s:s, s:o, s:[I,I]}", "dtype", esp_dtype_name (dtype), "shape", extents,
                    "data_offsets", (json_int_t) begin, (json_int_t) end);
}

/* The layer that a weight belongs to: its name without ".weight". */
static int
layer_length (const EspConvertItem *item)
{
  return (int) (strlen (item->weight->name) - strlen (".weight"));
}

/* What the file said about itself, but for its numbers; and ComfyUI's list of scaled layers. */
static json_t *
make_metadata (const Conversion *c)
{
  json_t *metadata = NULL, *layers = json_object ();
  char *text;

  for (int i = 0; i < esp_weights_file_count (c->weights) && metadata == NULL; i++)
    metadata = json_deep_copy (esp_weights_file (c->weights, i)->metadata);
  if (metadata == NULL)
    metadata = json_pack ("{s:s}", "format", "pt");
  json_object_del (metadata, "_quantization_metadata");
  for (int64_t i = 0; i < c->plan.count; i++)
    if (c->plan.items[i].scaled)
      {
        const EspConvertItem *item = &c->plan.items[i];
        char *layer = esp_memory_noted (strndup (item->weight->name, (size_t) layer_length (item)));

        if (layer != NULL)
          json_object_set_new (layers, layer, json_pack ("{s:s}", "format", "float8_e4m3fn"));
        free (layer);
      }
  if (json_object_size (layers) > 0)
    {
      json_t *list = json_pack ("{s:s, s:O}", "format_version", "1.0", "layers", layers);

      text = json_dumps (list, JSON_COMPACT);
      json_object_set_new (metadata, "_quantization_metadata", json_string (text));
      free (text);
      json_decref (list);
    }
  json_decref (layers);
  return metadata;
}

/* The scales follow all weights, in the same order, four bytes each. */
static EspStatus
make_safetensors_header (const Conversion *c, json_t *header)
{
  uint64_t scale_at = c->plan.bytes_out;

  json_object_set_new (header, "__metadata__", make_metadata (c));
  for (int64_t i = 0; i < c->plan.count; i++)
    {
      const EspConvertItem *item = &c->plan.items[i];
      const EspWeight *weight = item->weight;
      size_t size = strlen (weight->name) + sizeof "_scale";
      char *name = malloc (size);
      int failed = name == NULL;

      failed |= json_object_set_new (header, weight->name,
                                     header_entry (item->dtype, weight->dims, weight->shape,
                                                   item->offset, item->offset + item->bytes))
                != 0;
      if (!failed && item->scaled)
        {
          snprintf (name, size, "%s_scale", weight->name);
          failed = json_object_set_new (header, name,
                                        header_entry (ESP_F32, 0, NULL, scale_at, scale_at + 4))
                   != 0;
          scale_at += 4;
        }
      free (name);
      if (failed)
        return esp_error_set (c->error, ESP_ERROR_MEMORY, "%s: no memory for its header",
                              c->request->output);
    }
  return ESP_OK;
}

static EspStatus
write_safetensors_header (Conversion *c)
{
  const unsigned failures = esp_memory_failures ();
  json_t *header = json_object ();
  EspStatus status = make_safetensors_header (c, header);
  size_t unpadded = 0, padded;
  char *text = NULL;
  unsigned char length[8];

  if (status == ESP_OK)
    {
      unpadded = json_dumpb (header, NULL, 0, JSON_COMPACT);
      padded = (unpadded + 7) / 8 * 8;
      text = unpadded > 0 ? malloc (padded) : NULL;
      if (text != NULL)
        {
          memset (text, ' ', padded);
          json_dumpb (header, text, unpadded, JSON_COMPACT);
        }
      if (text == NULL || esp_memory_failures () != failures)
        status = esp_error_set (c->error, ESP_ERROR_MEMORY, "%s: no memory for its header",
                                c->request->output);
      else
        {
          for (int i = 0; i < 8; i++)
            length[i] = (unsigned char) ((uint64_t) padded >> (8 * i));
          status = esp_atomic_file_write (&c->file, length, sizeof length, c->error);
          if (status == ESP_OK)
            status = esp_atomic_file_write (&c->file, text, padded, c->error);
        }
    }
  free (text);
  json_decref (header);
  return status;
}

/* --- Numbers ---------------------------------------------------------------------------------- */

static float *
own_buffer (const Conversion *c)
{
#ifdef _OPENMP
  return c->wide + (size_t) omp_get_thread_num () * PIECE;
#else
  return c->wide;
#endif
}

static int64_t
least (int64_t a, int64_t b)
{
  return a < b ? a : b;
}

/* The pages of numbers that were read. They stay in the system's cache while that has room. */
static void
release (const EspWeight *weight, int64_t first, int64_t count)
{
  uintptr_t page = (uintptr_t) sysconf (_SC_PAGESIZE);
  uintptr_t data = (uintptr_t) weight->data;
  uintptr_t begin = data + esp_dtype_bytes (weight->dtype, first);
  uintptr_t end = (data + esp_dtype_bytes (weight->dtype, first + count)) / page * page;

  begin = (begin + page - 1) / page * page;
  if (begin < end)
    madvise ((void *) begin, end - begin, MADV_DONTNEED);
}

static EspStatus
check_source (Conversion *c, const EspConvertItem *item)
{
  const EspWeight *weight = item->weight;
  EspStatus status = ESP_OK;

  for (int64_t start = 0; start < weight->count && status == ESP_OK; start += 16 * CHUNK)
    {
      int64_t count = least (weight->count - start, 16 * CHUNK);
      int64_t bad = esp_find_non_finite (
          weight->dtype, (const char *) weight->data + esp_dtype_bytes (weight->dtype, start),
          count);

      if (bad >= 0)
        return esp_error_set (
            c->error, ESP_ERROR_NUMERIC, "%s: tensor '%.*s' has NaN or infinity at index %lld",
            weight->file, esp_shown_length (weight->name), weight->name, (long long) (start + bad));
      release (weight, start, count);
      status = report_progress (c, 0);
    }
  return status;
}

/* The largest absolute value makes the scale. */
static EspStatus
find_scale (Conversion *c, EspConvertItem *item)
{
  const EspWeight *weight = item->weight;
  float most = 0;

  for (int64_t start = 0; start < weight->count; start += 16 * CHUNK)
    {
      int64_t count = least (weight->count - start, 16 * CHUNK);
      EspStatus status;

#pragma omp parallel for num_threads(c->threads) reduction(max : most)
      for (int64_t i = 0; i < count; i += PIECE)
        {
          float *wide = own_buffer (c);
          int64_t length = least (count - i, PIECE);

          esp_weight_to_f32 (weight, start + i, length, wide);
          for (int64_t j = 0; j < length; j++)
            most = fabsf (wide[j]) > most ? fabsf (wide[j]) : most;
        }
      release (weight, start, count);
      status = report_progress (c, 0);
      if (status != ESP_OK)
        return status;
    }
  item->scale = most / F8_MOST;
  if (!(item->scale > 0))
    item->scale = 1;
  return ESP_OK;
}

static EspStatus
convert_chunk (Conversion *c, const EspConvertItem *item, int64_t start, int64_t count)
{
  const EspWeight *weight = item->weight;
  int64_t bad;

#pragma omp parallel for num_threads(c->threads)
  for (int64_t i = 0; i < count; i += PIECE)
    {
      float *wide = own_buffer (c);
      int64_t length = least (count - i, PIECE);

      esp_weight_to_f32 (weight, start + i, length, wide);
      for (int64_t j = 0; item->scaled && j < length; j++)
        wide[j] /= item->scale;
      esp_quantise (item->dtype, wide, c->narrow + esp_dtype_bytes (item->dtype, i), length);
    }
  bad = esp_find_non_finite (item->dtype, c->narrow, count);
  if (bad >= 0)
    return esp_error_set (c->error, ESP_ERROR_NUMERIC,
                          "%s: tensor '%.*s' has a number at or after index %lld that %s cannot "
                          "hold",
                          weight->file, esp_shown_length (weight->name), weight->name,
                          (long long) (start + bad), esp_dtype_name (item->dtype));
  return esp_atomic_file_write (&c->file, c->narrow, esp_dtype_bytes (item->dtype, count),
                                c->error);
}

static EspStatus
write_item (Conversion *c, EspConvertItem *item)
{
  const EspWeight *weight = item->weight;
  EspStatus status = check_source (c, item);

  if (status == ESP_OK && item->scaled && !item->as_it_is)
    status = find_scale (c, item);
  for (int64_t start = 0; start < weight->count && status == ESP_OK; start += CHUNK)
    {
      int64_t count = least (weight->count - start, CHUNK);

      if (item->as_it_is)
        status = esp_atomic_file_write (
            &c->file, (const char *) weight->data + esp_dtype_bytes (weight->dtype, start),
            esp_dtype_bytes (weight->dtype, count), c->error);
      else
        status = convert_chunk (c, item, start, count);
      release (weight, start, count);
      if (status == ESP_OK)
        status = report_progress (c, esp_dtype_bytes (weight->dtype, count));
    }
  return status;
}

static EspStatus
write_data (Conversion *c)
{
  static const unsigned char zeros[ESP_GGUF_ALIGNMENT];
  EspConvertPlan *plan = &c->plan;
  EspStatus status = ESP_OK;
  uint64_t at = 0;

  for (int64_t i = 0; i < plan->count && status == ESP_OK; i++)
    {
      EspConvertItem *item = &plan->items[i];

      status = esp_atomic_file_write (&c->file, zeros, (size_t) (item->offset - at), c->error);
      if (status == ESP_OK)
        status = write_item (c, item);
      at = item->offset + item->bytes;
    }
  for (int64_t i = 0; i < plan->count && status == ESP_OK; i++)
    if (plan->items[i].scaled)
      status = esp_atomic_file_write (&c->file, &plan->items[i].scale, sizeof (float), c->error);
  /* ggml pads behind the last tensor, too. */
  if (status == ESP_OK && plan->gguf && at % ESP_GGUF_ALIGNMENT != 0)
    status = esp_atomic_file_write (&c->file, zeros, ESP_GGUF_ALIGNMENT - at % ESP_GGUF_ALIGNMENT,
                                    c->error);
  return status;
}

/* --- All of it -------------------------------------------------------------------------------- */

static EspStatus
write_output (Conversion *c)
{
  EspStatus status = check_output (c);

  if (status != ESP_OK)
    return status;
  status = esp_atomic_file_open (c->request->output, &c->file, c->error);
  if (status == ESP_OK)
    status = c->plan.gguf ? write_gguf_header (c) : write_safetensors_header (c);
  if (status == ESP_OK)
    status = write_data (c);
  return esp_atomic_file_finish (&c->file, status, c->error);
}

static int
count_threads (const EspConvertRequest *request)
{
#ifdef _OPENMP
  return request->threads > 0 ? request->threads : omp_get_max_threads ();
#else
  (void) request;
  return 1;
#endif
}

static void
fill_report (const Conversion *c, EspConvertReport *report)
{
  struct stat about;

  *report = (EspConvertReport){ .left_out = c->plan.left_out };
  for (int64_t i = 0; i < c->plan.count; i++)
    if (c->plan.items[i].converted)
      report->converted++;
    else
      report->kept++;
  report->bytes_in = size_of_files (c->weights);
  report->bytes_out
      = stat (c->request->output, &about) == 0 ? (uint64_t) about.st_size : c->plan.bytes_out;
}

EspStatus
esp_convert (const EspConvertRequest *request, EspConvertReport *report, EspError *error)
{
  Conversion c = { .request = request, .threads = count_threads (request), .error = error };
  EspStatus status = open_input (request->input, &c.weights, error);

  if (status == ESP_OK)
    status = esp_convert_plan (c.weights, request->input, request->type, &c.plan, error);
  if (status == ESP_OK)
    {
      c.wide = malloc ((size_t) c.threads * PIECE * sizeof *c.wide);
      c.narrow = malloc ((size_t) CHUNK * sizeof *c.wide); /* the widest format that is written */
      status = c.wide != NULL && c.narrow != NULL
                   ? write_output (&c)
                   : esp_error_set (error, ESP_ERROR_MEMORY, "%s: no memory to convert it",
                                    request->input);
    }
  if (status == ESP_OK)
    fill_report (&c, report);
  free (c.wide);
  free (c.narrow);
  esp_convert_plan_clear (&c.plan);
  esp_weights_close (c.weights);
  return status;
}
