/* SPDX-License-Identifier: MIT */
/* Runs a fuzz target without libFuzzer, whatever the compiler. Prints TAP.
 *
 *   replay [--variants N] FOLDER             every kept input in FOLDER, and N variants of each
 * (64), the same ones every time replay --seconds S [--seed N] [--keep DIR] FOLDER the kept inputs,
 * then variants of variants at random for so long; what breaks the target is written into DIR */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "fuzz-target.h"

#define VARIANTS     64
#define INPUT_MAX    ((size_t) 1 << 20)
#define HANG_SECONDS 60 /* of the processor, for one input */

__attribute__ ((weak)) int LLVMFuzzerInitialize (int *argc, char ***argv);
__attribute__ ((weak)) void __sanitizer_set_death_callback (void (*callback) (void));

typedef struct
{
  uint8_t *data;
  size_t size;
} Input;

/* The input under way, for the one who has to write it down when the program dies. */
static struct
{
  const uint8_t *data;
  size_t size;
  const char *keep;
} current;

/* --- When the target breaks ----------------------------------------------------------------- */

/* Only what a signal handler may do. */
static void
keep_input (void)
{
  static volatile sig_atomic_t kept;
  static const char digits[] = "0123456789abcdef";
  uint64_t hash = 14695981039346656037u;
  char name[] = "broken-0000000000000000";
  int folder, fd;

  if (kept || current.data == NULL || current.keep == NULL)
    return;
  kept = 1;
  for (size_t i = 0; i < current.size; i++)
    hash = (hash ^ current.data[i]) * 1099511628211u;
  for (int i = 0; i < 16; i++)
    name[7 + i] = digits[hash >> (60 - 4 * i) & 15];
  folder = open (current.keep, O_PATH | O_DIRECTORY | O_CLOEXEC);
  fd = openat (folder, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  for (size_t at = 0; fd >= 0 && at < current.size;)
    {
      ssize_t written = write (fd, current.data + at, current.size - at);

      if (written <= 0)
        break;
      at += (size_t) written;
    }
  dprintf (STDERR_FILENO, "fuzz-replay: the input is %s/%s\n", current.keep, name);
}

static void
on_signal (int number)
{
  keep_input ();
  signal (number, SIG_DFL);
  raise (number == SIGVTALRM ? SIGABRT : number);
}

static void
watch_signals (void)
{
  static const int numbers[] = { SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGVTALRM };
  static char room[64 << 10];
  stack_t stack = { .ss_sp = room, .ss_size = sizeof room };

  /* A sanitizer has handlers of its own, and reports before it dies. */
  if (__sanitizer_set_death_callback != NULL)
    __sanitizer_set_death_callback (keep_input);
  sigaltstack (&stack, NULL);
  for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
    {
      struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_ONSTACK };

      if (__sanitizer_set_death_callback == NULL || numbers[i] == SIGABRT
          || numbers[i] == SIGVTALRM)
        sigaction (numbers[i], &action, NULL);
    }
}

static void
run (const uint8_t *data, size_t size)
{
  const struct itimerval limit = { .it_value = { .tv_sec = HANG_SECONDS } };
  /* As libFuzzer does it: a block of its own, so that what is read beyond it is seen. */
  uint8_t *copy = malloc (size > 0 ? size : 1);

  PROMISE (copy != NULL);
  if (size > 0)
    memcpy (copy, data, size);
  current.data = copy;
  current.size = size;
  setitimer (ITIMER_VIRTUAL, &limit, NULL);
  LLVMFuzzerTestOneInput (copy, size);
  current.data = NULL;
  free (copy);
}

/* --- Variants ------------------------------------------------------------------------------- */

static uint64_t
next_random (uint64_t *state)
{
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return *state >> 33;
}

static size_t
random_below (uint64_t *state, size_t bound)
{
  return bound > 0 ? next_random (state) % bound : 0;
}

/* Changes a few bytes, cuts the end, or repeats a stretch: the variants of every test run. */
static size_t
vary (const uint8_t *data, size_t size, uint64_t *state, uint8_t *variant)
{
  size_t length = size;

  memcpy (variant, data, size);
  switch (next_random (state) % 4)
    {
    case 0:
      length = random_below (state, size);
      break;
    case 1:
      {
        size_t from = random_below (state, size), to = random_below (state, size);
        size_t bytes = size - (from > to ? from : to);

        memmove (variant + to, variant + from, bytes);
        break;
      }
    default:
      for (uint64_t i = next_random (state) % 4 + 1; i > 0 && size > 0; i--)
        {
          static const uint8_t favourites[] = { 0, 1, 0x7F, 0x80, 0xFF, '"', '{', '[' };
          uint8_t byte = favourites[next_random (state) % sizeof favourites];

          variant[next_random (state) % size] ^= byte;
        }
    }
  return length;
}

/* Takes bytes out, puts a stretch of another input in, writes numbers that are on an edge. */
static size_t
vary_further (uint8_t *data, size_t size, const Input *other, uint64_t *state)
{
  static const uint32_t edges[]
      = { 0,      1,          0x7F,       0x80,       0xFF,    0x7FFF,
          0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x10000, 0xFFFFFFFE };
  size_t at = random_below (state, size + 1);
  size_t bytes = random_below (state, 1 + random_below (state, 64));

  switch (next_random (state) % 5)
    {
    case 0: /* out */
      bytes = bytes < size - at ? bytes : size - at;
      memmove (data + at, data + at + bytes, size - at - bytes);
      return size - bytes;
    case 1: /* a stretch of another one in */
      {
        size_t from = random_below (state, other->size);

        bytes = bytes < other->size - from ? bytes : other->size - from;
        if (size + bytes > INPUT_MAX)
          return size;
        memmove (data + at + bytes, data + at, size - at);
        memcpy (data + at, other->data + from, bytes);
        return size + bytes;
      }
    case 2: /* a number */
      {
        uint32_t number = edges[random_below (state, sizeof edges / sizeof edges[0])];
        size_t width = (size_t) 1 << random_below (state, 3);
        bool big = next_random (state) % 2 == 0;

        for (size_t i = 0; i < width && at + i < size; i++)
          data[at + i] = (uint8_t) (number >> 8 * (big ? width - 1 - i : i));
        return size;
      }
    case 3: /* a random byte */
      if (at < size)
        data[at] = (uint8_t) next_random (state);
      return size;
    default: /* a bit */
      if (at < size)
        data[at] ^= (uint8_t) (1 << next_random (state) % 8);
      return size;
    }
}

/* --- The kept inputs ------------------------------------------------------------------------ */

typedef struct
{
  Input *inputs;
  size_t count;
  bool whole; /* all could be read */
} Corpus;

static int
by_name (const struct dirent **a, const struct dirent **b)
{
  return strcmp ((*a)->d_name, (*b)->d_name);
}

static Corpus
read_corpus (const char *folder)
{
  struct dirent **entries = NULL;
  int n = scandir (folder, &entries, NULL, by_name);
  Corpus corpus = { calloc (n > 0 ? (size_t) n : 1, sizeof (Input)), 0, n >= 0 };

  PROMISE (corpus.inputs != NULL);
  for (int i = 0; i < n; i++)
    {
      char path[4096];
      Input *input = &corpus.inputs[corpus.count];
      FILE *file;

      snprintf (path, sizeof path, "%s/%s", folder, entries[i]->d_name);
      if (entries[i]->d_name[0] != '.')
        {
          file = fopen (path, "rb");
          input->data = malloc (INPUT_MAX);
          PROMISE (input->data != NULL);
          if (file != NULL)
            {
              input->size = fread (input->data, 1, INPUT_MAX, file);
              fclose (file);
            }
          corpus.whole = corpus.whole && file != NULL;
          corpus.count++;
          input->data = realloc (input->data, input->size > 0 ? input->size : 1);
        }
      free (entries[i]);
    }
  free (entries);
  return corpus;
}

static void
clear_corpus (Corpus *corpus)
{
  for (size_t i = 0; i < corpus->count; i++)
    free (corpus->inputs[i].data);
  free (corpus->inputs);
}

static double
now (void)
{
  struct timespec time;

  clock_gettime (CLOCK_MONOTONIC, &time);
  return (double) time.tv_sec + (double) time.tv_nsec / 1e9;
}

static uint64_t
run_random (const Corpus *corpus, double seconds, uint64_t seed)
{
  uint8_t *variant = malloc (INPUT_MAX);
  uint64_t state = seed * 2 + 7, runs = 0;
  double end = now () + seconds;

  PROMISE (variant != NULL);
  while (corpus->count > 0 && now () < end)
    {
      const Input *input = &corpus->inputs[random_below (&state, corpus->count)];
      size_t size = vary (input->data, input->size, &state, variant);

      for (uint64_t i = next_random (&state) % 4; i > 0; i--)
        size = vary_further (variant, size, &corpus->inputs[random_below (&state, corpus->count)],
                             &state);
      run (variant, size);
      runs++;
    }
  free (variant);
  return runs;
}

static uint64_t
run_variants (const Corpus *corpus, int variants)
{
  uint8_t *variant = malloc (INPUT_MAX);
  uint64_t runs = 0;

  PROMISE (variant != NULL);
  for (size_t i = 0; i < corpus->count; i++)
    {
      uint64_t state = 7;

      run (corpus->inputs[i].data, corpus->inputs[i].size);
      runs++;
      for (int j = 0; j < variants; j++, runs++)
        run (variant, vary (corpus->inputs[i].data, corpus->inputs[i].size, &state, variant));
    }
  free (variant);
  return runs;
}

int
main (int argc, char **argv)
{
  const char *folder = argc > 1 ? argv[argc - 1] : "";
  double seconds = 0;
  uint64_t seed = 1, runs;
  int variants = VARIANTS;
  Corpus corpus;
  bool ok;

  for (int i = 1; i + 2 < argc; i += 2)
    if (strcmp (argv[i], "--variants") == 0)
      variants = atoi (argv[i + 1]);
    else if (strcmp (argv[i], "--seconds") == 0)
      seconds = atof (argv[i + 1]);
    else if (strcmp (argv[i], "--seed") == 0)
      seed = strtoull (argv[i + 1], NULL, 10);
    else if (strcmp (argv[i], "--keep") == 0)
      current.keep = argv[i + 1];
  watch_signals ();
  if (LLVMFuzzerInitialize != NULL)
    LLVMFuzzerInitialize (&argc, &argv);
  corpus = read_corpus (folder);
  ok = corpus.whole && corpus.count > 0;
  runs = run_variants (&corpus, seconds > 0 ? 0 : variants);
  if (seconds > 0)
    runs += run_random (&corpus, seconds, seed);
  printf ("%s 1 - %zu kept inputs, %llu runs\n1..1\n", ok ? "ok" : "not ok", corpus.count,
          (unsigned long long) runs);
  clear_corpus (&corpus);
  return ok ? 0 : 1;
}
