/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sweep-page-fixture.h: the page that sets up a sweep in a window, with a real document and queue,
 * and models that are as the test says, for its tests. Pictures are kept in the folder
 * ESP_SCREENSHOTS where that is set. */
#pragma once

#include <adwaita.h>

#include "esp-axis-row.h"
#include "esp-sweep-page.h"
#include "scratch-document.h"
#include "sweep-backend.h"
#include "widgets.h"

/* Parameters of a model that costs money: guidance, and one that the model "demo" has not. */
#define PAID                                                                                       \
  "\"guidance\":{\"type\":\"number\",\"title\":\"Guidance\",\"minimum\":1,\"maximum\":10,"         \
  "\"default\":2.5},"                                                                              \
  "\"tolerance\":{\"type\":\"integer\",\"title\":\"Safety tolerance\",\"minimum\":0,"              \
  "\"maximum\":6,\"default\":2}"

typedef struct
{
  EspRegistry *registry;
  SweepBackend *backend; /* "fake", with the models "demo" and "paid" */
  EspModel *demo, *paid;
  EspQueue *queue;
  EspDocument *document;
  EspNode *photo, *other;
  EspSweepPage *page;
  GtkWidget *window;
  EspSweepPlan *plan; /* of the last "start" */
  int draft_steps;
  guint n_started, n_left;
} Fixture;

void set_up (Fixture *fixture, gconstpointer data);
void tear_down (Fixture *fixture, gconstpointer data);

/* Another page in another window; the old window is the caller's to destroy. */
void show_page (Fixture *fixture);
/* What the composer hands over: an instruction, and the seed 7 or none. */
void set_up_page (Fixture *fixture, const char *instruction, gboolean with_seed);

/* Until the page has followed what was done. */
void settle (void);

/* Does the page say it, in the words of one of its labels? */
gboolean says (Fixture *fixture, const char *words);
/* A widget by its name, as a person who cannot see finds it; NULL if it is not shown. */
GtkWidget *find (Fixture *fixture, const char *name);
/* The same; it has to be there. */
GtkWidget *get (Fixture *fixture, const char *name);

void click (Fixture *fixture, const char *name);
void type (Fixture *fixture, const char *name, const char *text);
void check (Fixture *fixture, const char *name, gboolean active);
/* In the drop-down of that name. */
void choose (Fixture *fixture, const char *name, const char *item);

GtkWidget *get_start (Fixture *fixture);
gboolean can_start (Fixture *fixture);
void start (Fixture *fixture);

#define TEST(name, function)                                                                       \
  g_test_add ("/sweep-page/" name, Fixture, NULL, set_up, function, tear_down)
