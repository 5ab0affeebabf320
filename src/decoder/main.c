/* SPDX-License-Identifier: GPL-3.0-or-later */
/* main.c: espalier-decoder, which programs start to have pictures of strangers read.
 *
 *   espalier-decoder [TRANSLATIONS]
 *
 * It stays for as long as its standard input, the socket of esp-decoder-protocol.h, is open, and
 * looks into no file itself: for each it forks a process, which costs a millisecond where starting
 * one costs thirty, and which gives up everything before it looks at the first byte.
 */
#define G_LOG_DOMAIN "esp-decoder"
#define _GNU_SOURCE  /* close_range () */

#include <libintl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "decoder-job.h"
#include "decoder-jobs.h"
#include "esp-decode.h"

static void
prepare (const EspDecoderJob *job)
{
  esp_decode_prepare (job->kind);
}

static void
run (const EspDecoderJob *job, const char *name)
{
  DecoderConfined confined;
  g_autoptr (GError) error = NULL;

  if (decoder_job_confine (job, 0, &confined, &error))
    decoder_job_run (job, name);
  else
    decoder_job_refuse (error);
}

/* Translations are read when the first is asked for, which in a job's process is too late. */
static void
load_translations (const char *folder)
{
  setlocale (LC_ALL, "");
  if (folder != NULL && folder[0] != '\0')
    bindtextdomain (GETTEXT_PACKAGE, folder);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  (void) dgettext (GETTEXT_PACKAGE, "the file is empty");
}

int
main (int argc, char **argv)
{
  static const DecoderWork work = { prepare, run };
  int type = 0;
  socklen_t size = sizeof type;

  if (getsockopt (STDIN_FILENO, SOL_SOCKET, SO_TYPE, &type, &size) != 0 || type != SOCK_SEQPACKET)
    {
      fputs ("espalier-decoder: Espalier starts it to have pictures read; by itself it does "
             "nothing.\n",
             stderr);
      return 2;
    }
  /* Whoever started us may have left open what is none of our business. */
  close_range (STDERR_FILENO + 1, ~0U, 0);
  prctl (PR_SET_PDEATHSIG, SIGKILL);
  signal (SIGPIPE, SIG_IGN);
  signal (SIGXFSZ, SIG_IGN); /* what does not fit is an error of the call */
  load_translations (argc > 1 ? argv[1] : NULL);
  /* The journal would be a socket. */
  g_log_set_writer_func (g_log_writer_standard_streams, NULL, NULL);
  /* As in job processes: nothing that is worth a second one that looks for leaks. */
  _exit (decoder_jobs_run (&work));
}
