/* SPDX-License-Identifier: MIT */
#include "worker/parameters.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Beyond these nothing sensible comes out; the model was trained with 1 … 5 or so. */
#define SCALE_MAX   100.0
#define THREADS_MAX 1024
#define VRAM_MAX    4096 /* GiB */

typedef enum
{
  TYPE_STRING,
  TYPE_INTEGER,
  TYPE_NUMBER,
  TYPE_BOOLEAN,
  TYPE_LORAS, /* an array; read by loras.c */
} ParameterType;

static const char *const type_names[] = { "string", "integer", "number", "boolean", "array" };

typedef EspStatus (*StoreFunc) (EspEditRequest *request, const json_t *value, EspError *error);

/* Where the default of a parameter comes from. */
typedef enum
{
  DEFAULT_NONE,
  DEFAULT_VALUE,    /* default_number or the first choice */
  DEFAULT_STEPS,    /* the model's */
  DEFAULT_GUIDANCE, /* the model's */
} DefaultKind;

typedef struct Parameter
{
  const char *name;
  ParameterType type;
  bool required;
  double minimum, maximum;
  const char *const *choices; /* NULL-terminated */
  DefaultKind default_kind;
  double default_number;
  const char *format; /* of a string whose values are no plain choices */
  bool more_choices;  /* there are others, of this machine, which `store` checks */
  const char *widget, *title, *description;
  bool advanced;
  StoreFunc store;
} Parameter;

static EspStatus store_prompt (EspEditRequest *request, const json_t *value, EspError *error);
static EspStatus store_negative (EspEditRequest *request, const json_t *value, EspError *error);
static EspStatus store_true_cfg (EspEditRequest *request, const json_t *value, EspError *error);
static EspStatus store_seed (EspEditRequest *request, const json_t *value, EspError *error);
static EspStatus store_steps (EspEditRequest *request, const json_t *value, EspError *error);
static EspStatus store_guidance (EspEditRequest *request, const json_t *value, EspError *error);
static EspStatus store_step_cache (EspEditRequest *request, const json_t *value, EspError *error);
static EspStatus store_size (EspEditRequest *request, const json_t *value, EspError *error);
static EspStatus store_multi_ref (EspEditRequest *request, const json_t *value, EspError *error);
static EspStatus store_device (EspEditRequest *request, const json_t *value, EspError *error);
static EspStatus store_vram (EspEditRequest *request, const json_t *value, EspError *error);
static EspStatus store_blas (EspEditRequest *request, const json_t *value, EspError *error);
static EspStatus store_dtype (EspEditRequest *request, const json_t *value, EspError *error);
static EspStatus store_threads (EspEditRequest *request, const json_t *value, EspError *error);
static EspStatus store_tiling (EspEditRequest *request, const json_t *value, EspError *error);
static EspStatus store_lora_partial (EspEditRequest *request, const json_t *value, EspError *error);
static EspStatus store_latent_carry (EspEditRequest *request, const json_t *value, EspError *error);

/* In the order of the enums of espalier-engine.h, the default first. */
static const char *const size_choices[] = { "auto", "match", NULL };
static const char *const multi_ref_choices[] = { "offset", "index", NULL };
static const char *const device_choices[] = { "auto", "cpu", "cuda", NULL };
static const char *const dtype_choices[] = { "auto", "f32", "bf16", "fp8", NULL };
static const char *const blas_choices[] = { "auto", "own", "cublaslt", NULL };
static const char *const tiling_choices[] = { "auto", "off", "on", NULL };

static const Parameter parameters[] = {
  { .name = "prompt",
    .type = TYPE_STRING,
    .required = true,
    .widget = "text",
    .title = "Instruction",
    .description = "What to change in the picture.",
    .store = store_prompt },
  { .name = "negative_prompt",
    .type = TYPE_STRING,
    .widget = "text",
    .title = "Negative instruction",
    .description = "What to move away from; acts only with a true CFG scale above 1.",
    .store = store_negative },
  { .name = "true_cfg",
    .type = TYPE_NUMBER,
    .minimum = 0,
    .maximum = SCALE_MAX,
    .default_kind = DEFAULT_VALUE,
    .default_number = 1,
    .widget = "spin",
    .title = "True CFG scale",
    .description = "Above 1 every step is computed twice, with and against the negative "
                   "instruction.",
    .store = store_true_cfg },
  /* The upper end is 2⁶⁴ − 1, which neither a JSON integer of most readers nor a double can hold:
   * see store_seed(). */
  { .name = "seed",
    .type = TYPE_INTEGER,
    .minimum = 0,
    .maximum = 18446744073709551615.0,
    .default_kind = DEFAULT_VALUE,
    .default_number = 0,
    .widget = "seed",
    .title = "Seed",
    .description = "The same seed gives the same noise, here and in other Kontext tools.",
    .store = store_seed },
  { .name = "steps",
    .type = TYPE_INTEGER,
    .minimum = 1,
    .maximum = ESP_STEPS_MAX,
    .default_kind = DEFAULT_STEPS,
    .widget = "slider",
    .title = "Steps",
    .description = "Denoising steps: more is slower and often finer.",
    .store = store_steps },
  { .name = "guidance",
    .type = TYPE_NUMBER,
    .minimum = 0,
    .maximum = SCALE_MAX,
    .default_kind = DEFAULT_GUIDANCE,
    .widget = "slider",
    .title = "Guidance",
    .description = "How strongly the instruction is followed.",
    .store = store_guidance },
  { .name = "size",
    .type = TYPE_STRING,
    .format = "image-size",
    .choices = size_choices,
    .default_kind = DEFAULT_VALUE,
    .widget = "size",
    .title = "Size",
    .description = "auto: what the model prefers for this picture; match: the picture's own; or "
                   "WxH in multiples of 16.",
    .store = store_size },
  { .name = "multi_ref",
    .type = TYPE_STRING,
    .choices = multi_ref_choices,
    .default_kind = DEFAULT_VALUE,
    .widget = "choice",
    .title = "Several references",
    .description = "How further pictures are placed: beside the first, or each on its own index.",
    .store = store_multi_ref },
  { .name = "step_cache",
    .type = TYPE_NUMBER,
    .minimum = 0,
    .maximum = ESP_STEP_CACHE_MAX,
    .default_kind = DEFAULT_VALUE,
    .default_number = 0,
    .widget = "slider",
    .title = "Step caching",
    .description = "Leaves out what would change little from step to step: the higher, the faster "
                   "and the less exact; 0 computes everything.",
    .store = store_step_cache },
  { .name = "device",
    .type = TYPE_STRING,
    .choices = device_choices,
    .default_kind = DEFAULT_VALUE,
    .widget = "choice",
    .title = "Device",
    .description = "Where to compute.",
    .more_choices = true,
    .store = store_device },
  { .name = "dtype",
    .type = TYPE_STRING,
    .choices = dtype_choices,
    .default_kind = DEFAULT_VALUE,
    .widget = "choice",
    .title = "Number format",
    .description = "f32 is exact, bf16 faster where the device has it, fp8 faster still on recent "
                   "graphics cards.",
    .store = store_dtype },
  { .name = "vram",
    .type = TYPE_NUMBER,
    .minimum = 0,
    .maximum = VRAM_MAX,
    .default_kind = DEFAULT_VALUE,
    .default_number = 0,
    .widget = "spin",
    .title = "Graphics memory",
    .description = "How many GiB of the graphics card's memory may be used; 0 takes what is free.",
    .store = store_vram },
  { .name = "blas",
    .type = TYPE_STRING,
    .choices = blas_choices,
    .default_kind = DEFAULT_VALUE,
    .widget = "choice",
    .title = "Matrix library",
    .description = "Who multiplies matrices on a graphics card: Espalier's own kernels, or "
                   "cuBLASLt where it is installed.",
    .store = store_blas },
  { .name = "threads",
    .type = TYPE_INTEGER,
    .minimum = 0,
    .maximum = THREADS_MAX,
    .default_kind = DEFAULT_VALUE,
    .default_number = 0,
    .widget = "spin",
    .title = "Threads",
    .description = "Processor threads; 0 takes all cores.",
    .store = store_threads },
  { .name = "vae_tiling",
    .type = TYPE_STRING,
    .choices = tiling_choices,
    .default_kind = DEFAULT_VALUE,
    .widget = "choice",
    .title = "VAE tiles",
    .description = "Tiles bound the memory of large pictures.",
    .store = store_tiling },
  { .name = "loras",
    .type = TYPE_LORAS,
    .format = "loras",
    .minimum = -ESP_LORA_STRENGTH_MAX,
    .maximum = ESP_LORA_STRENGTH_MAX,
    .widget = "loras",
    .title = "LoRAs",
    .description = "Small files that were trained to change what the model does, each with its "
                   "strength." },
  { .name = "lora_partial",
    .type = TYPE_BOOLEAN,
    .default_kind = DEFAULT_VALUE,
    .default_number = 0,
    .title = "Incomplete LoRAs",
    .description = "Use what fits of a LoRA that was made for another model.",
    .advanced = true,
    .store = store_lora_partial },
  { .name = "latent_carry",
    .type = TYPE_BOOLEAN,
    .default_kind = DEFAULT_VALUE,
    .default_number = 1,
    .title = "Latent carry",
    .description = "Read what the turn before left instead of encoding its picture again, where "
                   "the picture still shows it.",
    .advanced = true,
    .store = store_latent_carry },
};

#define PARAMETER_COUNT (sizeof parameters / sizeof parameters[0])

static const Parameter *
find (const char *name)
{
  for (size_t i = 0; i < PARAMETER_COUNT; i++)
    {
      if (strcmp (parameters[i].name, name) == 0)
        return &parameters[i];
    }

  return NULL;
}

bool
esp_parameters_has (const char *name)
{
  return find (name) != NULL;
}

static const char *
kind_of (const json_t *value)
{
  static const char *const kinds[]
      = { "an object", "an array", "a string", "an integer", "a number", "true", "false", "null" };

  return kinds[json_typeof (value)];
}

static EspStatus
store_text (const char *name, const json_t *value, const char **text, EspError *error)
{
  size_t length = json_string_length (value);

  if (length > ESP_PROMPT_MAX_BYTES)
    return esp_error_set (error, ESP_ERROR_ARGUMENT, "%s: %zu bytes; at most %d are taken", name,
                          length, ESP_PROMPT_MAX_BYTES);
  if (strlen (json_string_value (value)) != length)
    return esp_error_set (error, ESP_ERROR_ARGUMENT, "%s: contains a NUL character", name);

  *text = json_string_value (value);
  return ESP_OK;
}

static EspStatus
store_prompt (EspEditRequest *request, const json_t *value, EspError *error)
{
  return store_text ("prompt", value, &request->prompt, error);
}

static EspStatus
store_negative (EspEditRequest *request, const json_t *value, EspError *error)
{
  return store_text ("negative_prompt", value, &request->negative_prompt, error);
}

static EspStatus
store_true_cfg (EspEditRequest *request, const json_t *value, EspError *error)
{
  request->true_cfg = json_number_value (value);
  return ESP_OK;
}

/* Seeds above 2⁶³ − 1 travel as a string of decimal digits. */
static EspStatus
store_seed (EspEditRequest *request, const json_t *value, EspError *error)
{
  if (json_is_string (value))
    {
      const char *text = json_string_value (value);
      char *end = NULL;

      errno = 0;
      request->seed = strtoull (text, &end, 10);
      if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0
          || strlen (text) != json_string_length (value))
        return esp_error_set (error, ESP_ERROR_ARGUMENT,
                              "seed: expected 0 to 18446744073709551615, found \"%.40s\"", text);
    }
  else
    request->seed = (uint64_t) json_integer_value (value);

  return ESP_OK;
}

static EspStatus
store_steps (EspEditRequest *request, const json_t *value, EspError *error)
{
  request->steps = (int) json_integer_value (value);
  return ESP_OK;
}

static EspStatus
store_guidance (EspEditRequest *request, const json_t *value, EspError *error)
{
  request->guidance = json_number_value (value);
  return ESP_OK;
}

static EspStatus
store_step_cache (EspEditRequest *request, const json_t *value, EspError *error)
{
  request->step_cache = json_number_value (value);
  return ESP_OK;
}

static int
choice_index (const char *const *choices, const char *text)
{
  for (int i = 0; choices[i] != NULL; i++)
    {
      if (strcmp (choices[i], text) == 0)
        return i;
    }

  return -1;
}

/* Reads the digits at *text, at most five of them. */
static int
read_side (const char **text)
{
  int side = 0, digits = 0;

  for (; **text >= '0' && **text <= '9' && digits < 5; (*text)++, digits++)
    side = 10 * side + (**text - '0');

  return digits > 0 ? side : -1;
}

static EspStatus
store_size (EspEditRequest *request, const json_t *value, EspError *error)
{
  const char *text = json_string_value (value);
  const char *rest = text;
  int choice = choice_index (size_choices, text);
  int width, height;

  if (choice >= 0)
    {
      request->size_mode = choice == 0 ? ESP_SIZE_AUTO : ESP_SIZE_MATCH;
      return ESP_OK;
    }

  width = read_side (&rest);
  height = *rest == 'x' ? (rest++, read_side (&rest)) : -1;
  if (width < 0 || height < 0 || *rest != '\0')
    return esp_error_set (error, ESP_ERROR_ARGUMENT,
                          "size: expected auto, match or WIDTHxHEIGHT, found \"%.40s\"", text);

  if (width < ESP_SIZE_MIN || width > ESP_SIZE_MAX || height < ESP_SIZE_MIN || height > ESP_SIZE_MAX
      || width % ESP_SIZE_MULTIPLE != 0 || height % ESP_SIZE_MULTIPLE != 0)
    return esp_error_set (error, ESP_ERROR_ARGUMENT,
                          "size: %dx%d: both sides must be multiples of %d from %d to %d", width,
                          height, ESP_SIZE_MULTIPLE, ESP_SIZE_MIN, ESP_SIZE_MAX);

  request->size_mode = ESP_SIZE_EXACT;
  request->width = width;
  request->height = height;
  return ESP_OK;
}

static EspStatus
store_multi_ref (EspEditRequest *request, const json_t *value, EspError *error)
{
  request->multi_ref = (EspMultiRef) choice_index (multi_ref_choices, json_string_value (value));
  return ESP_OK;
}

/* "cuda" or "cuda:N". */
static EspStatus
store_device (EspEditRequest *request, const json_t *value, EspError *error)
{
  const char *text = json_string_value (value), *digits = text + strlen ("cuda:");
  int choice = choice_index (device_choices, text);

  request->card = -1;
  if (choice < 0 && strncmp (text, "cuda:", strlen ("cuda:")) == 0 && digits[0] >= '0'
      && digits[0] <= '9' && strspn (digits, "0123456789") == strlen (digits)
      && strlen (digits) <= 2)
    {
      choice = ESP_DEVICE_CUDA;
      request->card = (int) strtol (digits, NULL, 10);
    }
  if (choice < 0)
    return esp_error_set (error, ESP_ERROR_ARGUMENT,
                          "device: expected auto, cpu, cuda or cuda:N, found \"%.40s\"", text);
  request->device = (EspDeviceChoice) choice;
  return ESP_OK;
}

static EspStatus
store_vram (EspEditRequest *request, const json_t *value, EspError *error)
{
  request->vram = (size_t) (json_number_value (value) * (double) ((size_t) 1 << 30));
  return ESP_OK;
}

static EspStatus
store_blas (EspEditRequest *request, const json_t *value, EspError *error)
{
  request->blas = (EspBlasChoice) choice_index (blas_choices, json_string_value (value));
  return ESP_OK;
}

static EspStatus
store_dtype (EspEditRequest *request, const json_t *value, EspError *error)
{
  request->dtype = (EspDTypeChoice) choice_index (dtype_choices, json_string_value (value));
  return ESP_OK;
}

static EspStatus
store_threads (EspEditRequest *request, const json_t *value, EspError *error)
{
  request->threads = (int) json_integer_value (value);
  return ESP_OK;
}

static EspStatus
store_tiling (EspEditRequest *request, const json_t *value, EspError *error)
{
  request->vae_tiling = (EspVaeTiling) choice_index (tiling_choices, json_string_value (value));
  return ESP_OK;
}

static EspStatus
store_lora_partial (EspEditRequest *request, const json_t *value, EspError *error)
{
  request->lora_partial = json_is_true (value);
  return ESP_OK;
}

static EspStatus
store_latent_carry (EspEditRequest *request, const json_t *value, EspError *error)
{
  request->no_carry = !json_is_true (value);
  return ESP_OK;
}

/* "auto, f32 or bf16" */
static void
list_choices (const char *const *choices, char *text, size_t size)
{
  size_t used = 0;

  text[0] = '\0';
  for (int i = 0; choices[i] != NULL && used < size; i++)
    {
      const char *between = i == 0 ? "" : choices[i + 1] == NULL ? " or " : ", ";
      int written = snprintf (text + used, size - used, "%s%s", between, choices[i]);

      used += written > 0 ? (size_t) written : 0;
    }
}

static EspStatus
check_number (const Parameter *parameter, const json_t *value, EspError *error)
{
  double number = json_number_value (value);
  bool whole = parameter->type == TYPE_INTEGER;

  if (whole ? !json_is_integer (value) : !json_is_number (value))
    return esp_error_set (error, ESP_ERROR_ARGUMENT, "%s: expected %s, found %s", parameter->name,
                          whole ? "an integer" : "a number", kind_of (value));

  if (!isfinite (number) || number < parameter->minimum || number > parameter->maximum)
    return esp_error_set (error, ESP_ERROR_ARGUMENT, "%s: expected %.*g to %.*g, found %.10g",
                          parameter->name, 10, parameter->minimum, 20, parameter->maximum, number);

  return ESP_OK;
}

static EspStatus
check_string (const Parameter *parameter, const json_t *value, EspError *error)
{
  if (!json_is_string (value))
    return esp_error_set (error, ESP_ERROR_ARGUMENT, "%s: expected a string, found %s",
                          parameter->name, kind_of (value));

  if (parameter->choices != NULL && parameter->format == NULL && !parameter->more_choices
      && choice_index (parameter->choices, json_string_value (value)) < 0)
    {
      char choices[128];

      list_choices (parameter->choices, choices, sizeof choices);
      return esp_error_set (error, ESP_ERROR_ARGUMENT, "%s: expected %s, found \"%.40s\"",
                            parameter->name, choices, json_string_value (value));
    }

  return ESP_OK;
}

/* Checks a value that is there, and stores it. */
static EspStatus
read_value (const Parameter *parameter, const json_t *value, EspEditRequest *request,
            EspError *error)
{
  bool text = json_is_string (value) && parameter->store == store_seed;
  EspStatus status = ESP_OK;

  if (parameter->type == TYPE_STRING)
    status = check_string (parameter, value, error);
  else if (parameter->type == TYPE_BOOLEAN)
    {
      if (!json_is_boolean (value))
        status = esp_error_set (error, ESP_ERROR_ARGUMENT, "%s: expected true or false, found %s",
                                parameter->name, kind_of (value));
    }
  else if (!text)
    status = check_number (parameter, value, error);

  return status == ESP_OK ? parameter->store (request, value, error) : status;
}

EspStatus
esp_parameters_read_seed (const json_t *value, EspEditRequest *request, EspError *error)
{
  return read_value (find ("seed"), value, request, error);
}

EspStatus
esp_parameters_read (const json_t *object, EspEditRequest *request, EspError *error)
{
  for (size_t i = 0; i < PARAMETER_COUNT; i++)
    {
      const Parameter *parameter = &parameters[i];
      const json_t *value = json_object_get (object, parameter->name);
      EspStatus status;

      if (parameter->store == NULL)
        continue;
      if (value == NULL || json_is_null (value))
        {
          if (parameter->required)
            return esp_error_set (error, ESP_ERROR_ARGUMENT, "%s: is missing", parameter->name);
          continue;
        }

      status = read_value (parameter, value, request, error);
      if (status != ESP_OK)
        return status;
    }

  return ESP_OK;
}

/* Sets `key` unless the value is NULL, which says that memory is out. */
static bool
put (json_t *object, const char *key, json_t *value)
{
  return json_object_set_new (object, key, value) == 0;
}

static json_t *
number (const Parameter *parameter, double value)
{
  return parameter->type == TYPE_INTEGER ? json_integer ((json_int_t) value) : json_real (value);
}

static bool
put_range (json_t *property, const Parameter *parameter)
{
  /* Both sides of a size. */
  if (parameter->store == store_size)
    return put (property, "minimum", json_integer (ESP_SIZE_MIN))
           && put (property, "maximum", json_integer (ESP_SIZE_MAX))
           && put (property, "multipleOf", json_integer (ESP_SIZE_MULTIPLE));
  if (parameter->type == TYPE_STRING || parameter->type == TYPE_BOOLEAN)
    return true;

  if (!put (property, "minimum", number (parameter, parameter->minimum)))
    return false;

  /* Only the seed's maximum is beyond what a JSON integer carries: it is left out. */
  return parameter->maximum > 9e15
         || put (property, "maximum", number (parameter, parameter->maximum));
}

/* Each card by its number, where there is more than one to choose from. */
static void
append_cards (json_t *array, const EspDeviceInfo *devices, int count)
{
  int cards = 0;

  for (int i = 0; i < count; i++)
    cards += devices[i].usable && strchr (devices[i].id, ':') != NULL;
  for (int i = 0; cards > 1 && i < count; i++)
    if (devices[i].usable && strchr (devices[i].id, ':') != NULL)
      json_array_append_new (array, json_string (devices[i].id));
}

static bool
put_choices (json_t *property, const Parameter *parameter, const EspDeviceInfo *devices, int count)
{
  json_t *array;

  if (parameter->format != NULL && !put (property, "format", json_string (parameter->format)))
    return false;
  if (parameter->choices == NULL || parameter->format != NULL)
    return true;

  array = json_array ();
  for (int i = 0; parameter->choices[i] != NULL; i++)
    json_array_append_new (array, json_string (parameter->choices[i]));
  if (parameter->store == store_device)
    append_cards (array, devices, count);

  return put (property, "enum", array);
}

static bool
put_default (json_t *property, const Parameter *parameter, const EspModelInfo *model)
{
  switch (parameter->default_kind)
    {
    case DEFAULT_VALUE:
      return put (property, "default",
                  parameter->type == TYPE_STRING ? json_string (parameter->choices[0])
                  : parameter->type == TYPE_BOOLEAN
                      ? json_boolean (parameter->default_number != 0)
                      : number (parameter, parameter->default_number));

    case DEFAULT_STEPS:
      return model == NULL || put (property, "default", json_integer (model->default_steps));

    case DEFAULT_GUIDANCE:
      return model == NULL || put (property, "default", json_real (model->default_guidance));

    case DEFAULT_NONE:
    default:
      return true;
    }
}

json_t *
esp_parameters_schema (const EspModelInfo *model, const EspDeviceInfo *devices, int count)
{
  json_t *properties = json_object (), *required = json_array ();
  bool good = properties != NULL && required != NULL;

  for (size_t i = 0; good && i < PARAMETER_COUNT; i++)
    {
      const Parameter *parameter = &parameters[i];
      json_t *property = json_object ();

      good = put (property, "type", json_string (type_names[parameter->type]))
             && put (property, "title", json_string (parameter->title))
             && put (property, "description", json_string (parameter->description))
             && put_range (property, parameter) && put_choices (property, parameter, devices, count)
             && put_default (property, parameter, model)
             && (parameter->widget == NULL
                 || put (property, "widget", json_string (parameter->widget)))
             && (!parameter->advanced || put (property, "advanced", json_true ()));
      good = put (properties, parameter->name, property) && good;

      if (parameter->required)
        good = json_array_append_new (required, json_string (parameter->name)) == 0 && good;
    }

  if (!good)
    {
      json_decref (properties);
      json_decref (required);
      return NULL;
    }

  return json_pack ("{s:s, s:o, s:o}", "type", "object", "properties", properties, "required",
                    required);
}
