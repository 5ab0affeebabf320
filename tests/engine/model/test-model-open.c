/* SPDX-License-Identifier: MIT */
/* A model folder in which something is wrong is refused with a message that names it. */
#include "check.h"

#include "espalier-engine.h"
#include "model-fixture.h"

#define TRANSFORMER "transformer/diffusion_pytorch_model.safetensors"

/* Opens the (broken) fixture and makes a small edit if it opens: weights are only looked at then.
 */
static EspStatus
open_and_edit (const char *folder, EspError *error)
{
  static uint8_t pixels[16 * 16 * 3];
  EspImage image = { pixels, 16, 16 };
  EspEditRequest request = ESP_EDIT_REQUEST_INIT;
  EspEditResult result;
  EspModel *model = NULL;
  EspStatus status = esp_model_open (folder, &model, error);

  if (status == ESP_OK)
    {
      request.prompt = "make it snow";
      request.images = &image;
      request.image_count = 1;
      request.steps = 1;
      request.size_mode = ESP_SIZE_MATCH;
      request.dtype = ESP_DTYPE_F32;
      status = esp_model_edit (model, &request, NULL, &result, error);
      if (status == ESP_OK)
        esp_edit_result_clear (&result);
    }
  esp_model_close (model);
  return status;
}

static char *
demo (void)
{
  char *folder = fixture_new (getenv ("ESP_DEMO_MODEL"));

  CHECK (folder != NULL);
  return folder;
}

static void
the_demo_model_opens_through_links (void)
{
  EspError error = ESP_ERROR_INIT;
  char *folder = demo ();

  CHECK_STATUS (open_and_edit (folder, &error), ESP_OK, error);
  fixture_free (folder);
}

typedef struct Edit
{
  const char *file, *before, *after;
  EspStatus status;
  const char *named;
} Edit;

static void
every_wrong_field_is_named (void)
{
  static const Edit edits[] = {
    { "model_index.json", "FluxKontextPipeline", "StableDiffusionPipeline", ESP_ERROR_UNSUPPORTED,
      "StableDiffusionPipeline" },
    { "model_index.json", "\"_class_name\"", "\"_other\"", ESP_ERROR_FORMAT, "_class_name" },
    { "model_index.json", "{", "[", ESP_ERROR_FORMAT, "model_index.json" },
    { "transformer/config.json", "\"num_attention_heads\": 6", "\"num_attention_heads\": 7",
      ESP_ERROR_FORMAT, "tensor" },
    { "transformer/config.json", "\"num_attention_heads\": 6", "\"num_attention_heads\": 6.5",
      ESP_ERROR_FORMAT, "num_attention_heads" },
    { "transformer/config.json", "\"num_layers\": 2", "\"num_layers\": 3", ESP_ERROR_FORMAT,
      "transformer_blocks.2" },
    { "transformer/config.json", "\"num_layers\": 2", "\"num_layers\": 2000000000",
      ESP_ERROR_FORMAT, "num_layers" },
    { "transformer/config.json", "\"num_layers\": 2", "\"num_layers\": \"2\"", ESP_ERROR_FORMAT,
      "num_layers" },
    { "transformer/config.json", "FluxTransformer2DModel", "SD3Transformer2DModel",
      ESP_ERROR_UNSUPPORTED, "SD3Transformer2DModel" },
    { "transformer/config.json", "\"patch_size\": 1", "\"patch_size\": 2", ESP_ERROR_UNSUPPORTED,
      "patch_size" },
    { "transformer/config.json", "14,", "13,", ESP_ERROR_FORMAT, "axes_dims_rope" },
    { "transformer/config.json", "\"joint_attention_dim\": 128", "\"joint_attention_dim\": 64",
      ESP_ERROR_FORMAT, "context_embedder.weight" },
    { "vae/config.json", "\"norm_num_groups\": 8", "\"norm_num_groups\": 7", ESP_ERROR_FORMAT,
      "norm_num_groups" },
    { "vae/config.json", "\"latent_channels\": 16", "\"latent_channels\": 8", ESP_ERROR_FORMAT,
      "encoder.conv_out" },
    { "vae/config.json", "\"silu\"", "\"mish\"", ESP_ERROR_UNSUPPORTED, "act_fn" },
    { "vae/config.json", "\"scaling_factor\": 1.0684189437276457", "\"scaling_factor\": 0",
      ESP_ERROR_FORMAT, "scaling_factor" },
    { "text_encoder/config.json", "quick_gelu", "relu", ESP_ERROR_UNSUPPORTED, "hidden_act" },
    { "text_encoder/config.json", "\"num_attention_heads\": 4", "\"num_attention_heads\": 3",
      ESP_ERROR_FORMAT, "num_attention_heads" },
    { "text_encoder/config.json", "\"vocab_size\": 1119", "\"vocab_size\": 1000", ESP_ERROR_FORMAT,
      "token_embedding" },
    { "text_encoder_2/config.json", "gated-gelu", "relu", ESP_ERROR_UNSUPPORTED,
      "feed_forward_proj" },
    { "text_encoder_2/config.json", "\"d_ff\": 256", "\"d_ff\": 255", ESP_ERROR_FORMAT, "wi_0" },
    { "scheduler/scheduler_config.json", "FlowMatchEulerDiscreteScheduler", "DDIMScheduler",
      ESP_ERROR_UNSUPPORTED, "DDIMScheduler" },
    { "espalier.json", "\"t5_tokens\": 64", "\"t5_tokens\": -1", ESP_ERROR_FORMAT, "t5_tokens" },
  };

  for (size_t i = 0; i < sizeof edits / sizeof *edits; i++)
    {
      EspError error = ESP_ERROR_INIT;
      char *folder = demo ();

      if (!fixture_edit (folder, edits[i].file, edits[i].before, edits[i].after))
        printf ("# %s: no %s\n", edits[i].file, edits[i].before);
      CHECK_STATUS (open_and_edit (folder, &error), edits[i].status, error);
      CHECK_MESSAGE (error, edits[i].named);
      CHECK_MESSAGE (error, edits[i].file[0] == 'm' ? "model_index.json" : folder);
      fixture_free (folder);
    }
}

static void
every_missing_or_cut_file_is_named (void)
{
  static const char *const files[] = {
    "model_index.json",
    "transformer/config.json",
    TRANSFORMER,
    "vae/config.json",
    "vae/diffusion_pytorch_model.safetensors",
    "text_encoder/config.json",
    "text_encoder/model.safetensors",
    "text_encoder_2/config.json",
    "text_encoder_2/model.safetensors",
    "scheduler/scheduler_config.json",
    "tokenizer/vocab.json",
    "tokenizer/merges.txt",
  };

  for (size_t i = 0; i < sizeof files / sizeof *files; i++)
    {
      EspError error = ESP_ERROR_INIT;
      char *folder = demo (), *name = strrchr (files[i], '/');

      fixture_truncate (folder, files[i], 20);
      CHECK (open_and_edit (folder, &error) != ESP_OK);
      CHECK_MESSAGE (error, name != NULL ? name + 1 : files[i]);
      fixture_truncate (folder, files[i], 0);
      CHECK (open_and_edit (folder, &error) != ESP_OK || strstr (files[i], "merges") != NULL);
      fixture_remove (folder, files[i]);
      error = (EspError) ESP_ERROR_INIT;
      CHECK (open_and_edit (folder, &error) != ESP_OK);
      CHECK_MESSAGE (error, name != NULL ? name + 1 : files[i]);
      fixture_free (folder);
    }
}

static void
non_finite_weights_are_named_wherever_they_are (void)
{
  static const struct
  {
    const char *file, *tensor;
    unsigned short bits;
  } poisons[] = {
    { TRANSFORMER, "transformer_blocks.1.attn.to_k.weight", 0x7FC0 },          /* bf16 NaN */
    { TRANSFORMER, "single_transformer_blocks.0.norm.linear.weight", 0xFF80 }, /* bf16 -inf */
    { TRANSFORMER, "single_transformer_blocks.4.attn.norm_q.weight", 0x7F80 },
    { TRANSFORMER, "proj_out.bias", 0x7FC1 },
    { TRANSFORMER, "time_text_embed.guidance_embedder.linear_1.weight", 0x7F80 },
    { "vae/diffusion_pytorch_model.safetensors", "decoder.mid_block.resnets.0.conv1.weight",
      0x7C00 },
    { "vae/diffusion_pytorch_model.safetensors", "encoder.conv_norm_out.weight", 0x7E00 },
    { "text_encoder/model.safetensors", "text_model.encoder.layers.1.mlp.fc1.weight", 0x7FC0 },
    { "text_encoder/model.safetensors", "text_model.embeddings.token_embedding.weight", 0x7FC0 },
    { "text_encoder_2/model.safetensors", "shared.weight", 0x7FC0 },
    { "text_encoder_2/model.safetensors",
      "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight", 0x7F80 },
  };

  for (size_t i = 0; i < sizeof poisons / sizeof *poisons; i++)
    {
      EspError error = ESP_ERROR_INIT;
      char *folder = demo ();

      CHECK (fixture_poison (folder, poisons[i].file, poisons[i].tensor, poisons[i].bits));
      CHECK_STATUS (open_and_edit (folder, &error), ESP_ERROR_NUMERIC, error);
      CHECK_MESSAGE (error, poisons[i].tensor);
      CHECK_MESSAGE (error, poisons[i].file);
      fixture_free (folder);
    }
}

static void
a_folder_that_is_none_is_named (void)
{
  EspError error = ESP_ERROR_INIT;
  EspModel *model = NULL;

  CHECK_STATUS (esp_model_open ("/nonexistent/model", &model, &error), ESP_ERROR_FILE, error);
  CHECK_MESSAGE (error, "/nonexistent/model");
  CHECK (model == NULL);
  CHECK_STATUS (esp_model_open ("/dev/null", &model, &error), ESP_ERROR_FILE, error);
}

int
main (void)
{
  CASE (the_demo_model_opens_through_links);
  CASE (every_wrong_field_is_named);
  CASE (every_missing_or_cut_file_is_named);
  CASE (non_finite_weights_are_named_wherever_they_are);
  CASE (a_folder_that_is_none_is_named);
  return check_done ();
}
