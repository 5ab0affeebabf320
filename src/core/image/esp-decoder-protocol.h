/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-decoder-protocol.h: what a program and espalier-decoder tell each other.
 *
 * Both are of the same installation and on the same machine, so numbers are as they lie in memory.
 * The decoder's standard input is a socket (AF_UNIX, SOCK_SEQPACKET) on which it takes jobs: one
 * message each, an EspDecoderJob, the name that messages call the picture, and three descriptors:
 *
 *   [0]  the job's own socket, of the same kind
 *   [1]  the file, sealed (esp-sealed-memory.h)
 *   [2]  memory for the result, empty
 *
 * For each job the decoder forks a process, which gives up everything else (confine.h) and then
 * reads the file. It writes the result, lets go of it, and sends an EspDecoderAnswer with its texts
 * on the job's socket. When that process has ended the decoder itself sends an EspDecoderEnd there.
 * Closing the job's socket ends the job at once, closing the other one all of them.
 *
 * The file may have taken over the process that reads it, so nothing in an answer is believed
 * (esp-decoder-answer-private.h), and the result counts as it is after the program has sealed it.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define ESP_DECODER_JOB    0x45534a31u /* "ESJ1" */
#define ESP_DECODER_ANSWER 0x45534131u
#define ESP_DECODER_END    0x45534531u

/* A message with its texts is no longer than this. */
#define ESP_DECODER_MESSAGE_MAX 65536

/* A name that is longer is cut. */
#define ESP_DECODER_NAME_MAX 8192

typedef enum
{
  ESP_DECODER_PICTURE,        /* result: the pixels, as EspPicture has them */
  ESP_DECODER_RECIPE,         /* result: JSON */
  ESP_DECODER_FOREIGN_RECIPE, /* result: JSON; text "program" */
  ESP_DECODER_STRIP,          /* result: the file */
  ESP_DECODER_N_TASKS,
} EspDecoderTask;

typedef struct
{
  guint32 magic;     /* ESP_DECODER_JOB */
  guint32 task;      /* EspDecoderTask */
  guint32 kind;      /* EspPictureKind by the first bytes: which libraries it takes */
  guint32 seconds;   /* of processor time at most */
  guint64 size;      /* of the file, bytes */
  guint64 most;      /* bytes of the result at most */
  guint64 memory;    /* address space at most, bytes; 0: as it is */
  gint32 nice;       /* as nice as whoever asks (getpriority(2)) */
  guint32 name_size; /* bytes behind this, with the NUL that ends them */
} EspDecoderJob;

/* How it went: 0, or 1 more than the EspImageError. */
#define ESP_DECODER_DONE 0

/* The texts behind an answer, each with the NUL that ends it: the error's message, the profile's
 * description, the program of a foreign recipe (of each "" where there is none), the warnings. */
#define ESP_DECODER_N_TEXTS      3
#define ESP_DECODER_MAX_WARNINGS 16

/* What EspPictureInfo has of yes and no. */
enum
{
  ESP_DECODER_HAS_ALPHA = 1 << 0,
  ESP_DECODER_ANIMATED = 1 << 1,
  ESP_DECODER_CONVERTED = 1 << 2,
  ESP_DECODER_OWN = 1 << 3, /* a foreign recipe that is ours */
  ESP_DECODER_ALL_FLAGS = (1 << 4) - 1,
};

typedef struct
{
  guint32 magic; /* ESP_DECODER_ANSWER */
  guint32 outcome;
  gint32 width, height; /* of a picture, else 0 */
  guint64 size;         /* of the result, bytes */
  guint32 format;       /* EspPictureKind; ESP_KIND_NONE: it did not come so far */
  guint32 orientation;
  guint32 bits;
  guint32 flags;
  guint32 n_warnings;
  guint32 texts_size; /* bytes behind this */
} EspDecoderAnswer;

typedef struct
{
  guint32 magic; /* ESP_DECODER_END */
  gint32 status; /* as waitpid(2) has it */
} EspDecoderEnd;

G_END_DECLS
