/* SPDX-License-Identifier: GPL-3.0-or-later */
/* wide-model: writes a FLUX.1 Kontext of the true widths with random weights.
 *
 *     wide-model [OPTIONS] FOLDER
 *
 *     --names diffusers|single   a complete folder (the default), or flux.safetensors or flux.gguf,
 *                                ae.safetensors, clip_l.safetensors and t5xxl.*
 *     --type TYPE                of the transformer: f32, bf16 (the default), fp8, q8_0, q4_k
 *     --t5-type TYPE             of T5, bf16 unless said
 *     --double N --single N      blocks, 2 and 4; the real model has 19 and 38
 *     --t5-layers N              1; the real one has 24
 *     --clip-layers N            2; the real one has 12
 *     --t5-tokens N              of the complete folder's manifest: 256; the real one has 512
 *     --parts LIST               of transformer,vae,clip,t5; others are left as they are
 *     --tokenizers FOLDER        with tokenizer and tokenizer_2, for a complete folder
 *
 * Values are the same in all formats and names. Blocks of GGUF formats in a complete folder are
 * files of their own: diffusers knows none there, Espalier opens them with --component.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "wide-file.h"

typedef struct Options
{
  WideNames names;
  WideType type, t5_type;
  int double_blocks, single_blocks, t5_layers, clip_layers, t5_tokens;
  const char *parts, *tokenizers, *folder;
} Options;

static void
fail (const char *what, const char *name)
{
  fprintf (stderr, "wide-model: %s%s%s\n", what, name[0] == '\0' ? "" : ": ", name);
  exit (1);
}

static bool
wanted (const Options *options, const char *part)
{
  const char *at = strstr (options->parts, part);
  size_t length = strlen (part);

  return at != NULL && (at == options->parts || at[-1] == ',')
         && (at[length] == ',' || at[length] == '\0');
}

static void
make_folder (const char *path)
{
  if (mkdir (path, 0777) != 0)
    {
      struct stat is;

      if (stat (path, &is) != 0 || !S_ISDIR (is.st_mode))
        fail ("cannot make the folder", path);
    }
}

static void
write_text (const Options *options, const char *folder, const char *name, const char *text)
{
  char path[4096];
  FILE *file;

  snprintf (path, sizeof path, "%s/%s/%s", options->folder, folder, name);
  file = fopen (path, "w");
  if (file == NULL || fputs (text, file) < 0 || fclose (file) != 0)
    fail ("cannot write", path);
}

static void
write_part (const Options *options, const char *folder, const char *name, const WideList *list,
            WideType type, const char *architecture)
{
  char path[4096];
  bool block = wide_type_is_block (type);

  snprintf (path, sizeof path, "%s/%s%s%s.%s", options->folder, folder, folder[0] ? "/" : "", name,
            block ? "gguf" : "safetensors");
  fprintf (stderr, "%s (%s)\n", path, wide_type_name (type));
  if (!wide_file_write (path, list, type, block ? architecture : NULL))
    exit (1);
}

static void
write_transformer (const Options *options)
{
  bool single = options->names == WIDE_SINGLE;
  WideList list = { 0 };
  char text[1024];

  wide_list_transformer (&list, wide_type_is_block (options->type) ? WIDE_SINGLE : options->names,
                         options->double_blocks, options->single_blocks);
  write_part (options, single ? "" : "transformer", single ? "flux" : "diffusion_pytorch_model",
              &list, options->type, "flux");
  wide_list_clear (&list);
  if (single)
    return;
  snprintf (text, sizeof text,
            "{\n  \"_class_name\": \"FluxTransformer2DModel\",\n  \"attention_head_dim\": 128,\n"
            "  \"axes_dims_rope\": [16, 56, 56],\n  \"guidance_embeds\": true,\n"
            "  \"in_channels\": %d,\n  \"joint_attention_dim\": %d,\n"
            "  \"num_attention_heads\": %d,\n  \"num_layers\": %d,\n  \"num_single_layers\": %d,\n"
            "  \"out_channels\": null,\n  \"patch_size\": 1,\n  \"pooled_projection_dim\": %d\n}\n",
            WIDE_CHANNELS, WIDE_JOINT, WIDE_HIDDEN / 128, options->double_blocks,
            options->single_blocks, WIDE_POOLED);
  write_text (options, "transformer", "config.json", text);
}

static void
write_vae (const Options *options)
{
  bool single = options->names == WIDE_SINGLE;
  WideList list = { 0 };

  wide_list_vae (&list, options->names);
  write_part (options, single ? "" : "vae", single ? "ae" : "diffusion_pytorch_model", &list,
              WIDE_F32, NULL);
  wide_list_clear (&list);
  if (!single)
    write_text (options, "vae", "config.json",
                "{\n  \"_class_name\": \"AutoencoderKL\",\n  \"act_fn\": \"silu\",\n"
                "  \"block_out_channels\": [128, 256, 512, 512],\n"
                "  \"down_block_types\": [\"DownEncoderBlock2D\", \"DownEncoderBlock2D\", "
                "\"DownEncoderBlock2D\", \"DownEncoderBlock2D\"],\n"
                "  \"up_block_types\": [\"UpDecoderBlock2D\", \"UpDecoderBlock2D\", "
                "\"UpDecoderBlock2D\", \"UpDecoderBlock2D\"],\n"
                "  \"force_upcast\": true,\n  \"in_channels\": 3,\n  \"latent_channels\": 16,\n"
                "  \"layers_per_block\": 2,\n  \"mid_block_add_attention\": true,\n"
                "  \"norm_num_groups\": 32,\n  \"out_channels\": 3,\n  \"sample_size\": 1024,\n"
                "  \"scaling_factor\": 0.3611,\n  \"shift_factor\": 0.1159,\n"
                "  \"use_post_quant_conv\": false,\n  \"use_quant_conv\": false\n}\n");
}

/* A number of the tokenizer's that config.json repeats. */
static long
number_after (const char *text, const char *key)
{
  const char *at = strstr (text, key);

  return at != NULL ? strtol (at + strlen (key), NULL, 10) : -1;
}

/* The ids of the demo model's CLIP tokenizer stand in its encoder's config. */
static long
end_token (const Options *options)
{
  char path[4096], text[8192] = "";
  long id = -1;
  FILE *file;

  snprintf (path, sizeof path, "%s/text_encoder/config.json", options->tokenizers);
  file = fopen (path, "r");
  if (file != NULL)
    {
      text[fread (text, 1, sizeof text - 1, file)] = '\0';
      fclose (file);
      id = number_after (text, "\"eos_token_id\":");
    }
  return id >= 0 ? id : 49407;
}

static void
write_clip (const Options *options)
{
  bool single = options->names == WIDE_SINGLE;
  long end = end_token (options);
  WideList list = { 0 };
  char text[1024];

  wide_list_clip (&list, options->clip_layers);
  write_part (options, single ? "" : "text_encoder", single ? "clip_l" : "model", &list, WIDE_BF16,
              NULL);
  wide_list_clear (&list);
  if (single)
    return;
  snprintf (
      text, sizeof text,
      "{\n  \"architectures\": [\"CLIPTextModel\"],\n  \"bos_token_id\": %ld,\n"
      "  \"eos_token_id\": %ld,\n  \"pad_token_id\": %ld,\n  \"hidden_act\": \"quick_gelu\",\n"
      "  \"hidden_size\": %d,\n  \"intermediate_size\": %d,\n  \"layer_norm_eps\": 1e-05,\n"
      "  \"max_position_embeddings\": %d,\n  \"model_type\": \"clip_text_model\",\n"
      "  \"num_attention_heads\": %d,\n  \"num_hidden_layers\": %d,\n"
      "  \"projection_dim\": %d,\n  \"vocab_size\": %d\n}\n",
      end - 1, end, end, WIDE_POOLED, WIDE_CLIP_MLP, WIDE_CLIP_PLACES, WIDE_CLIP_HEADS,
      options->clip_layers, WIDE_POOLED, WIDE_CLIP_WORDS);
  write_text (options, "text_encoder", "config.json", text);
}

static void
write_t5 (const Options *options)
{
  bool single = options->names == WIDE_SINGLE;
  WideList list = { 0 };
  char text[1024];

  wide_list_t5 (&list, wide_type_is_block (options->t5_type) ? WIDE_SINGLE : WIDE_DIFFUSERS,
                options->t5_layers);
  write_part (options, single ? "" : "text_encoder_2", single ? "t5xxl" : "model", &list,
              options->t5_type, "t5encoder");
  wide_list_clear (&list);
  if (single)
    return;
  snprintf (text, sizeof text,
            "{\n  \"architectures\": [\"T5EncoderModel\"],\n  \"d_ff\": %d,\n  \"d_kv\": %d,\n"
            "  \"d_model\": %d,\n  \"dense_act_fn\": \"gelu_new\",\n  \"eos_token_id\": 1,\n"
            "  \"feed_forward_proj\": \"gated-gelu\",\n  \"is_encoder_decoder\": false,\n"
            "  \"is_gated_act\": true,\n  \"layer_norm_epsilon\": 1e-06,\n"
            "  \"model_type\": \"t5\",\n  \"num_heads\": %d,\n  \"num_layers\": %d,\n"
            "  \"pad_token_id\": 0,\n  \"relative_attention_max_distance\": 128,\n"
            "  \"relative_attention_num_buckets\": 32,\n  \"vocab_size\": %d\n}\n",
            WIDE_T5_MLP, WIDE_JOINT / WIDE_T5_HEADS, WIDE_JOINT, WIDE_T5_HEADS, options->t5_layers,
            WIDE_T5_WORDS);
  write_text (options, "text_encoder_2", "config.json", text);
}

static void
copy_file (const Options *options, const char *name)
{
  char from[4096], to[4096], buffer[65536];
  size_t some;
  FILE *in, *out;

  snprintf (from, sizeof from, "%s/%s", options->tokenizers, name);
  snprintf (to, sizeof to, "%s/%s", options->folder, name);
  in = fopen (from, "r");
  if (in == NULL)
    return;
  out = fopen (to, "w");
  if (out == NULL)
    fail ("cannot write", to);
  while ((some = fread (buffer, 1, sizeof buffer, in)) > 0)
    if (fwrite (buffer, 1, some, out) != some)
      fail ("cannot write", to);
  fclose (in);
  if (fclose (out) != 0)
    fail ("cannot write", to);
}

static void
write_folder (const Options *options)
{
  static const char *const folders[]
      = { "transformer", "vae",         "text_encoder", "text_encoder_2",
          "tokenizer",   "tokenizer_2", "scheduler" };
  static const char *const copied[] = {
    "model_index.json",
    "scheduler/scheduler_config.json",
    "tokenizer/merges.txt",
    "tokenizer/special_tokens_map.json",
    "tokenizer/tokenizer_config.json",
    "tokenizer/vocab.json",
    "tokenizer_2/special_tokens_map.json",
    "tokenizer_2/spiece.model",
    "tokenizer_2/tokenizer.json",
    "tokenizer_2/tokenizer_config.json",
  };

  for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
    if (options->names == WIDE_DIFFUSERS || strncmp (folders[i], "tokenizer", 9) == 0)
      {
        char path[4096];

        snprintf (path, sizeof path, "%s/%s", options->folder, folders[i]);
        make_folder (path);
      }
  for (size_t i = options->names == WIDE_DIFFUSERS ? 0 : 2; i < sizeof copied / sizeof *copied; i++)
    copy_file (options, copied[i]);
}

static void
write_manifest (const Options *options)
{
  char text[512];

  snprintf (text, sizeof text,
            "{\n  \"id\": \"wide\",\n  \"name\": \"Random weights of the true widths\",\n"
            "  \"kind\": \"full\",\n  \"licence\": \"CC0-1.0\",\n  \"source\": \"\",\n"
            "  \"t5_tokens\": %d,\n  \"default_steps\": 4,\n  \"default_guidance\": 2.5\n}\n",
            options->t5_tokens);
  write_text (options, ".", "espalier.json", text);
}

static int
number (const char *text, const char *option)
{
  char *end;
  long value = strtol (text, &end, 10);

  if (*text == '\0' || *end != '\0' || value < 0 || value > 1000)
    fail ("not a number of layers", option);
  return (int) value;
}

static WideType
type (const char *name)
{
  WideType found = WIDE_BF16;

  if (!wide_type_from_name (name, &found))
    fail ("no such number format", name);
  return found;
}

static void
read_option (Options *options, const char *name, const char *value)
{
  if (strcmp (name, "--names") == 0 && strcmp (value, "diffusers") == 0)
    options->names = WIDE_DIFFUSERS;
  else if (strcmp (name, "--names") == 0 && strcmp (value, "single") == 0)
    options->names = WIDE_SINGLE;
  else if (strcmp (name, "--type") == 0)
    options->type = type (value);
  else if (strcmp (name, "--t5-type") == 0)
    options->t5_type = type (value);
  else if (strcmp (name, "--double") == 0)
    options->double_blocks = number (value, name);
  else if (strcmp (name, "--single") == 0)
    options->single_blocks = number (value, name);
  else if (strcmp (name, "--t5-layers") == 0)
    options->t5_layers = number (value, name);
  else if (strcmp (name, "--clip-layers") == 0)
    options->clip_layers = number (value, name);
  else if (strcmp (name, "--t5-tokens") == 0)
    options->t5_tokens = number (value, name);
  else if (strcmp (name, "--parts") == 0)
    options->parts = value;
  else if (strcmp (name, "--tokenizers") == 0)
    options->tokenizers = value;
  else
    fail ("no such option", name);
}

int
main (int argc, char **argv)
{
  Options options = { .type = WIDE_BF16,
                      .t5_type = WIDE_BF16,
                      .double_blocks = 2,
                      .single_blocks = 4,
                      .t5_layers = 1,
                      .clip_layers = 2,
                      .t5_tokens = 256,
                      .parts = "transformer,vae,clip,t5",
                      .tokenizers = "data/models/demo" };
  int i;

  for (i = 1; i + 1 < argc && strncmp (argv[i], "--", 2) == 0; i += 2)
    read_option (&options, argv[i], argv[i + 1]);
  if (i != argc - 1 || argv[i][0] == '-')
    fail ("usage: wide-model [OPTIONS] FOLDER; see the head of wide-model.c", "");
  options.folder = argv[i];
  make_folder (options.folder);
  write_folder (&options);
  if (options.names == WIDE_DIFFUSERS)
    write_manifest (&options);
  if (wanted (&options, "vae"))
    write_vae (&options);
  if (wanted (&options, "clip"))
    write_clip (&options);
  if (wanted (&options, "t5"))
    write_t5 (&options);
  if (wanted (&options, "transformer"))
    write_transformer (&options);
  return 0;
}
