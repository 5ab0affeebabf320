/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli-edit-options.h"

#include <errno.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "cli-loras.h"
#include "cli-components.h"
#include "cli-options.h"
#include "cli-report.h"

/* The engine checks all of these again and reports them in its parameter schema; they are here so
 * that a slip is told at once. tests/cli compares the two. */
#define INPUTS_MAX     8
#define STEPS_MAX      1000
#define SCALE_MAX      100.0
#define THREADS_MAX    1024
#define SIZE_MIN       16
#define STEP_CACHE_MAX 0.5 /* ESP_STEP_CACHE_MAX of the engine */
#define SIZE_MAX_SIDE  8192
#define VRAM_MAX       4096 /* GiB */
#define SIZE_MULTIPLE  16

static gboolean
parse (CliEditOptions *self, char ***arguments, int *status)
{
  const GOptionEntry entries[] = {
    { "prompt", 'p', 0, G_OPTION_ARG_FILENAME, &self->prompt, N_ ("What to change"),
      N_ ("PROMPT") },
    { "output", 'o', 0, G_OPTION_ARG_FILENAME, &self->output,
      N_ ("Where to put the result (.png, .jpg, .webp or .tiff)"), N_ ("OUT") },
    { "model", 0, 0, G_OPTION_ARG_FILENAME, &self->model,
      N_ ("The model: a folder, a file or an id"), N_ ("PATH|ID") },
    CLI_COMPONENT_ENTRY (&self->component_texts),
    { "backend", 0, 0, G_OPTION_ARG_FILENAME, &self->backend,
      N_ ("Who does the work: local, or one of espalier-cli providers"), N_ ("ID") },
    { "negative-prompt", 0, 0, G_OPTION_ARG_FILENAME, &self->negative_prompt,
      N_ ("What to move away from; acts with --true-cfg"), N_ ("TEXT") },
    { "true-cfg", 0, 0, G_OPTION_ARG_FILENAME, &self->true_cfg_text,
      N_ ("Scale of true guidance; acts above 1"), N_ ("X") },
    { "seed", 0, 0, G_OPTION_ARG_FILENAME, &self->seed_text,
      N_ ("Where the noise starts; random if not given"), N_ ("N") },
    { "steps", 0, 0, G_OPTION_ARG_FILENAME, &self->steps_text, N_ ("Denoising steps, 1 to 1000"),
      N_ ("N") },
    { "guidance", 0, 0, G_OPTION_ARG_FILENAME, &self->guidance_text,
      N_ ("How strongly the prompt is followed"), N_ ("X") },
    { "size", 0, 0, G_OPTION_ARG_FILENAME, &self->size,
      N_ ("auto, match or WxH in multiples of 16"), N_ ("SIZE") },
    { "multi-ref", 0, 0, G_OPTION_ARG_FILENAME, &self->multi_ref,
      N_ ("How several inputs are placed: offset or index"), N_ ("HOW") },
    { "step-cache", 0, 0, G_OPTION_ARG_FILENAME, &self->step_cache_text,
      N_ ("Leave out steps that change little, 0 to 0.5: faster, less exact; 0 is off"), N_ ("X") },
    { "no-cache", 0, 0, G_OPTION_ARG_NONE, &self->no_cache,
      N_ ("Neither keep nor use what earlier edits computed for prompt and photo"), NULL },
    { "device", 0, 0, G_OPTION_ARG_FILENAME, &self->device, N_ ("auto, cpu, cuda or cuda:N"),
      N_ ("DEVICE") },
    { "dtype", 0, 0, G_OPTION_ARG_FILENAME, &self->dtype, N_ ("auto, f32, bf16 or fp8"),
      N_ ("TYPE") },
    { "vram", 0, 0, G_OPTION_ARG_FILENAME, &self->vram_text,
      N_ ("How much of the graphics card’s memory may be used; auto takes what is free"),
      N_ ("GiB") },
    { "blas", 0, 0, G_OPTION_ARG_FILENAME, &self->blas,
      N_ ("Who multiplies matrices on a graphics card: auto, own or cublaslt"), N_ ("WHO") },
    { "explain-memory", 0, 0, G_OPTION_ARG_NONE, &self->explain_memory,
      N_ ("Say what lay where on the graphics card, and what that cost"), NULL },
    { "threads", 0, 0, G_OPTION_ARG_FILENAME, &self->threads_text,
      N_ ("Processor threads; 0 takes all cores"), N_ ("N") },
    { "vae-tiling", 0, 0, G_OPTION_ARG_FILENAME, &self->vae_tiling,
      N_ ("Work on large pictures in tiles to save memory: auto, off or on"), N_ ("WHEN") },
    CLI_LORA_ENTRY (&self->loras),
    CLI_LORA_PARTIAL_ENTRY (&self->lora_partial),
    CLI_KEEP_ENTRY (&self->keep),
    CLI_REGION_ENTRY (&self->keep),
    CLI_MASK_OUT_ENTRY (&self->keep),
    { "noise", 0, 0, G_OPTION_ARG_FILENAME, &self->noise,
      N_ ("Take the noise from this file instead of the seed"), N_ ("FILE.safetensors") },
    { "dump", 0, 0, G_OPTION_ARG_FILENAME, &self->dump,
      N_ ("Write all intermediate tensors to this file"), N_ ("FILE.safetensors") },
    { "set", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &self->settings,
      N_ ("Remote: a parameter of the provider; may be given often"), N_ ("NAME=VALUE") },
    { "config", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &self->config,
      N_ ("Remote: a setting of the provider; may be given often"), N_ ("NAME=VALUE") },
    { "base-url", 0, 0, G_OPTION_ARG_FILENAME, &self->base_url,
      N_ ("Remote: the server’s address instead of the usual one"), N_ ("URL") },
    { "own-host", 0, 0, G_OPTION_ARG_NONE, &self->own_host,
      N_ ("Remote: the host of --base-url is yours: plain http is fine"), NULL },
    { "key-file", 0, 0, G_OPTION_ARG_FILENAME, &self->key_file,
      N_ ("Remote: take the key from this file; - reads standard input"), N_ ("FILE") },
    { "patience", 0, 0, G_OPTION_ARG_FILENAME, &self->patience_text,
      N_ ("Remote: wait at most so long in all; 900 if not given"), N_ ("SECONDS") },
    { "cancel-on-interrupt", 0, 0, G_OPTION_ARG_NONE, &self->cancel_on_interrupt,
      N_ ("Remote: Ctrl+C stops the job there, too, instead of keeping it"), NULL },
    { "no-metadata", 0, 0, G_OPTION_ARG_NONE, &self->no_metadata,
      N_ ("Do not write the recipe into the result"), NULL },
    { "json", 0, 0, G_OPTION_ARG_NONE, &self->json, N_ ("Print one JSON object about the result"),
      NULL },
    { "quiet", 'q', 0, G_OPTION_ARG_NONE, &self->quiet, N_ ("Print nothing but errors"), NULL },
    { NULL },
  };

  return cli_options_parse (arguments, N_ ("INPUT… -p PROMPT -o OUT"),
                            _ ("Edits the photo INPUT as PROMPT says. Further inputs are further "
                               "references."),
                            entries, status);
}

/* Reads one side of "WxH"; 0 if there is none. */
static guint
read_side (const char **text)
{
  guint side = 0;

  for (int digits = 0; g_ascii_isdigit (**text) && digits < 6; digits++)
    side = 10 * side + (guint) (*(*text)++ - '0');

  return side;
}

static gboolean
check_size (const char *size)
{
  const char *rest = size;
  guint width, height;

  if (g_str_equal (size, "auto") || g_str_equal (size, "match"))
    return TRUE;

  width = read_side (&rest);
  height = *rest == 'x' ? (rest++, read_side (&rest)) : 0;
  if (*rest == '\0' && width >= SIZE_MIN && height >= SIZE_MIN && width <= SIZE_MAX_SIDE
      && height <= SIZE_MAX_SIDE && width % SIZE_MULTIPLE == 0 && height % SIZE_MULTIPLE == 0)
    return TRUE;

  cli_usage (_ ("--size: expected auto, match or WxH in multiples of %d from %d to %d, found “%s”"),
             SIZE_MULTIPLE, SIZE_MIN, SIZE_MAX_SIDE, size);
  return FALSE;
}

static gboolean
check_device (const char *device)
{
  const char *digits = device + strlen ("cuda:");

  if (g_str_equal (device, "auto") || g_str_equal (device, "cpu") || g_str_equal (device, "cuda")
      || (g_str_has_prefix (device, "cuda:") && *digits != '\0' && strlen (digits) <= 2
          && strspn (digits, "0123456789") == strlen (digits)))
    return TRUE;

  cli_usage (_ ("--device: expected auto, cpu, cuda or cuda:N, found “%s”"), device);
  return FALSE;
}

static gboolean
check_values (CliEditOptions *self)
{
  static const char *const multi_refs[] = { "offset", "index", NULL };
  static const char *const dtypes[] = { "auto", "f32", "bf16", "fp8", NULL };
  static const char *const libraries[] = { "auto", "own", "cublaslt", NULL };
  static const char *const tilings[] = { "auto", "off", "on", NULL };
  guint64 whole;
  double number;

  self->seed = g_random_int ();
  self->true_cfg = 1;

  return cli_option_utf8 ("--prompt", self->prompt)
         && (self->negative_prompt == NULL
             || cli_option_utf8 ("--negative-prompt", self->negative_prompt))
         && (self->multi_ref == NULL
             || cli_option_choice ("--multi-ref", self->multi_ref, multi_refs))
         && (self->device == NULL || check_device (self->device))
         && (self->blas == NULL || cli_option_choice ("--blas", self->blas, libraries))
         && (self->vram_text == NULL || g_str_equal (self->vram_text, "auto")
             || cli_option_double ("--vram", self->vram_text, 0, VRAM_MAX, &self->vram))
         && (self->dtype == NULL || cli_option_choice ("--dtype", self->dtype, dtypes))
         && (self->vae_tiling == NULL
             || cli_option_choice ("--vae-tiling", self->vae_tiling, tilings))
         && (self->size == NULL || check_size (self->size))
         && cli_keep_check (&self->keep, ESP_KEEP_OFF)
         && (self->seed_text == NULL
             || cli_option_uint ("--seed", self->seed_text, 0, G_MAXUINT64, &self->seed))
         && (self->steps_text == NULL
             || cli_option_uint ("--steps", self->steps_text, 1, STEPS_MAX, &whole))
         && (self->threads_text == NULL
             || cli_option_uint ("--threads", self->threads_text, 0, THREADS_MAX, &whole))
         && (self->guidance_text == NULL
             || cli_option_double ("--guidance", self->guidance_text, 0, SCALE_MAX, &number))
         && (self->step_cache_text == NULL
             || cli_option_double ("--step-cache", self->step_cache_text, 0, STEP_CACHE_MAX,
                                   &self->step_cache))
         && (self->true_cfg_text == NULL
             || cli_option_double ("--true-cfg", self->true_cfg_text, 0, SCALE_MAX,
                                   &self->true_cfg));
}

static gboolean
check_files (CliEditOptions *self, int *status)
{
  g_autoptr (GError) error = NULL;

  *status = CLI_EXIT_FAILED;

  if (!esp_picture_format_from_path (self->output, &self->format, &error))
    {
      cli_fail ("--output: %s", error->message);
      return FALSE;
    }
  if (!cli_option_target ("--output", self->output)
      || (self->dump != NULL && !cli_option_target ("--dump", self->dump)))
    return FALSE;

  if (self->noise != NULL && g_access (self->noise, R_OK) != 0)
    {
      cli_fail ("--noise: %s: %s", self->noise, g_strerror (errno));
      return FALSE;
    }

  *status = cli_loras_check (self->loras);
  if (*status != CLI_EXIT_OK)
    return FALSE;
  *status = CLI_EXIT_FAILED;
  for (char **input = self->inputs; *input != NULL; input++)
    {
      if (g_access (*input, R_OK) != 0)
        {
          cli_fail ("%s: %s", *input, g_strerror (errno));
          return FALSE;
        }
    }

  /* These two go to the worker as text. */
  *status = CLI_EXIT_USAGE;
  return (self->noise == NULL || cli_option_utf8 ("--noise", self->noise))
         && (self->dump == NULL || cli_option_utf8 ("--dump", self->dump));
}

gboolean
cli_edit_options_read (CliEditOptions *self, char ***arguments, int *status)
{
  if (!parse (self, arguments, status))
    return FALSE;

  self->inputs = g_strdupv (*arguments + 1);
  return TRUE;
}

gboolean
cli_edit_options_is_remote (const CliEditOptions *self)
{
  return self->backend != NULL && !g_str_equal (self->backend, "local");
}

static gboolean
check_not_remote (const CliEditOptions *self)
{
  const struct
  {
    const char *option;
    gboolean given;
  } options[] = {
    { "--set", self->settings != NULL },
    { "--config", self->config != NULL },
    { "--base-url", self->base_url != NULL },
    { "--own-host", self->own_host },
    { "--key-file", self->key_file != NULL },
    { "--patience", self->patience_text != NULL },
    { "--cancel-on-interrupt", self->cancel_on_interrupt },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (options); i++)
    if (options[i].given)
      {
        cli_usage (_ ("%s: is for remote backends only; see --backend"), options[i].option);
        return FALSE;
      }
  return TRUE;
}

gboolean
cli_edit_options_check (CliEditOptions *self, int *status)
{
  const guint count = g_strv_length (self->inputs);

  *status = CLI_EXIT_USAGE;
  if (count == 0)
    cli_usage (_ ("INPUT: the photo to edit is missing"));
  else if (count > INPUTS_MAX)
    cli_usage (_ ("INPUT: %u are given; at most %d are taken"), count, INPUTS_MAX);
  else if (self->prompt == NULL)
    cli_usage (_ ("--prompt: is missing"));
  else if (self->output == NULL)
    cli_usage (_ ("--output: is missing"));
  else if (check_not_remote (self) && check_values (self))
    return check_files (self, status);

  return FALSE;
}

JsonObject *
cli_edit_options_get_parameters (const CliEditOptions *self)
{
  const struct
  {
    const char *name, *value;
  } texts[] = {
    { "prompt", self->prompt }, { "negative_prompt", self->negative_prompt },
    { "size", self->size },     { "multi_ref", self->multi_ref },
    { "device", self->device }, { "dtype", self->dtype },
    { "blas", self->blas },     { "vae_tiling", self->vae_tiling },
  };
  JsonObject *parameters = json_object_new ();

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      if (texts[i].value != NULL)
        json_object_set_string_member (parameters, texts[i].name, texts[i].value);
    }

  if (self->seed <= G_MAXINT64)
    json_object_set_int_member (parameters, "seed", (gint64) self->seed);
  else
    {
      g_autofree char *seed = g_strdup_printf ("%" G_GUINT64_FORMAT, self->seed);

      json_object_set_string_member (parameters, "seed", seed);
    }

  if (self->true_cfg_text != NULL)
    json_object_set_double_member (parameters, "true_cfg", self->true_cfg);
  if (self->no_cache)
    json_object_set_boolean_member (parameters, "disk_cache", FALSE);
  if (self->step_cache > 0)
    json_object_set_double_member (parameters, "step_cache", self->step_cache);
  if (self->steps_text != NULL)
    json_object_set_int_member (parameters, "steps", g_ascii_strtoll (self->steps_text, NULL, 10));
  if (self->vram > 0)
    json_object_set_double_member (parameters, "vram", self->vram);
  if (self->threads_text != NULL)
    json_object_set_int_member (parameters, "threads",
                                g_ascii_strtoll (self->threads_text, NULL, 10));
  if (self->guidance_text != NULL)
    json_object_set_double_member (parameters, "guidance",
                                   g_ascii_strtod (self->guidance_text, NULL));
  cli_loras_set (self->loras, self->lora_partial, parameters);

  return parameters;
}

void
cli_edit_options_clear (CliEditOptions *self)
{
  char *texts[]
      = { self->prompt,          self->output,       self->model,      self->backend,
          self->negative_prompt, self->seed_text,    self->steps_text, self->guidance_text,
          self->true_cfg_text,   self->threads_text, self->size,       self->multi_ref,
          self->device,          self->dtype,        self->noise,      self->dump,
          self->step_cache_text, self->vae_tiling,   self->base_url,   self->key_file,
          self->patience_text,   self->vram_text,    self->blas };

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    g_free (texts[i]);
  g_strfreev (self->inputs);
  g_strfreev (self->config);
  g_strfreev (self->settings);
  g_strfreev (self->loras);
  g_strfreev (self->component_texts);
  cli_keep_clear (&self->keep);
  *self = (CliEditOptions){ NULL };
}
