/* SPDX-License-Identifier: MIT */
/* Files that are no part of a FLUX.1 Kontext model, or a wrong one, are refused with a message that
 * names file and tensor and says what to do; so are models that lack something. */
#include "check.h"

#include "espalier-engine.h"
#include "files/component-names.h"
#include "scratch.h"

#define SIDE 8

static const char *folder;

/* A tensor of zeros. */
typedef struct Tensor
{
  const char *name;
  int dims;
  int64_t shape[4];
} Tensor;

static void
write_file (const char *name, const Tensor *tensors, int count)
{
  static const float zeros[1 << 14];
  EspError error = ESP_ERROR_INIT;
  EspWeight weights[64];

  for (int i = 0; i < count; i++)
    {
      weights[i] = (EspWeight){ .name = tensors[i].name,
                                .dtype = ESP_F32,
                                .dims = tensors[i].dims,
                                .count = 1,
                                .data = zeros };
      for (int d = 0; d < tensors[i].dims; d++)
        {
          weights[i].shape[d] = tensors[i].shape[d];
          weights[i].count *= tensors[i].shape[d];
        }
    }
  CHECK_STATUS (esp_safetensors_write (scratch_path (name), weights, count, &error), ESP_OK, error);
}

/* One double block and what belongs around it, as BFL names them; enough to be recognised. */
static const Tensor flux[] = {
  { "img_in.weight", 2, { SIDE, 4 } },
  { "txt_in.weight", 2, { SIDE, 6 } },
  { "vector_in.in_layer.weight", 2, { SIDE, 6 } },
  { "final_layer.linear.weight", 2, { 4, SIDE } },
  { "double_blocks.0.img_attn.qkv.weight", 2, { 3 * SIDE, SIDE } },
  { "double_blocks.0.img_attn.norm.key_norm.scale", 1, { SIDE } },
  { "double_blocks.0.img_mlp.0.weight", 2, { 4 * SIDE, SIDE } },
};
#define FLUX_COUNT ((int) (sizeof flux / sizeof *flux))

/* Opens a file with the tensors of `flux` but for number `without` (-1: all), and `more`. */
static EspStatus
open_flux (int without, const Tensor *more, int more_count, EspError *error)
{
  Tensor tensors[FLUX_COUNT + 8];
  EspModelParts parts = { .path = NULL };
  EspModel *model = NULL;
  int count = 0;
  EspStatus status;

  for (int i = 0; i < FLUX_COUNT; i++)
    if (i != without)
      tensors[count++] = flux[i];
  for (int i = 0; i < more_count; i++)
    tensors[count++] = more[i];
  write_file ("flux.safetensors", tensors, count);
  parts.path = scratch_path ("flux.safetensors");
  status = esp_model_open_parts (&parts, &model, error);
  esp_model_close (model);
  return status;
}

static void
what_is_missing_is_listed (void)
{
  static const char *const named[]
      = { "CLIP text encoder", "T5 text encoder", "autoencoder",   "tokenizer of CLIP",
          "tokenizer of T5",   "clip=FILE",       "tokenizer=DIR", "--component" };
  EspError error = ESP_ERROR_INIT;

  CHECK_STATUS (open_flux (-1, NULL, 0, &error), ESP_ERROR_FILE, error);
  for (size_t i = 0; i < sizeof named / sizeof *named; i++)
    CHECK_MESSAGE (error, named[i]);
}

static void
other_architectures_are_named (void)
{
  static const struct
  {
    Tensor tensor;
    const char *named;
  } others[] = {
    { { "model.diffusion_model.input_blocks.0.0.weight", 1, { 1 } }, "Stable Diffusion" },
    { { "model.diffusion_model.label_emb.0.0.weight", 1, { 1 } }, "Stable Diffusion XL" },
    { { "model.diffusion_model.joint_blocks.0.x_block.attn.qkv.weight", 1, { 1 } },
      "Stable Diffusion 3" },
    { { "transformer_blocks.0.img_mod.1.weight", 1, { 1 } }, "Qwen-Image" },
    { { "lora_unet_double_blocks_0_img_attn_qkv.lora_down.weight", 1, { 1 } }, "--lora" },
    { { "blk.0.attn_norm.weight", 1, { 1 } }, "language model" },
    { { "encoder.mid.block_1.conv1.weight", 1, { 1 } }, "--component vae=FILE" },
    { { "text_model.embeddings.token_embedding.weight", 1, { 1 } }, "--component clip=FILE" },
    { { "enc.blk.0.attn_q.weight", 1, { 1 } }, "--component t5=FILE" },
    { { "something.else", 1, { 1 } }, "none of its 1 tensors" },
  };

  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    {
      EspError error = ESP_ERROR_INIT;
      EspModel *model = NULL;

      write_file ("other.safetensors", &others[i].tensor, 1);
      CHECK_STATUS (esp_model_open (scratch_path ("other.safetensors"), &model, &error),
                    ESP_ERROR_UNSUPPORTED, error);
      CHECK_MESSAGE (error, others[i].named);
      CHECK_MESSAGE (error, "other.safetensors");
      esp_model_close (model);
    }
}

/* What else makes a file with FLUX's tensors one of another model. */
static void
relatives_of_the_model_are_named (void)
{
  static const struct
  {
    Tensor tensor;
    const char *named;
  } relatives[] = {
    { { "distilled_guidance_layer.in_proj.weight", 1, { 1 } }, "Chroma" },
    { { "double_stream_modulation_img.lin.weight", 1, { 1 } }, "FLUX.2" },
    { { "controlnet_x_embedder.weight", 1, { 1 } }, "ControlNet" },
    { { "double_blocks.0.img_attn.qkv.weight.quant_state.bitsandbytes__nf4", 1, { 1 } },
      "bitsandbytes" },
  };

  for (size_t i = 0; i < sizeof relatives / sizeof *relatives; i++)
    {
      EspError error = ESP_ERROR_INIT;

      CHECK_STATUS (open_flux (-1, &relatives[i].tensor, 1, &error), ESP_ERROR_UNSUPPORTED, error);
      CHECK_MESSAGE (error, relatives[i].named);
    }
}

typedef struct Wrong
{
  int without; /* number in `flux` */
  Tensor instead;
  EspStatus status;
  const char *named;
} Wrong;

/* All that is found without a companion; the files beside it come first. */
static void
wrong_shapes_are_named (void)
{
  static const Wrong wrongs[] = {
    { 0, { "img_in.weight", 2, { SIDE, 24 } }, ESP_ERROR_UNSUPPORTED, "FLUX.1 Fill" },
    { 0, { "img_in.weight", 2, { SIDE, 8 } }, ESP_ERROR_UNSUPPORTED, "Depth or Canny" },
    { 0, { "img_in.weight", 1, { SIDE } }, ESP_ERROR_FORMAT, "img_in.weight" },
    { 0, { "img_in.other", 1, { SIDE } }, ESP_ERROR_FORMAT, "'img_in.weight' is missing" },
    { 4,
      { "double_blocks.0.img_attn.qkv.weight", 2, { 3 * SIDE + 1, SIDE } },
      ESP_ERROR_FORMAT,
      "double_blocks.0.img_attn.qkv.weight" },
    { 4,
      { "double_blocks.0.img_attn.qkv.weight", 3, { 3, SIDE, SIDE } },
      ESP_ERROR_FORMAT,
      "double_blocks.0.img_attn.qkv.weight" },
    { -1,
      { "single_blocks.0.linear1.weight", 2, { 3 * SIDE, SIDE } },
      ESP_ERROR_FORMAT,
      "single_blocks.0.linear1.weight" },
    { -1,
      { "single_blocks.2000000000.linear2.weight", 2, { SIDE, SIDE } },
      ESP_ERROR_FORMAT,
      "single_blocks.2000000000" },
    { -1,
      { "final_layer.adaLN_modulation.1.weight", 2, { 2 * SIDE + 1, SIDE } },
      ESP_ERROR_FORMAT,
      "final_layer.adaLN_modulation.1.weight" },
    { -1,
      { "double_blocks.2.img_mod.lin.weight", 2, { 6 * SIDE, SIDE } },
      ESP_ERROR_FORMAT,
      "is missing" },
    { -1,
      { "double_blocks.0.img_attn.norm.key_norm.weight", 1, { SIDE } },
      ESP_ERROR_FORMAT,
      "key_norm" },
    { 2,
      { "vector_in.in_layer.weight", 2, { SIDE, 0 } },
      ESP_ERROR_FORMAT,
      "vector_in.in_layer.weight" },
  };
  const char *demo = getenv ("ESP_DEMO_MODEL");
  char others[5][600];

  /* Everything else is there. */
  for (int i = 0; i < 5; i++)
    snprintf (
        others[i], sizeof others[i], "%s/%s", demo,
        (const char *[]){ "text_encoder", "text_encoder_2", "vae", "tokenizer", "tokenizer_2" }[i]);

  for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++)
    {
      EspError error = ESP_ERROR_INIT;
      Tensor tensors[FLUX_COUNT + 1];
      const EspModelParts parts = { .path = scratch_path ("wrong.safetensors"),
                                    .clip = others[0],
                                    .t5 = others[1],
                                    .vae = others[2],
                                    .tokenizer = others[3],
                                    .tokenizer_2 = others[4] };
      EspModel *model = NULL;
      int count = 0;

      for (int t = 0; t < FLUX_COUNT; t++)
        if (t != wrongs[i].without)
          tensors[count++] = flux[t];
      tensors[count++] = wrongs[i].instead;
      write_file ("wrong.safetensors", tensors, count);
      CHECK_STATUS (esp_model_open_parts (&parts, &model, &error), wrongs[i].status, error);
      CHECK_MESSAGE (error, wrongs[i].named);
      CHECK_MESSAGE (error, "wrong.safetensors");
      esp_model_close (model);
    }
}

static void
missing_tensors_have_the_names_of_the_file (void)
{
  EspError error = ESP_ERROR_INIT;
  EspWeights *weights = NULL;
  const EspWeight *weight;
  char *config = NULL;
  static const struct
  {
    const char *canonical, *stored;
  } names[] = {
    { "transformer_blocks.3.attn.add_k_proj.bias", "double_blocks.3.txt_attn.qkv.bias" },
    { "single_transformer_blocks.0.proj_mlp.weight", "single_blocks.0.linear1.weight" },
    { "norm_out.linear.weight", "final_layer.adaLN_modulation.1.weight" },
  };

  write_file ("names.safetensors", flux, FLUX_COUNT);
  CHECK_STATUS (esp_component_open (scratch_path ("names.safetensors"), ESP_COMPONENT_TRANSFORMER,
                                    &weights, &config, &error),
                ESP_OK, error);
  CHECK (config == NULL);
  CHECK (weights != NULL && esp_component_depth (weights, "transformer_blocks.") == 1);
  for (size_t i = 0; weights != NULL && i < sizeof names / sizeof *names; i++)
    {
      CHECK_STATUS (
          esp_weights_require (weights, names[i].canonical, 1, (int64_t[]){ 1 }, &weight, &error),
          ESP_ERROR_FORMAT, error);
      CHECK_MESSAGE (error, names[i].stored);
      CHECK_MESSAGE (error, names[i].canonical);
    }
  esp_weights_close (weights);
}

static void
fused_rows_are_cut (void)
{
  static const char *const parts[] = { "to_q", "to_k", "to_v" };
  static float numbers[3 * SIDE * SIDE];
  EspError error = ESP_ERROR_INIT;
  EspWeights *weights = NULL;
  char *config = NULL;
  EspWeight fused = { .name = "p.double_blocks.0.img_attn.qkv.weight",
                      .dtype = ESP_F32,
                      .dims = 2,
                      .shape = { 3 * SIDE, SIDE },
                      .count = 3 * SIDE * SIDE,
                      .data = numbers };

  for (int i = 0; i < 3 * SIDE * SIDE; i++)
    numbers[i] = (float) i;
  CHECK_STATUS (esp_safetensors_write (scratch_path ("fused.safetensors"), &fused, 1, &error),
                ESP_OK, error);
  CHECK_STATUS (esp_component_open (scratch_path ("fused.safetensors"), ESP_COMPONENT_TRANSFORMER,
                                    &weights, &config, &error),
                ESP_OK, error);
  for (int i = 0; weights != NULL && i < 3; i++)
    {
      char name[80];
      const EspWeight *weight;
      float first;

      snprintf (name, sizeof name, "transformer_blocks.0.attn.%s.weight", parts[i]);
      weight = esp_weights_find (weights, name);
      CHECK (weight != NULL && weight->shape[0] == SIDE && weight->shape[1] == SIDE);
      if (weight == NULL)
        continue;
      esp_weight_to_f32 (weight, 0, 1, &first);
      CHECK (first == (float) (i * SIDE * SIDE));
      CHECK (strcmp (weight->name, fused.name) == 0);
    }
  esp_weights_close (weights);
}

/* What the naming's rows say with '#' and '*' is of no meaning in a file's own names. */
static void
names_of_files_are_no_patterns (void)
{
  static const char odd[] = "encoder.#.#.#.#.#.#.#.#.*.##########*";
  static const Tensor t5[] = {
    { "t5.encoder.block.0.layer.0.SelfAttention.q.weight", 2, { SIDE, SIDE } },
    { "t5.encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight", 2, { 4, 2 } },
    { "t5.encoder.block.0.layer.0.layer_norm.weight", 1, { SIDE } },
    { "t5.encoder.#.#.#.#.#.#.#.#.*.##########*", 1, { SIDE } },
  };
  EspError error = ESP_ERROR_INIT;
  EspWeights *weights = NULL;
  const EspWeight *weight;
  char *config = NULL;

  write_file ("patterns.safetensors", t5, sizeof t5 / sizeof *t5);
  CHECK_STATUS (esp_component_open (scratch_path ("patterns.safetensors"), ESP_COMPONENT_T5,
                                    &weights, &config, &error),
                ESP_OK, error);
  if (weights == NULL)
    return;
  weight = esp_weights_find (weights, odd);
  CHECK (weight != NULL && strcmp (weight->name, t5[3].name) == 0);
  CHECK_STATUS (
      esp_weights_require (weights, "encoder.*.#.#.#", 1, (int64_t[]){ 1 }, &weight, &error),
      ESP_ERROR_FORMAT, error);
  CHECK_MESSAGE (error, "t5.encoder.*.#.#.#");
  free (config);
  esp_weights_close (weights);
}

static void
parts_that_are_not_there_are_named (void)
{
  EspError error = ESP_ERROR_INIT;
  EspModel *model = NULL;

  CHECK_STATUS (esp_model_open_parts (&(EspModelParts){ .clip = "/tmp" }, &model, &error),
                ESP_ERROR_ARGUMENT, error);
  CHECK_STATUS (esp_model_open_parts (&(EspModelParts){ .path = getenv ("ESP_DEMO_MODEL"),
                                                        .vae = "/nonexistent/ae.safetensors" },
                                      &model, &error),
                ESP_ERROR_FILE, error);
  CHECK_MESSAGE (error, "/nonexistent/ae.safetensors");
  CHECK_MESSAGE (error, "vae");
  CHECK_STATUS (esp_model_open (folder, &model, &error), ESP_ERROR_FILE, error);
}

int
main (void)
{
  folder = scratch_open ();
  CASE (what_is_missing_is_listed);
  CASE (other_architectures_are_named);
  CASE (relatives_of_the_model_are_named);
  CASE (wrong_shapes_are_named);
  CASE (missing_tensors_have_the_names_of_the_file);
  CASE (fused_rows_are_cut);
  CASE (names_of_files_are_no_patterns);
  CASE (parts_that_are_not_there_are_named);
  scratch_close ();
  return check_done ();
}
