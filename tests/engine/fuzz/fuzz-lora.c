/* SPDX-License-Identifier: MIT */
/* Any file as a LoRA of an open model. The first byte says how: the bytes after it are the file
 * itself, or lines of which one is made; in them a letter for the number format and one for the
 * shape stand in front of a tensor's name; '=' begins a first line of what the metadata say of
 * alphas. What comes of it must lie within the file and within the layers that it hangs on, must be
 * multiplied without harm, and must be gone when it is taken off.
 *
 * The model is ESP_FUZZ_MODEL, a folder, opened once. */
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "fuzz.h"
#include "model/flux-layers.h"
#include "model/model.h"

#define LINES_MAX 24
#define DATA_MAX  (LINES_MAX * 4 * 4 * 1344)

/* Of the first byte. */
#define FROM_LINES 1
#define BESIDE     2 /* first adapter_config.json and a zero, then the rest */
#define PARTIAL    4
#define STRENGTHS  8 /* by bits 3 and 4 */

/* The demo model's widths: halves of rank 4 and 1 (and a wrong one), what goes with alphas, and
 * what fits nothing. */
static const struct
{
  const char *shape;
  int count;
} shapes[] = {
  { "[4,192]", 768 },  { "[192,4]", 768 },     { "[1,192]", 192 },     { "[192,1]", 192 },
  { "[576,4]", 2304 }, { "[1344,4]", 5376 },   { "[768,4]", 3072 },    { "[4,768]", 3072 },
  { "[4,960]", 3840 }, { "[384,4]", 1536 },    { "[1152,4]", 4608 },   { "[4,128]", 512 },
  { "[128,4]", 512 },  { "[256,4]", 1024 },    { "[4,256]", 1024 },    { "[64,4]", 256 },
  { "[]", 1 },         { "[1]", 1 },           { "[2]", 2 },           { "[0,192]", 0 },
  { "[192,0]", 0 },    { "[4,192,1,1]", 768 }, { "[192,4,1,1]", 768 }, { "[4,4,4]", 64 },
  { "[192,5]", 960 },  { "[193,4]", 772 },
};

static const struct
{
  const char *name;
  int bytes;
} types[] = { { "F16", 2 }, { "BF16", 2 }, { "F32", 4 }, { "F8_E4M3", 1 }, { "I64", 8 } };

/* Text for a JSON string. */
static size_t
quote (char *out, size_t room, const uint8_t *text, size_t length)
{
  size_t used = 0;

  for (size_t i = 0; i < length && used + 3 < room; i++)
    {
      if (text[i] < ' ' || text[i] > 126)
        continue;
      if (text[i] == '"' || text[i] == '\\')
        out[used++] = '\\';
      out[used++] = (char) text[i];
    }
  out[used] = '\0';
  return used;
}

/* Writes the header and says in *bytes how long the data behind it are. */
static size_t
write_header (char *header, size_t room, const uint8_t *data, size_t size, size_t *bytes)
{
  size_t used = (size_t) snprintf (header, room, "{\"__metadata__\":{\"format\":\"pt\"");
  bool said = false;

  *bytes = 0;
  for (int line = 0; size > 1 && line < LINES_MAX && room - used > 1024; line++)
    {
      const uint8_t *end = memchr (data, '\n', size);
      size_t length = end != NULL ? (size_t) (end - data) : size;
      char text[600];

      if (line == 0 && data[0] == '=')
        {
          quote (text, sizeof text, data + 1, length - 1);
          used += (size_t) snprintf (header + used, room - used,
                                     ",\"lora_adapter_metadata\":\"%s\"", text);
        }
      else if (length > 2)
        {
          size_t type = data[0] % (sizeof types / sizeof *types);
          size_t shape = data[1] % (sizeof shapes / sizeof *shapes);
          size_t next = *bytes + (size_t) (types[type].bytes * shapes[shape].count);

          quote (text, sizeof text, data + 2, length - 2);
          used += (size_t) snprintf (
              header + used, room - used,
              "%s,\"%s\":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":[%zu,%zu]}",
              said ? "" : "}", text, types[type].name, shapes[shape].shape, *bytes, next);
          *bytes = next;
          said = true;
        }
      data += length < size ? length + 1 : size;
      size -= length < size ? length + 1 : size;
    }
  return used + (size_t) snprintf (header + used, room - used, "%s", said ? "}" : "}}");
}

/* The whole file that lines describe; the caller frees it. */
static uint8_t *
file_of_lines (const uint8_t *data, size_t size, size_t *file_size)
{
  static char header[LINES_MAX * 1024];
  size_t bytes, length = write_header (header, sizeof header, data, size, &bytes);
  uint8_t *file = malloc (8 + length + bytes);

  PROMISE (file != NULL && bytes <= 2 * DATA_MAX);
  for (size_t i = 0; i < 8; i++)
    file[i] = (uint8_t) (length >> (8 * i));
  memcpy (file + 8, header, length);
  memset (file + 8 + length, 0x38, bytes); /* small numbers in every format */
  *file_size = 8 + length + bytes;
  return file;
}

/* --- The model ---------------------------------------------------------------------------------
 */

static EspModel *
model (void)
{
  static EspModel *open;
  EspError error = ESP_ERROR_INIT;

  if (open == NULL && esp_model_open (ESP_FUZZ_MODEL, &open, &error) != ESP_OK)
    {
      fprintf (stderr, "%s\n", error.message);
      abort ();
    }
  return open;
}

static EspDevice *
device (void)
{
  static EspDevice *cpu;
  EspError error = ESP_ERROR_INIT;

  if (cpu == NULL)
    PROMISE (esp_cpu_device_new (ESP_COMPUTE_F32, 1, 0, &cpu, &error) == ESP_OK);
  return cpu;
}

static void
read_matrix (const EspWeight *weight)
{
  float numbers[256];
  int block = esp_dtype_block (weight->dtype);

  PROMISE (weight->dims >= 2 && weight->count >= block);
  PROMISE (weight->count == weight->shape[0] * weight->shape[1]);
  PROMISE (esp_find_non_finite (weight->dtype, weight->data, weight->count) < 0);
  esp_weight_to_f32 (weight, 0, block, numbers);
  esp_weight_to_f32 (weight, weight->count - block, block, numbers);
}

/* One row through the layer with its adapters: no number may come from beyond. */
static void
multiply (EspLinear *linear)
{
  EspDevice *cpu = device ();
  EspTensor x = esp_tensor_new (cpu, ESP_F32, 1, linear->in);
  EspTensor y = esp_tensor_new (cpu, ESP_F32, 1, linear->out);
  float *zeros = calloc ((size_t) linear->in, sizeof *zeros);

  PROMISE (zeros != NULL && x.data != NULL && y.data != NULL);
  cpu->ops->upload (cpu, zeros, x);
  cpu->ops->prepare_linear (cpu, linear);
  cpu->ops->linear (cpu, x, linear, NULL, y);
  PROMISE (cpu->error.status == ESP_OK);
  cpu->ops->release_linear (cpu, linear);
  esp_tensor_free (cpu, &x);
  esp_tensor_free (cpu, &y);
  free (zeros);
}

/* How many adapters hang on the table's layers; all of them fit. */
static int
look_at (const EspLayers *layers, int *products)
{
  int count = 0;

  for (int i = 0; i < layers->count; i++)
    {
      EspLinear *linear = layers->entries[i].linear;

      if (layers->entries[i].kind != ESP_LAYER_LINEAR)
        continue;
      PROMISE ((linear->adapters == NULL) == (linear->adapter_count == 0));
      for (int a = 0; a < linear->adapter_count; a++)
        {
          const EspAdapter *adapter = &linear->adapters[a];

          PROMISE (adapter->first >= 0 && adapter->out > 0);
          PROMISE (adapter->first + adapter->out <= linear->out);
          PROMISE (adapter->down->shape[1] == linear->in);
          PROMISE (adapter->up->shape[0] == adapter->out);
          PROMISE (adapter->up->shape[1] == adapter->down->shape[0]);
          PROMISE (!isnan (adapter->strength));
          read_matrix (adapter->down);
          read_matrix (adapter->up);
        }
      if (linear->adapter_count > 0 && (*products)-- > 0)
        multiply (linear);
      count += linear->adapter_count;
    }
  return count;
}

static int
look_at_all (int products)
{
  const EspModel *open = model ();

  return look_at (&open->flux->layers, &products) + look_at (&open->flux->once, &products)
         + look_at (esp_clip_encoder_layers (open->clip), &products)
         + look_at (esp_t5_encoder_layers (open->t5), &products);
}

static void
use (const char *path, const EspEditRequest *request)
{
  static const EspLoraKeys none;
  EspError error = ESP_ERROR_INIT;
  EspLoraUse *uses = NULL;
  EspLoraInfo info;
  int count = 0;

  if (esp_lora_describe (path, &info, &error) == ESP_OK)
    PROMISE (info.usable <= info.modules && info.text_modules <= info.modules);
  else
    PROMISE (strstr (error.message, path) != NULL
             || strstr (error.message, "adapter_config.json") != NULL);
  error = (EspError) ESP_ERROR_INIT;
  if (esp_model_use_loras (model (), request, &error) == ESP_OK)
    {
      PROMISE ((look_at_all (2) > 0) == (request->loras[0].strength != 0));
      PROMISE (esp_model_lora_uses (model (), request, &uses, &count, &error) == ESP_OK);
      PROMISE (count == 1 && uses[0].used > 0 && uses[0].used <= uses[0].modules);
      PROMISE (request->lora_partial || uses[0].used == uses[0].modules);
      esp_lora_uses_free (uses, count);
    }
  else
    PROMISE (error.message[0] != '\0');
  esp_model_drop_loras (model ());
  PROMISE (look_at_all (0) == 0);
  PROMISE (memcmp (&model ()->lora_keys, &none, sizeof none) == 0);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static const double strengths[] = { 1, 0, -0.5, 3 };
  EspLora lora = { 0 };
  EspEditRequest request = { .loras = &lora, .lora_count = 1 };
  const uint8_t *zero = size > 0 ? memchr (data, 0, size) : NULL;
  uint8_t how, *made = NULL;
  char path[4096];
  int fd = -1;

  if (size < 1)
    return 0;
  how = data[0];
  data++;
  size--;
  fuzz_folder_file ("adapter_config.json", NULL, 0);
  if ((how & BESIDE) != 0 && zero != NULL)
    {
      size_t length = (size_t) (zero - data);

      fuzz_folder_file ("adapter_config.json", data, length);
      data += length + 1;
      size -= length + 1;
    }
  if ((how & FROM_LINES) != 0)
    data = made = file_of_lines (data, size, &size);
  if ((how & BESIDE) != 0)
    {
      fuzz_folder_file ("adapter_model.safetensors", data, size);
      snprintf (path, sizeof path, "%s/adapter_model.safetensors", fuzz_folder ());
    }
  else
    snprintf (path, sizeof path, "%s", fuzz_file (NULL, 0, data, size, &fd));
  lora.path = path;
  lora.strength = strengths[how / STRENGTHS % 4];
  request.lora_partial = (how & PARTIAL) != 0;
  use (path, &request);
  if (fd >= 0)
    close (fd);
  free (made);
  return 0;
}
