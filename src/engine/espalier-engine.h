/* SPDX-License-Identifier: MIT */
/* espalier-engine.h: the engine's public face.
 *
 * Open a model, edit an image, watch it, cancel it:
 *
 *     EspError error = ESP_ERROR_INIT;
 *     EspModel *model = NULL;
 *     if (esp_model_open ("data/models/demo", &model, &error) != ESP_OK) …
 *     EspEditRequest request = ESP_EDIT_REQUEST_INIT;
 *     request.prompt = "make it snow"; request.images = &photo; request.image_count = 1;
 *     EspEditResult result = ESP_EDIT_RESULT_INIT;
 *     if (esp_model_edit (model, &request, NULL, &result, &error) != ESP_OK) …
 *     esp_edit_result_clear (&result);
 *     esp_model_close (model);
 *
 * Plain C11, no globals: several models may be open, each used by one thread at a time. Nothing
 * here exits, aborts or prints; every failure is a status and a sentence (status.h).
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "status.h"

/* --- Images ------------------------------------------------------------------------------------
 */

/* 8-bit sRGB, three bytes a pixel, rows of exactly 3·width bytes. Transparency has been composited
 * on white and the orientation applied by whoever decoded it. */
typedef struct EspImage
{
  uint8_t *pixels;
  int width, height;
} EspImage;

/* --- Models ------------------------------------------------------------------------------------
 */

typedef struct EspModel EspModel;

/* Limits that hold for every model. */
#define ESP_SIZE_MULTIPLE    16 /* VAE factor 8 × patches of 2 */
#define ESP_SIZE_MIN         16
#define ESP_SIZE_MAX         8192
#define ESP_STEPS_MAX        1000
#define ESP_STEP_CACHE_MAX   0.5
#define ESP_IMAGES_MAX       8
#define ESP_PROMPT_MAX_BYTES (1 << 20)

/* What is known of a model without running it. Strings live as long as the model. */
typedef struct EspModelInfo
{
  const char *path;
  const char *id;      /* the manifest's "id", else the folder's name */
  const char *name;    /* for people: the manifest's "name", else the id */
  const char *kind;    /* "demo" or "full" (the default) */
  const char *licence; /* SPDX id or "" */
  const char *source;  /* where a person finds out more, or "" */
  const char
      *hash;     /* 64 hex digits over sizes, headers and samples of every weights file, see docs */
  int t5_tokens; /* 512 without a manifest */
  int64_t working_pixels; /* 0: the seventeen Kontext sizes */
  int default_steps;
  double default_guidance;
  const char *const
      *instructions; /* NULL-terminated; what a demo model understands; may be empty */
  size_t weight_bytes;
  int64_t parameters;
  const char *const *notes; /* NULL-terminated; sentences about what was chosen among several */
} EspModelInfo;

/* Where a model is. `path` is a diffusers folder; a folder whose espalier.json has "components"; a
 * folder of single files; or a transformer or all-in-one file, whose companions are looked for
 * beside it (docs/models.md). The others, where they are not NULL, come instead of what `path` has:
 * files (in any naming and number format of docs/models.md) or diffusers sub-folders, and folders
 * with a tokenizer. `path` may be NULL if there is a transformer. */
typedef struct EspModelParts
{
  const char *path;
  const char *transformer, *clip, *t5, *vae, *tokenizer, *tokenizer_2;
} EspModelParts;

/* Opens a model: finds its parts, reads and checks every config, every tensor's name and shape and
 * both tokenizers, and maps the weights. Loads nothing big: weights are prepared when an edit needs
 * them. Errors name the file, field or tensor; one says all parts that are missing. */
EspStatus esp_model_open_parts (const EspModelParts *parts, EspModel **result, EspError *error);
/* The same for a path alone. */
EspStatus esp_model_open (const char *path, EspModel **result, EspError *error);
void esp_model_close (EspModel *model); /* NULL is allowed */
const EspModelInfo *esp_model_info (const EspModel *model);

/* The files and folders that the model was opened from, for index 0, 1, …; then NULL. */
const char *esp_model_source (const EspModel *model, int index);

/* What is computed for an edit and serves others is kept in the open model: encoded prompts and
 * references, and the modulations of a schedule. At most about this many bytes (default
 * ESP_WORK_CACHE_BYTES) stay between edits, those used last; 0 keeps nothing. An edit gives the
 * same bytes with and without. Other devices, number formats and threads begin anew. */
#define ESP_WORK_CACHE_BYTES ((size_t) 256 << 20)
void esp_model_set_cache_limit (EspModel *model, size_t bytes);

/* Encoded prompts and references are also kept in files of `folder` (made when it is needed, for
 * this user alone; copied), so that another process need not compute them again. At most about
 * `limit` bytes, those used last; NULL, as after opening: nowhere. What is kept there follows the
 * content of weights, words and pictures, the device and this very program: an edit gives the same
 * bytes with and without. ESP_ERROR_MEMORY. */
#define ESP_DISK_CACHE_BYTES ((uint64_t) 2 << 30)
EspStatus esp_model_set_disk_cache (EspModel *model, const char *folder, uint64_t limit,
                                    EspError *error);

/* Makes such a folder and those above it, for this user alone. False if it is not usable. */
bool esp_disk_cache_make_folder (const char *folder);

/* How much such a folder holds, and removing that: nothing else in the folder is touched. */
void esp_disk_cache_measure (const char *folder, uint64_t *bytes, int *files);
void esp_disk_cache_clear (const char *folder, uint64_t *bytes, int *files);

/* Token ids of a text as the pipeline uses them, without padding: ids, then the end token, cut to
 * the model's length (CLIP 77 with its start token, T5 t5_tokens). The caller frees *ids. */
typedef struct EspTokenList
{
  int32_t *ids;
  int count;
  bool truncated;
} EspTokenList;

/* `text` need not be NUL-terminated; invalid UTF-8 is ESP_ERROR_ARGUMENT naming the byte offset. */
EspStatus esp_model_tokenize (const EspModel *model, const char *text, size_t length,
                              EspTokenList *clip, EspTokenList *t5, EspError *error);
void esp_token_list_clear (EspTokenList *list);

/* --- One edit --------------------------------------------------------------------------------- */

typedef enum
{
  ESP_SIZE_AUTO,  /* the model's preferred size nearest the first image's aspect */
  ESP_SIZE_MATCH, /* each reference's sides floored to multiples of 16; output = the first's */
  ESP_SIZE_EXACT, /* request.width × request.height; references go to the 17 Kontext sizes */
} EspSizeMode;

typedef enum
{
  ESP_MULTI_REF_OFFSET, /* axis 0 = 1 for all, each placed right of or below those before it */
  ESP_MULTI_REF_INDEX,  /* axis 0 = 1, 2, 3, … */
} EspMultiRef;

typedef enum
{
  ESP_VAE_TILING_AUTO, /* only where the whole picture would need more than vae_memory */
  ESP_VAE_TILING_OFF,
  ESP_VAE_TILING_ON, /* always, with small tiles: for tests and very small machines */
} EspVaeTiling;

typedef enum
{
  ESP_DTYPE_AUTO, /* bf16 where the device multiplies it natively, else f32 */
  ESP_DTYPE_F32,
  ESP_DTYPE_BF16, /* f16 on a graphics card without bf16 */
  ESP_DTYPE_FP8   /* bf16, and fp8 where that is good enough; graphics cards from sm_89 on */
} EspDTypeChoice;

typedef enum
{
  ESP_DEVICE_AUTO, /* a graphics card that can be used, else the processor */
  ESP_DEVICE_CPU,
  ESP_DEVICE_CUDA
} EspDeviceChoice;

/* Who multiplies matrices on a graphics card. */
typedef enum
{
  ESP_BLAS_AUTO, /* whichever is faster there, as far as we know */
  ESP_BLAS_OWN,
  ESP_BLAS_CUBLASLT /* NVIDIA's library, which must be installed */
} EspBlasChoice;

/* A LoRA: a small file that was trained to change what a model does. diffusers/PEFT, kohya, BFL
 * (ai-toolkit, ComfyUI, fal) and XLabs names; docs/models.md says what is refused. */
typedef struct EspLora
{
  const char *path;
  double strength; /* 1 as trained, 0 exactly off, negative the other way */
  const char
      *hash; /* the file's SHA-256 in lower-case hexadecimal, if it must be that one; or NULL */
} EspLora;

#define ESP_LORAS_MAX         16
#define ESP_LORA_STRENGTH_MAX 100.0

/* Latent carry. A result that is edited again need not be decoded, rounded to 8 bits and encoded
 * for it: the latents it was decoded from are known (EspEditResult.latents). They are read in the
 * place of what the first reference is encoded to, token by token: one is a square of
 * ESP_SIZE_MULTIPLE pixels a side. */
typedef struct EspCarry
{
  const float *latents; /* [height/16 · width/16, token_width], packed; NULL: nothing is carried */
  int width, height;    /* px of the picture that they are of: multiples of ESP_SIZE_MULTIPLE */
  int token_width;      /* numbers of a token */
  const uint8_t *tokens;  /* a byte for each token, 0: the picture shows something else there by now
                             and is encoded; NULL: all are carried */
  const char *model_hash; /* of the model that made them (EspModelInfo.hash); NULL: of this one */
} EspCarry;

typedef struct EspEditRequest
{
  const char *prompt;          /* UTF-8, NUL-terminated */
  const char *negative_prompt; /* NULL = none; "" counts as one */
  double true_cfg;             /* acts only when > 1 and there is a negative prompt */
  const EspImage *images;      /* 1 … ESP_IMAGES_MAX references, each ≥ 16 px a side */
  int image_count;
  uint64_t seed;   /* only the low 32 bits matter, as in PyTorch's mt19937 */
  int steps;       /* 0 = the model's default */
  double guidance; /* < 0 = the model's default */
  /* How much the first block's part may differ from that of the last step that was computed before
   * the next one is (0 … ESP_STEP_CACHE_MAX); otherwise what the other blocks added then is added
   * again. 0: all steps are computed, which is exact. */
  double step_cache;
  EspSizeMode size_mode;
  int width, height; /* for ESP_SIZE_EXACT: multiples of 16 in 16 … 8192 */
  EspMultiRef multi_ref;
  EspDeviceChoice device;
  int card;    /* for ESP_DEVICE_CUDA: the N of "cuda:N"; -1 = the one with the most free memory */
  size_t vram; /* bytes of a graphics card's memory that may be held; 0 = what is free */
  EspBlasChoice blas;
  EspDTypeChoice dtype;
  int threads; /* 0 = all cores */
  const char
      *noise_path; /* safetensors with `noise` [tokens, 64] f32 instead of the seed's; or NULL */
  const char *dump_path; /* write every intermediate tensor there; or NULL */
  bool no_disk_cache;    /* neither read from nor write to esp_model_set_disk_cache()'s folder */
  /* Latents of another model, or of another size than the first reference is brought to, are not
   * used, and the result says so; impossible ones are ESP_ERROR_ARGUMENT or ESP_ERROR_NUMERIC. */
  EspCarry carry;
  bool no_carry; /* as if there were none */
  EspVaeTiling vae_tiling;
  size_t vae_memory; /* bytes of VAE activations before it tiles; 0 = 3 GiB */
  /* What they change adds up. The files are mapped and stay open with the model until another edit
   * wants others. One of which not all modules fit the model is refused, unless lora_partial says
   * to use those that do. */
  const EspLora *loras;
  int lora_count; /* 0 … ESP_LORAS_MAX */
  bool lora_partial;
} EspEditRequest;

#define ESP_EDIT_REQUEST_INIT                                                                      \
  {                                                                                                \
    .true_cfg = 1.0, .guidance = -1.0, .card = -1                                                  \
  }

typedef enum
{
  ESP_STAGE_LOAD,   /* opening and preparing weights */
  ESP_STAGE_TEXT,   /* both text encoders */
  ESP_STAGE_ENCODE, /* references → latents */
  ESP_STAGE_SAMPLE, /* the denoising steps */
  ESP_STAGE_DECODE, /* latents → image */
  ESP_STAGE_COUNT
} EspStage;

/* "load", "text", "encode", "sample", "decode". */
const char *esp_stage_name (EspStage stage);

typedef struct EspProgress
{
  EspStage stage;
  int step, steps;     /* within ESP_STAGE_SAMPLE: steps done and wanted; else 0, 0 */
  double fraction;     /* of the whole edit, 0 … 1, never falls */
  double seconds_left; /* < 0 while unknown */
} EspProgress;

typedef struct EspEditCallbacks
{
  void (*progress) (void *data, const EspProgress *progress);
  /* A small picture of what the result will be, once a step; the image is only lent. NULL = no
   * previews. */
  void (*preview) (void *data, int step, const EspImage *image);
  void *data;
  /* Set to true from any thread: the edit ends with ESP_ERROR_CANCELLED within one transformer
   * block. May be NULL. */
  const atomic_bool *cancel;
} EspEditCallbacks;

/* What an edit did not have to compute because an earlier one had (esp_model_set_cache_limit()). */
typedef enum
{
  ESP_REUSED_TEXT = 1 << 0,   /* all prompts: the text encoders did not run */
  ESP_REUSED_ENCODE = 1 << 1, /* all references: the autoencoder did not encode (what is carried
                                 as a whole needs none) */
  ESP_REUSED_MODULATIONS = 1 << 2, /* those of all prompts, steps and the guidance */
} EspReused;

/* A LoRA as an edit used it. */
typedef struct EspLoraUse
{
  char *path;
  char hash[65]; /* SHA-256 of the file, hexadecimal */
  double strength;
  int64_t modules, used; /* how many it has, and how many of them fit the model */
} EspLoraUse;

typedef struct EspEditResult
{
  EspImage image; /* owned by the result */
  float *latents; /* packed [latent_tokens, latent_width], for EspCarry; owned by the result */
  int latent_tokens, latent_width;
  uint64_t seed;
  int steps;
  int computed_steps; /* of them, those of which step_cache left nothing out */
  double guidance;
  bool clip_truncated, t5_truncated; /* the prompt did not fit */
  bool scaled;                       /* the first reference was resized for the edit */
  int source_width, source_height;   /* the first reference as given */
  unsigned reused;                   /* EspReused */
  double carried;        /* share of the first reference's tokens that were carried, 0 … 1 */
  char not_carried[160]; /* one sentence: why the request's latents were not used; else "" */
  int shared;            /* edits that went through the transformer together, this one included */
  /* Of an edit that was one of several: its share of what was done for all of them. */
  double seconds[ESP_STAGE_COUNT];
  double seconds_total;
  size_t peak_memory; /* of the process, in bytes (VmHWM) */
  const char *device; /* "cpu" or "cuda"; static */
  const char *dtype;  /* "f32", "bf16", "f16" or "fp8"; static */
  char device_description[160];
  char notice[256];  /* one sentence, where the edit went another way than asked for; else "" */
  char *memory;      /* what lay where and what that cost, in lines; owned by the result, or NULL */
  EspLoraUse *loras; /* owned by the result */
  int lora_count;
} EspEditResult;

#define ESP_EDIT_RESULT_INIT                                                                       \
  {                                                                                                \
    {                                                                                              \
      0                                                                                            \
    }                                                                                              \
  }

/* Makes one edit. `callbacks` may be NULL. On failure *result is left empty. The same model,
 * request and machine class give the same bytes. */
EspStatus esp_model_edit (EspModel *model, const EspEditRequest *request,
                          const EspEditCallbacks *callbacks, EspEditResult *result,
                          EspError *error);
void esp_edit_result_clear (EspEditResult *result);

/* --- Several edits at once -------------------------------------------------------------------- */

/* The most edits of one call. */
#define ESP_BATCH_MAX 64

/* What one of them has of its own. */
typedef struct EspEditSample
{
  uint64_t seed;
  const atomic_bool *cancel; /* ends this one alone, as EspEditCallbacks.cancel does; or NULL */
} EspEditSample;

/* `index` is the edit's place in the array of samples. */
typedef struct EspBatchCallbacks
{
  void (*progress) (void *data, int index, const EspProgress *progress);    /* or NULL */
  void (*preview) (void *data, int index, int step, const EspImage *image); /* or NULL */
  /* One edit is over: its result, which the callback clears, or NULL and its error. Required. */
  void (*done) (void *data, int index, EspEditResult *result, const EspError *error);
  void *data;
  const atomic_bool *cancel; /* ends all of them; or NULL */
} EspBatchCallbacks;

/* Makes edits that differ by their seeds alone (request.seed is not looked at), in as few passes of
 * the transformer as pays and fits into memory. Each gives the same bytes as by esp_model_edit().
 * Those for which done() was not called when this returns have failed with *error; ESP_OK = it was
 * called for all. A request with noise_path or dump_path is for one edit only. */
EspStatus esp_model_edit_batch (EspModel *model, const EspEditRequest *request,
                                const EspEditSample *samples, int count,
                                const EspBatchCallbacks *callbacks, EspError *error);

/* What an edit will need, in bytes, before anything is allocated. Weights are mapped: the system
 * may take their pages back and read them again, slowly; `buffers` must be there. */
typedef struct EspMemoryPlan
{
  size_t text_weights;        /* of both text encoders; given back before the steps */
  size_t transformer_weights; /* those that every step reads */
  size_t vae_weights;         /* as the device holds them beside the file, in f32 */
  size_t modulations;         /* what the prompts contribute to all steps */
  size_t steps;               /* buffers of the steps of one edit */
  size_t vae;                 /* the autoencoder's, at the larger of both ends */
  size_t buffers;             /* the most of these three that is held at once */
  size_t peak;                /* the most with the weights, in the stage that needs most */
  size_t available;           /* now, on the request's device; 0 if unknown */
} EspMemoryPlan;

/* Opens the request's device. ESP_ERROR_ARGUMENT if the request is impossible. An edit whose
 * `buffers` are more than what is `available` is refused with ESP_ERROR_MEMORY. */
EspStatus esp_model_plan (EspModel *model, const EspEditRequest *request, EspMemoryPlan *plan,
                          EspError *error);

/* The same for a square picture of the model's working size (1 MP for models without one) with one
 * reference, on the device that requests get when they name none. Leaves what is open alone. */
EspStatus esp_model_usual_plan (EspModel *model, EspMemoryPlan *plan, EspError *error);

/* How many such edits go through the transformer in one pass: 1 where a second one would take as
 * long as by itself, or has no room beside the first. Opens the request's device. 0 and *error if
 * the request is impossible. */
int esp_model_batch_limit (EspModel *model, const EspEditRequest *request, EspError *error);

/* The same for a square picture of the model's working size (1 MP for models without one) with one
 * reference on the device that requests get when they name none. Leaves what is open alone. */
int esp_model_usual_batch (EspModel *model);

/* Edits of one pass: as many whether that pays or not, if they have room; 0 (the default) decides
 * by what pays. For tests and benchmarks. */
void esp_model_set_pass_limit (EspModel *model, int edits);

/* --- LoRA files ------------------------------------------------------------------------------- */

/* What a LoRA file is, without a model. */
typedef struct EspLoraInfo
{
  char naming[48]; /* "kohya", "diffusers/PEFT", … */
  char hash[65];   /* SHA-256 of the file */
  /* Modules in all, those that can be applied, and of those the ones with a text encoder's name. */
  int64_t modules, usable, text_modules;
  int64_t rank_min, rank_max; /* of the usable ones; 0 without any */
  char refused[160];          /* why the first of the others cannot; "" if there is none */
  size_t bytes;               /* of the matrices */
} EspLoraInfo;

/* Reads a LoRA file and checks it as an edit would, short of the model. */
EspStatus esp_lora_describe (const char *path, EspLoraInfo *info, EspError *error);

/* --- Devices ---------------------------------------------------------------------------------- */

/* One line for people about a device, or why it cannot be used. */
typedef struct EspDeviceInfo
{
  const char *id; /* "cpu", "cuda:0"; static */
  bool usable;
  bool bf16; /* multiplies bf16 natively: what `--dtype auto` takes */
  bool fp8;  /* knows --dtype fp8 */
  int threads;
  char name[96];         /* a graphics card's, "NVIDIA GeForce RTX 4070"; "" for the processor */
  size_t memory, free;   /* a graphics card's, bytes; 0 for the processor */
  int capability;        /* a graphics card's, 89 for sm_89; 0 for the processor */
  int driver;            /* the CUDA that its driver serves: 13000 is 13.0; 0 for the processor */
  char description[448]; /* name and instruction set, or the reason it is not used */
} EspDeviceInfo;

/* As many as are ever told of. */
#define ESP_DEVICES_MAX 17

/* Fills at most `capacity` entries and returns how many there are; the CPU is always first. Without
 * a graphics card that the driver knows there is one entry "cuda" that is not usable and says
 * why. */
int esp_list_devices (EspDeviceInfo *devices, int capacity);

/* The CUDA kernels that this build has: "sm_75, sm_80, …; 2.1 MB", or why it has none. */
void esp_describe_kernels (char *text, size_t size);
