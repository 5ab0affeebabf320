/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-sweep-page.c: see esp-sweep-page.h. */
#include "esp-sweep-page-private.h"

#include <glib/gi18n-lib.h>

#include <string.h>

#include "esp-focus-chain.h"
#include "esp-style.h"
#include "esp-sweep-bar.h"

#define MAX_NODES   24  /* that are offered to start from, where none were selected */
#define MOST_HEIGHT 0.6 /* of the window's */
#define LEAST_ROOM  120 /* px for what scrolls */
#define SEEDS       1000000

G_DEFINE_FINAL_TYPE (EspSweepPage, esp_sweep_page, GTK_TYPE_WIDGET)

enum
{
  START,
  LEAVE,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static gboolean
update_later (gpointer data)
{
  EspSweepPage *self = data;

  self->update_id = 0;
  _esp_sweep_page_update (self);
  return G_SOURCE_REMOVE;
}

void
_esp_sweep_page_queue_update (EspSweepPage *self)
{
  if (self->update_id == 0 && !self->loading && self->box != NULL)
    self->update_id = g_idle_add (update_later, self);
}

void
_esp_sweep_page_emit_start (EspSweepPage *self, EspSweepPlan *plan, int draft_steps)
{
  _esp_sweep_page_remember (self);
  g_signal_emit (self, signals[START], 0, plan, draft_steps);
}

int
_esp_sweep_page_get_draft_steps (EspSweepPage *self)
{
  return gtk_widget_get_visible (self->draft_box) && gtk_check_button_get_active (self->draft)
             ? gtk_spin_button_get_value_as_int (self->draft_steps)
             : 0;
}

/* --- Rows ------------------------------------------------------------------------------------- */

guint
_esp_sweep_page_count_rows (EspSweepPage *self)
{
  guint n = 0;

  for (GtkWidget *row = gtk_widget_get_first_child (GTK_WIDGET (self->rows)); row != NULL;
       row = gtk_widget_get_next_sibling (row))
    n++;
  return n;
}

EspAxisRow *
_esp_sweep_page_find_row (EspSweepPage *self, const char *name)
{
  for (GtkWidget *row = gtk_widget_get_first_child (GTK_WIDGET (self->rows)); row != NULL;
       row = gtk_widget_get_next_sibling (row))
    if (g_strcmp0 (esp_axis_row_get_name (ESP_AXIS_ROW (row)), name) == 0)
      return ESP_AXIS_ROW (row);
  return NULL;
}

static void
on_rechosen (EspSweepPage *self, const char *name, EspAxisRow *row)
{
  EspAxisOffer offer;

  _esp_sweep_page_get_offer (self, &offer);
  esp_axis_row_choose (row, &offer, name, NULL);
  _esp_sweep_page_queue_update (self);
}

static void
on_move (EspSweepPage *self, int direction, EspAxisRow *row)
{
  GtkWidget *widget = GTK_WIDGET (row);
  GtkWidget *focus = gtk_root_get_focus (gtk_widget_get_root (widget));
  GtkWidget *before = gtk_widget_get_prev_sibling (widget);
  GtkWidget *after = gtk_widget_get_next_sibling (widget);

  if (direction < 0 && before != NULL)
    gtk_box_reorder_child_after (self->rows, before, widget);
  else if (direction > 0 && after != NULL)
    gtk_box_reorder_child_after (self->rows, widget, after);
  _esp_sweep_page_update (self);
  /* At the end there is no further; the other button is the way back. */
  if (focus != NULL && !gtk_widget_is_sensitive (focus))
    gtk_widget_grab_focus (widget);
}

static void
on_remove (EspSweepPage *self, EspAxisRow *row)
{
  GtkWidget *next = gtk_widget_get_next_sibling (GTK_WIDGET (row));

  if (next == NULL)
    next = gtk_widget_get_prev_sibling (GTK_WIDGET (row));
  gtk_box_remove (self->rows, GTK_WIDGET (row));
  _esp_sweep_page_update (self);
  gtk_widget_grab_focus (next != NULL ? next : self->add);
}

EspAxisRow *
_esp_sweep_page_add_row (EspSweepPage *self, const char *name, const char *text)
{
  EspAxisRow *row = ESP_AXIS_ROW (esp_axis_row_new ());
  EspAxisOffer offer;

  _esp_sweep_page_get_offer (self, &offer);
  esp_axis_row_choose (row, &offer, name, text);
  g_signal_connect_object (row, "changed", G_CALLBACK (_esp_sweep_page_queue_update), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (row, "rechosen", G_CALLBACK (on_rechosen), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (row, "move", G_CALLBACK (on_move), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (row, "remove", G_CALLBACK (on_remove), self, G_CONNECT_SWAPPED);
  gtk_box_append (self->rows, GTK_WIDGET (row));
  return row;
}

void
_esp_sweep_page_clear_rows (EspSweepPage *self)
{
  GtkWidget *row;

  while ((row = gtk_widget_get_first_child (GTK_WIDGET (self->rows))) != NULL)
    gtk_box_remove (self->rows, row);
}

/* What is not changed yet: what shows most first. */
static const char *
find_next_name (EspSweepPage *self, const EspAxisOffer *offer)
{
  static const char *const usual[] = { "guidance", "seed", "instruction" };

  for (guint i = 0; i < G_N_ELEMENTS (usual); i++)
    for (guint j = 0; j < offer->choices->len; j++)
      {
        const EspAxisChoice *choice = offer->choices->pdata[j];

        if (g_str_equal (choice->name, usual[i])
            && _esp_sweep_page_find_row (self, choice->name) == NULL)
          return choice->name;
      }
  for (guint j = 0; j < offer->choices->len; j++)
    {
      const EspAxisChoice *choice = offer->choices->pdata[j];

      if (_esp_sweep_page_find_row (self, choice->name) == NULL)
        return choice->name;
    }
  return "seed";
}

static void
on_add (EspSweepPage *self)
{
  g_autofree char *name = NULL;
  EspAxisOffer offer;
  EspAxisRow *row;

  if (self->document == NULL || self->queue == NULL)
    return;
  _esp_sweep_page_get_offer (self, &offer);
  name = g_strdup (find_next_name (self, &offer));
  row = _esp_sweep_page_add_row (self, name, NULL);
  _esp_sweep_page_update (self);
  gtk_widget_grab_focus (GTK_WIDGET (row));
}

void
esp_sweep_page_add_axis (EspSweepPage *self, const char *name, const char *text)
{
  EspAxisOffer offer;
  EspAxisRow *row;

  g_return_if_fail (ESP_IS_SWEEP_PAGE (self));
  g_return_if_fail (name != NULL && text != NULL);
  g_return_if_fail (self->document != NULL && self->queue != NULL);

  row = _esp_sweep_page_find_row (self, name);
  if (row == NULL && _esp_sweep_page_count_rows (self) < ESP_SWEEP_MAX_AXES)
    _esp_sweep_page_add_row (self, name, text);
  else
    {
      /* There is no room: the last one makes it. */
      if (row == NULL)
        row = ESP_AXIS_ROW (gtk_widget_get_last_child (GTK_WIDGET (self->rows)));
      _esp_sweep_page_get_offer (self, &offer);
      esp_axis_row_choose (row, &offer, name, text);
    }
  _esp_sweep_page_update (self);
}

/* --- What it is about ------------------------------------------------------------------------- */

static void
take_turn (EspSweepPage *self, const EspTurn *turn)
{
  g_free (self->negative_prompt);
  self->negative_prompt = g_strdup (turn->negative_prompt);
  g_free (self->backend);
  self->backend = g_strdup (turn->backend);
  g_free (self->model);
  self->model = g_strdup (turn->model);
  g_free (self->model_name);
  self->model_name = g_strdup (turn->model_name);
  g_clear_pointer (&self->parameters, json_object_unref);
  if (turn->parameters != NULL)
    {
      g_autoptr (JsonNode) given = json_node_init_object (json_node_alloc (), turn->parameters);
      g_autofree char *text = json_to_string (given, FALSE);
      g_autoptr (JsonNode) copy = json_from_string (text, NULL);

      self->parameters = json_object_ref (json_node_get_object (copy));
    }
  self->has_seed = turn->has_seed;
  if (turn->has_seed)
    self->seed = turn->seed;
  g_ptr_array_set_size (self->references, 0);
  for (guint i = 0; i < turn->n_references; i++)
    g_ptr_array_add (self->references, g_object_ref (turn->references[i]));
}

/* What the person changed here stays, unless it was changed there afterwards. */
static void
take_instruction (EspSweepPage *self, const char *instruction, gboolean keep)
{
  GtkTextBuffer *buffer = gtk_text_view_get_buffer (self->instruction);

  if (!keep || g_strcmp0 (self->base_instruction, instruction) != 0)
    gtk_text_buffer_set_text (buffer, instruction, -1);
  g_free (self->base_instruction);
  self->base_instruction = g_strdup (instruction);
}

static void
offer_node (EspSweepPage *self, EspNode *node)
{
  if (node != NULL && esp_node_has_image (node) && !g_ptr_array_find (self->nodes, node, NULL))
    g_ptr_array_add (self->nodes, g_object_ref (node));
}

/* Those selected; else where it starts from, what that came of, and the latest. */
static void
take_nodes (EspSweepPage *self, GPtrArray *selected)
{
  g_autoptr (GPtrArray) all = NULL;

  g_ptr_array_set_size (self->nodes, 0);
  if (selected != NULL && selected->len > 1)
    for (guint i = 0; i < selected->len; i++)
      offer_node (self, selected->pdata[i]);
  self->n_chosen = MAX (self->nodes->len, 1);
  for (EspNode *node = self->parent; node != NULL && self->nodes->len < MAX_NODES;
       node = esp_node_get_parent (node))
    offer_node (self, node);
  all = esp_document_dup_nodes (self->document);
  for (guint i = all->len; i > 0 && self->nodes->len < MAX_NODES; i--)
    offer_node (self, all->pdata[i - 1]);
}

static void
set_document (EspSweepPage *self, EspDocument *document, EspQueue *queue)
{
  if (self->queue != queue)
    {
      if (self->queue != NULL)
        g_signal_handlers_disconnect_by_func (
            esp_registry_get_models (esp_queue_get_registry (self->queue)),
            _esp_sweep_page_queue_update, self);
      g_set_object (&self->queue, queue);
      g_signal_connect_object (esp_registry_get_models (esp_queue_get_registry (queue)),
                               "items-changed", G_CALLBACK (_esp_sweep_page_queue_update), self,
                               G_CONNECT_SWAPPED);
    }
  if (self->document == document)
    return;
  if (self->document != NULL)
    g_signal_handlers_disconnect_by_func (self->document, _esp_sweep_page_queue_update, self);
  _esp_sweep_page_clear_rows (self);
  g_set_object (&self->document, document);
  g_signal_connect_object (document, "notify::access", G_CALLBACK (_esp_sweep_page_queue_update),
                           self, G_CONNECT_SWAPPED);
}

void
esp_sweep_page_set_up (EspSweepPage *self, EspQueue *queue, EspDocument *document, EspNode *parent,
                       const EspTurn *turn, GPtrArray *selected, JsonObject *presets)
{
  gboolean again;

  g_return_if_fail (ESP_IS_SWEEP_PAGE (self));
  g_return_if_fail (ESP_IS_QUEUE (queue));
  g_return_if_fail (ESP_IS_DOCUMENT (document));
  g_return_if_fail (ESP_IS_NODE (parent));
  g_return_if_fail (turn != NULL);

  again = self->document == document;
  self->loading = TRUE;
  set_document (self, document, queue);
  g_set_object (&self->parent, parent);
  g_clear_pointer (&self->presets, json_object_unref);
  self->presets = presets != NULL ? json_object_ref (presets) : NULL;
  take_turn (self, turn);
  take_instruction (self, turn->instruction != NULL ? turn->instruction : "", again);
  take_nodes (self, selected);
  if (_esp_sweep_page_count_rows (self) == 0 && (again || !_esp_sweep_page_recall (self)))
    {
      EspAxisOffer offer;
      g_autofree char *name = NULL;

      _esp_sweep_page_get_offer (self, &offer);
      name = g_strdup (find_next_name (self, &offer));
      /* Words to choose from may be all that is wanted. */
      if (strchr (self->text, '|') == NULL)
        _esp_sweep_page_add_row (self, name, NULL);
    }
  self->loading = FALSE;
  _esp_sweep_page_update (self);
}

void
esp_sweep_page_set_accounts (EspSweepPage *self, EspAccounts *accounts)
{
  g_return_if_fail (ESP_IS_SWEEP_PAGE (self));
  g_return_if_fail (accounts == NULL || ESP_IS_ACCOUNTS (accounts));

  if (self->accounts == accounts)
    return;
  if (self->accounts != NULL)
    g_signal_handlers_disconnect_by_func (self->accounts, _esp_sweep_page_queue_update, self);
  g_set_object (&self->accounts, accounts);
  if (accounts != NULL)
    g_signal_connect_object (accounts, "notify", G_CALLBACK (_esp_sweep_page_queue_update), self,
                             G_CONNECT_SWAPPED);
  _esp_sweep_page_queue_update (self);
}

/* --- Its height ------------------------------------------------------------------------------- */

static int
get_height (GtkWidget *widget, int width)
{
  int height;

  gtk_widget_measure (widget, GTK_ORIENTATION_VERTICAL, width, NULL, &height, NULL, NULL);
  return height;
}

/* The picture above is what it is about. */
static gboolean
fit (gpointer data)
{
  EspSweepPage *self = data;
  int room;

  self->fit_id = 0;
  room = (int) (self->height * MOST_HEIGHT) - get_height (self->header, -1)
         - get_height (self->footer, -1) - 36;
  gtk_scrolled_window_set_max_content_height (self->scroller, MAX (room, LEAST_ROOM));
  return G_SOURCE_REMOVE;
}

static void
on_surface_layout (EspSweepPage *self, int width, int height)
{
  if (height == self->height)
    return;
  self->height = height;
  if (self->fit_id == 0)
    self->fit_id = g_idle_add_full (G_PRIORITY_DEFAULT, fit, self, NULL);
}

static GtkSizeRequestMode
esp_sweep_page_get_request_mode (GtkWidget *widget)
{
  return GTK_SIZE_REQUEST_HEIGHT_FOR_WIDTH;
}

/* What scrolls is asked itself: a scrolled window does not tell it how wide it is. */
static int
get_wanted_height (EspSweepPage *self, int width)
{
  GtkWidget *viewport = gtk_scrolled_window_get_child (self->scroller);
  const int content = get_height (gtk_viewport_get_child (GTK_VIEWPORT (viewport)), width);
  const int most = gtk_scrolled_window_get_max_content_height (self->scroller);

  return get_height (self->header, width) + get_height (self->footer, width)
         + 2 * gtk_box_get_spacing (GTK_BOX (self->box))
         + (most > 0 ? MIN (content, most) : content);
}

/* It has the height that it wants, which is bounded: the picture above would take it otherwise. */
static void
esp_sweep_page_measure (GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum,
                        int *natural, int *minimum_baseline, int *natural_baseline)
{
  EspSweepPage *self = ESP_SWEEP_PAGE (widget);

  gtk_widget_measure (self->box, orientation, for_size, minimum, natural, NULL, NULL);
  if (orientation == GTK_ORIENTATION_VERTICAL)
    *minimum = *natural = MAX (*minimum, get_wanted_height (self, for_size));
}

static void
esp_sweep_page_size_allocate (GtkWidget *widget, int width, int height, int baseline)
{
  gtk_widget_allocate (ESP_SWEEP_PAGE (widget)->box, width, height, baseline, NULL);
}

static void
esp_sweep_page_realize (GtkWidget *widget)
{
  EspSweepPage *self = ESP_SWEEP_PAGE (widget);

  GTK_WIDGET_CLASS (esp_sweep_page_parent_class)->realize (widget);
  self->surface = gtk_native_get_surface (gtk_widget_get_native (widget));
  g_signal_connect_object (self->surface, "layout", G_CALLBACK (on_surface_layout), self,
                           G_CONNECT_SWAPPED);
  on_surface_layout (self, gdk_surface_get_width (self->surface),
                     gdk_surface_get_height (self->surface));
}

static void
esp_sweep_page_unrealize (GtkWidget *widget)
{
  EspSweepPage *self = ESP_SWEEP_PAGE (widget);

  g_signal_handlers_disconnect_by_func (self->surface, on_surface_layout, self);
  self->surface = NULL;
  self->height = 0;
  GTK_WIDGET_CLASS (esp_sweep_page_parent_class)->unrealize (widget);
}

/* --- The widget ------------------------------------------------------------------------------- */

static void
on_changed (EspSweepPage *self)
{
  _esp_sweep_page_queue_update (self);
}

static void
on_start (EspSweepPage *self)
{
  _esp_sweep_page_start (self);
}

void
esp_sweep_page_start (EspSweepPage *self)
{
  g_return_if_fail (ESP_IS_SWEEP_PAGE (self));
  _esp_sweep_page_start (self);
}

static void
on_back (EspSweepPage *self)
{
  _esp_sweep_page_remember (self);
  g_signal_emit (self, signals[LEAVE], 0);
}

static gboolean
on_start_key (GtkWidget *widget, GVariant *arguments, gpointer user_data)
{
  _esp_sweep_page_start (ESP_SWEEP_PAGE (widget));
  return TRUE;
}

static gboolean
on_leave_key (GtkWidget *widget, GVariant *arguments, gpointer user_data)
{
  on_back (ESP_SWEEP_PAGE (widget));
  return TRUE;
}

/* The first values are what is written first. */
static gboolean
esp_sweep_page_grab_focus (GtkWidget *widget)
{
  EspSweepPage *self = ESP_SWEEP_PAGE (widget);
  GtkWidget *row = gtk_widget_get_first_child (GTK_WIDGET (self->rows));

  if (row == NULL)
    return gtk_widget_grab_focus (GTK_WIDGET (self->instruction));
  esp_axis_row_focus_values (ESP_AXIS_ROW (row));
  return TRUE;
}

static void
esp_sweep_page_dispose (GObject *object)
{
  EspSweepPage *self = ESP_SWEEP_PAGE (object);

  g_clear_handle_id (&self->update_id, g_source_remove);
  g_clear_handle_id (&self->fit_id, g_source_remove);
  if (self->dialog != NULL)
    gtk_window_destroy (GTK_WINDOW (self->dialog));
  self->dialog = NULL;
  if (self->followed != NULL)
    for (guint i = 0; i < self->followed->len; i++)
      g_signal_handlers_disconnect_by_func (self->followed->pdata[i], _esp_sweep_page_queue_update,
                                            self);
  esp_sweep_page_set_accounts (self, NULL);
  g_clear_pointer (&self->box, gtk_widget_unparent);
  g_clear_object (&self->settings);
  g_clear_object (&self->queue);
  g_clear_object (&self->document);
  g_clear_object (&self->parent);

  G_OBJECT_CLASS (esp_sweep_page_parent_class)->dispose (object);
}

static void
esp_sweep_page_finalize (GObject *object)
{
  EspSweepPage *self = ESP_SWEEP_PAGE (object);

  g_clear_handle_id (&self->update_id, g_source_remove);
  g_ptr_array_unref (self->nodes);
  g_ptr_array_unref (self->references);
  g_ptr_array_unref (self->followed);
  g_clear_pointer (&self->choices, g_ptr_array_unref);
  g_clear_pointer (&self->plan, esp_sweep_plan_unref);
  g_clear_pointer (&self->presets, json_object_unref);
  g_clear_pointer (&self->parameters, json_object_unref);
  g_strfreev (self->models);
  g_free (self->base_instruction);
  g_free (self->negative_prompt);
  g_free (self->backend);
  g_free (self->model);
  g_free (self->model_name);
  g_free (self->text);

  G_OBJECT_CLASS (esp_sweep_page_parent_class)->finalize (object);
}

static void
bind_template (GtkWidgetClass *widget_class)
{
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/espalier/app/sweep/esp-sweep-page.ui");
  gtk_widget_class_bind_template_child (widget_class, EspSweepPage, box);
  gtk_widget_class_bind_template_child (widget_class, EspSweepPage, header);
  gtk_widget_class_bind_template_child (widget_class, EspSweepPage, footer);
  gtk_widget_class_bind_template_child (widget_class, EspSweepPage, scroller);
  gtk_widget_class_bind_template_child (widget_class, EspSweepPage, origin);
  gtk_widget_class_bind_template_child (widget_class, EspSweepPage, instruction);
  gtk_widget_class_bind_template_child (widget_class, EspSweepPage, instruction_message);
  gtk_widget_class_bind_template_child (widget_class, EspSweepPage, rows);
  gtk_widget_class_bind_template_child (widget_class, EspSweepPage, fixed);
  gtk_widget_class_bind_template_child (widget_class, EspSweepPage, add);
  gtk_widget_class_bind_template_child (widget_class, EspSweepPage, order);
  gtk_widget_class_bind_template_child (widget_class, EspSweepPage, draft_box);
  gtk_widget_class_bind_template_child (widget_class, EspSweepPage, draft);
  gtk_widget_class_bind_template_child (widget_class, EspSweepPage, draft_steps);
  gtk_widget_class_bind_template_child (widget_class, EspSweepPage, skipped);
  gtk_widget_class_bind_template_child (widget_class, EspSweepPage, skipped_title);
  gtk_widget_class_bind_template_child (widget_class, EspSweepPage, skipped_reasons);
  gtk_widget_class_bind_template_child (widget_class, EspSweepPage, summary);
  gtk_widget_class_bind_template_child (widget_class, EspSweepPage, trouble);
  gtk_widget_class_bind_template_child (widget_class, EspSweepPage, start);
  gtk_widget_class_bind_template_callback (widget_class, on_add);
  gtk_widget_class_bind_template_callback (widget_class, on_back);
  gtk_widget_class_bind_template_callback (widget_class, on_changed);
  gtk_widget_class_bind_template_callback (widget_class, on_start);
}

static void
esp_sweep_page_class_init (EspSweepPageClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = esp_sweep_page_dispose;
  object_class->finalize = esp_sweep_page_finalize;
  widget_class->get_request_mode = esp_sweep_page_get_request_mode;
  widget_class->focus = esp_focus_chain_move;
  widget_class->grab_focus = esp_sweep_page_grab_focus;
  widget_class->measure = esp_sweep_page_measure;
  widget_class->realize = esp_sweep_page_realize;
  widget_class->size_allocate = esp_sweep_page_size_allocate;
  widget_class->unrealize = esp_sweep_page_unrealize;

  signals[START] = g_signal_new ("start", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL,
                                 NULL, NULL, G_TYPE_NONE, 2, ESP_TYPE_SWEEP_PLAN, G_TYPE_INT);
  signals[LEAVE] = g_signal_new ("leave", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL,
                                 NULL, NULL, G_TYPE_NONE, 0);

  g_type_ensure (ESP_TYPE_SWEEP_BAR);
  bind_template (widget_class);
  gtk_widget_class_add_binding (widget_class, GDK_KEY_Return, GDK_CONTROL_MASK, on_start_key, NULL);
  gtk_widget_class_add_binding (widget_class, GDK_KEY_KP_Enter, GDK_CONTROL_MASK, on_start_key,
                                NULL);
  gtk_widget_class_add_binding (widget_class, GDK_KEY_Escape, 0, on_leave_key, NULL);
  gtk_widget_class_set_css_name (widget_class, "sweeppage");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_GROUP);
}

static void
esp_sweep_page_init (EspSweepPage *self)
{
  self->nodes = g_ptr_array_new_with_free_func (g_object_unref);
  self->references = g_ptr_array_new_with_free_func (g_object_unref);
  self->followed = g_ptr_array_new_with_free_func (g_object_unref);
  self->settings = g_settings_new (ESP_APP_ID);
  self->seed = (guint64) g_random_int_range (0, SEEDS);
  esp_style_ensure (gtk_widget_get_display (GTK_WIDGET (self)), "/espalier/app/sweep", "sweep.css");
  gtk_widget_init_template (GTK_WIDGET (self));
  /* The button in it has the keyboard, and no name by itself. */
  gtk_accessible_update_property (
      GTK_ACCESSIBLE (gtk_widget_get_first_child (GTK_WIDGET (self->order))),
      GTK_ACCESSIBLE_PROPERTY_LABEL, _ ("Order"), -1);
  g_signal_connect_object (gtk_text_view_get_buffer (self->instruction), "changed",
                           G_CALLBACK (on_changed), self, G_CONNECT_SWAPPED);
}

GtkWidget *
esp_sweep_page_new (void)
{
  return g_object_new (ESP_TYPE_SWEEP_PAGE, NULL);
}
