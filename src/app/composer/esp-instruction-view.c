/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-instruction-view.c: the text that says what should change, and the earlier ones. */
#include "esp-instruction-view.h"

#include <glib/gi18n-lib.h>

#include "esp-focus-chain.h"

#define MAX_LINES   5
#define MAX_SESSION 200

struct _EspInstructionView
{
  GtkWidget parent_instance;

  GtkWidget *box;
  GtkScrolledWindow *scroller;
  GtkTextView *view;
  GtkTextBuffer *buffer;
  GtkWidget *placeholder;
  GtkWidget *earlier;
  GtkLabel *counter;

  GPtrArray *session;  /* of char *, latest first */
  GPtrArray *document; /* of char *, latest first */
  GPtrArray *entries;  /* of char *, borrowed from the two: what one steps through */
  char *draft;         /* while position > 0 */
  char *text;
  guint position;
  double height;       /* of the text when it was measured last */
  guint resize;        /* source */
  guint setting : 1;   /* the change of the buffer is ours */
  guint quiet : 1;     /* so is the selection: no other program is offered it */
  guint composing : 1; /* an input method has not settled its text */
};

G_DEFINE_FINAL_TYPE (EspInstructionView, esp_instruction_view, GTK_TYPE_WIDGET)

enum
{
  CHANGED,
  RUN,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static gboolean
is_blank (const char *text)
{
  for (; *text != '\0'; text = g_utf8_next_char (text))
    if (!g_unichar_isspace (g_utf8_get_char (text)))
      return FALSE;

  return TRUE;
}

static void
update_counter (EspInstructionView *self)
{
  g_autofree char *text = NULL;

  /* Translators: which of the earlier instructions is shown, as in "(1/3)". */
  if (self->position > 0)
    text = g_strdup_printf (_ ("(%u/%u)"), self->position, self->entries->len);
  gtk_label_set_text (self->counter, text != NULL ? text : "");
  gtk_widget_set_sensitive (self->earlier, self->entries->len > 0);
}

static void
update_entries (EspInstructionView *self)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

  g_ptr_array_set_size (self->entries, 0);
  for (guint i = 0; i < self->session->len; i++)
    if (g_hash_table_add (seen, g_ptr_array_index (self->session, i)))
      g_ptr_array_add (self->entries, g_ptr_array_index (self->session, i));
  for (guint i = 0; i < self->document->len; i++)
    if (g_hash_table_add (seen, g_ptr_array_index (self->document, i)))
      g_ptr_array_add (self->entries, g_ptr_array_index (self->document, i));
}

/* Puts a text among those of this session, as the latest. */
static void
remember (EspInstructionView *self, const char *text)
{
  g_autofree char *copy = g_strdup (text);

  if (is_blank (copy))
    return;

  for (guint i = 0; i < self->session->len; i++)
    if (g_str_equal (g_ptr_array_index (self->session, i), copy))
      {
        g_ptr_array_remove_index (self->session, i);
        break;
      }
  g_ptr_array_insert (self->session, 0, g_steal_pointer (&copy));
  if (self->session->len > MAX_SESSION)
    g_ptr_array_set_size (self->session, MAX_SESSION);
  update_entries (self);
}

/* As one step of the buffer's undo, which gtk_text_buffer_set_text () would clear. */
static void
replace_text (EspInstructionView *self, const char *text)
{
  GtkTextIter start, end;

  self->setting = TRUE;
  gtk_text_buffer_get_bounds (self->buffer, &start, &end);
  gtk_text_buffer_begin_user_action (self->buffer);
  gtk_text_buffer_delete (self->buffer, &start, &end);
  gtk_text_buffer_insert (self->buffer, &start, text, -1);
  gtk_text_buffer_end_user_action (self->buffer);
  self->setting = FALSE;
}

static void
on_buffer_changed (EspInstructionView *self)
{
  GtkTextIter start, end;

  gtk_text_buffer_get_bounds (self->buffer, &start, &end);
  g_free (self->text);
  self->text = gtk_text_buffer_get_text (self->buffer, &start, &end, FALSE);
  gtk_widget_set_visible (self->placeholder, self->text[0] == '\0');

  /* An earlier instruction that is edited is the draft now; the one before it must not be lost. */
  if (!self->setting && self->position > 0)
    {
      self->position = 0;
      if (self->draft != NULL)
        remember (self, self->draft);
      g_clear_pointer (&self->draft, g_free);
      update_counter (self);
    }

  if (!self->setting)
    g_signal_emit (self, signals[CHANGED], 0);
}

static void
place_cursor (EspInstructionView *self, int direction)
{
  GtkTextIter iter;

  if (direction > 0)
    {
      gtk_text_buffer_get_start_iter (self->buffer, &iter);
      if (!gtk_text_iter_ends_line (&iter))
        gtk_text_iter_forward_to_line_end (&iter);
    }
  else
    gtk_text_buffer_get_end_iter (self->buffer, &iter);
  gtk_text_buffer_place_cursor (self->buffer, &iter);
  gtk_text_view_scroll_mark_onscreen (self->view, gtk_text_buffer_get_insert (self->buffer));
}

gboolean
esp_instruction_view_step (EspInstructionView *self, int direction)
{
  guint position;

  g_return_val_if_fail (ESP_IS_INSTRUCTION_VIEW (self), FALSE);

  if (direction > 0 && self->position >= self->entries->len)
    return FALSE;
  if (direction < 0 && self->position == 0)
    return FALSE;

  position = direction > 0 ? self->position + 1 : self->position - 1;

  /* The instruction that was just run is still there: the one before it is meant. */
  if (self->position == 0 && direction > 0
      && g_str_equal (g_ptr_array_index (self->entries, 0), self->text))
    {
      if (self->entries->len < 2)
        return FALSE;
      position = 2;
    }

  if (self->position == 0)
    {
      g_free (self->draft);
      self->draft = g_strdup (self->text);
    }

  self->position = position;
  if (position == 0)
    {
      g_autofree char *draft = g_steal_pointer (&self->draft);

      replace_text (self, draft != NULL ? draft : "");
    }
  else
    replace_text (self, g_ptr_array_index (self->entries, position - 1));

  place_cursor (self, direction);
  update_counter (self);
  g_signal_emit (self, signals[CHANGED], 0);

  return TRUE;
}

static gboolean
is_at_edge (EspInstructionView *self, int direction)
{
  GtkTextIter iter;

  if (gtk_text_buffer_get_has_selection (self->buffer))
    {
      GtkTextIter end;

      /* All of it is selected after a run. */
      gtk_text_buffer_get_selection_bounds (self->buffer, &iter, &end);
      return gtk_text_iter_is_start (&iter) && gtk_text_iter_is_end (&end);
    }

  gtk_text_buffer_get_iter_at_mark (self->buffer, &iter, gtk_text_buffer_get_insert (self->buffer));
  if (direction > 0)
    return !gtk_text_view_backward_display_line (self->view, &iter);

  return !gtk_text_view_forward_display_line (self->view, &iter);
}

static void
on_preedit_changed (EspInstructionView *self, const char *preedit)
{
  self->composing = *preedit != '\0';
}

static gboolean
on_key_pressed (EspInstructionView *self, guint keyval, guint keycode, GdkModifierType state)
{
  GdkModifierType modifiers = state & gtk_accelerator_get_default_mod_mask ();
  int direction = keyval == GDK_KEY_Up || keyval == GDK_KEY_KP_Up       ? 1
                  : keyval == GDK_KEY_Down || keyval == GDK_KEY_KP_Down ? -1
                                                                        : 0;

  /* While an input method composes, the arrows and Return are its own. */
  if (self->composing)
    return GDK_EVENT_PROPAGATE;

  if (keyval == GDK_KEY_Return || keyval == GDK_KEY_KP_Enter || keyval == GDK_KEY_ISO_Enter)
    {
      if (modifiers != GDK_CONTROL_MASK && modifiers != (GDK_CONTROL_MASK | GDK_SHIFT_MASK))
        return GDK_EVENT_PROPAGATE;

      g_signal_emit (self, signals[RUN], 0, (modifiers & GDK_SHIFT_MASK) != 0);
      return GDK_EVENT_STOP;
    }

  if (direction == 0)
    return GDK_EVENT_PROPAGATE;
  if (modifiers == GDK_ALT_MASK)
    {
      esp_instruction_view_step (self, direction);
      return GDK_EVENT_STOP;
    }
  if (modifiers == 0 && is_at_edge (self, direction))
    return esp_instruction_view_step (self, direction);

  return GDK_EVENT_PROPAGATE;
}

static void
on_earlier (EspInstructionView *self)
{
  /* Round and round: from the earliest back to the draft. */
  if (!esp_instruction_view_step (self, 1))
    while (esp_instruction_view_step (self, -1))
      ;
  gtk_widget_grab_focus (GTK_WIDGET (self->view));
}

static gboolean
resize (gpointer user_data)
{
  EspInstructionView *self = user_data;

  self->resize = 0;
  gtk_widget_queue_resize (GTK_WIDGET (self->view));

  return G_SOURCE_REMOVE;
}

/* A scrollbar asks for the height of two lines even where there is nothing to scroll. */
static void
update_scrollbar (EspInstructionView *self, GtkAdjustment *adjustment)
{
  gboolean needed = gtk_adjustment_get_upper (adjustment)
                    > gtk_scrolled_window_get_max_content_height (self->scroller);

  gtk_scrolled_window_set_policy (self->scroller, GTK_POLICY_NEVER,
                                  needed ? GTK_POLICY_AUTOMATIC : GTK_POLICY_EXTERNAL);

  /* The text view finds out how high it is only after it was given its width, and tells nobody but
   * the adjustment, in the middle of the allocation. */
  if (gtk_adjustment_get_upper (adjustment) != self->height && self->resize == 0)
    self->resize = g_idle_add (resize, self);
  self->height = gtk_adjustment_get_upper (adjustment);
}

static void
update_height (EspInstructionView *self)
{
  g_autoptr (PangoLayout) layout = gtk_widget_create_pango_layout (GTK_WIDGET (self->view), "Åg");
  int line;

  pango_layout_get_pixel_size (layout, NULL, &line);
  gtk_scrolled_window_set_max_content_height (self->scroller, MAX_LINES * line + 8);
}

static void
esp_instruction_view_css_changed (GtkWidget *widget, GtkCssStyleChange *change)
{
  EspInstructionView *self = ESP_INSTRUCTION_VIEW (widget);

  GTK_WIDGET_CLASS (esp_instruction_view_parent_class)->css_changed (widget, change);
  if (self->view != NULL)
    update_height (self);
}

static gboolean
esp_instruction_view_grab_focus (GtkWidget *widget)
{
  return gtk_widget_grab_focus (GTK_WIDGET (ESP_INSTRUCTION_VIEW (widget)->view));
}

static GdkClipboard *
get_primary (EspInstructionView *self)
{
  return gtk_widget_get_primary_clipboard (GTK_WIDGET (self->view));
}

/* What is selected is for the middle button again, as soon as our selection has gone. */
static void
on_has_selection (EspInstructionView *self)
{
  if (self->quiet && !gtk_text_buffer_get_has_selection (self->buffer))
    {
      self->quiet = FALSE;
      gtk_text_buffer_add_selection_clipboard (self->buffer, get_primary (self));
    }
}

/* The view takes its clipboard out again. */
static void
on_unrealize (EspInstructionView *self)
{
  if (self->quiet)
    place_cursor (self, -1);
}

/* All, so that typing replaces it. What the person selected last, here or in another program, stays
 * what the middle button pastes. (GTK 4.8 also loses a reference of the buffer for each selection
 * that it offers.) */
static void
select_quietly (EspInstructionView *self)
{
  GtkTextIter start, end;

  if (!self->quiet && gtk_widget_get_realized (GTK_WIDGET (self->view)))
    {
      gtk_text_buffer_remove_selection_clipboard (self->buffer, get_primary (self));
      self->quiet = TRUE;
    }
  gtk_text_buffer_get_bounds (self->buffer, &start, &end);
  gtk_text_buffer_select_range (self->buffer, &end, &start);
  on_has_selection (self); /* of nothing there is none */
}

static void
esp_instruction_view_dispose (GObject *object)
{
  EspInstructionView *self = ESP_INSTRUCTION_VIEW (object);

  g_clear_handle_id (&self->resize, g_source_remove);
  if (self->buffer != NULL)
    {
      on_unrealize (self);
      g_signal_handlers_disconnect_by_data (self->buffer, self);
    }
  g_clear_object (&self->buffer);
  g_clear_pointer (&self->box, gtk_widget_unparent);
  self->view = NULL;

  G_OBJECT_CLASS (esp_instruction_view_parent_class)->dispose (object);
}

static void
esp_instruction_view_finalize (GObject *object)
{
  EspInstructionView *self = ESP_INSTRUCTION_VIEW (object);

  g_clear_pointer (&self->entries, g_ptr_array_unref);
  g_clear_pointer (&self->session, g_ptr_array_unref);
  g_clear_pointer (&self->document, g_ptr_array_unref);
  g_clear_pointer (&self->draft, g_free);
  g_clear_pointer (&self->text, g_free);

  G_OBJECT_CLASS (esp_instruction_view_parent_class)->finalize (object);
}

static void
esp_instruction_view_class_init (EspInstructionViewClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = esp_instruction_view_dispose;
  object_class->finalize = esp_instruction_view_finalize;
  widget_class->css_changed = esp_instruction_view_css_changed;
  widget_class->focus = esp_focus_chain_move;
  widget_class->grab_focus = esp_instruction_view_grab_focus;

  signals[CHANGED] = g_signal_new ("changed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL,
                                   NULL, NULL, G_TYPE_NONE, 0);
  signals[RUN] = g_signal_new ("run", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                               NULL, G_TYPE_NONE, 1, G_TYPE_BOOLEAN);

  gtk_widget_class_set_css_name (widget_class, "instruction");
  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BIN_LAYOUT);
}

static GtkWidget *
create_text (EspInstructionView *self)
{
  GtkWidget *overlay = gtk_overlay_new ();
  GtkEventController *keys = gtk_event_controller_key_new ();
  const char *hint = _ ("What should change?");

  self->view = GTK_TEXT_VIEW (gtk_text_view_new ());
  self->buffer = g_object_ref (gtk_text_view_get_buffer (self->view));
  gtk_text_view_set_wrap_mode (self->view, GTK_WRAP_WORD_CHAR);
  gtk_text_view_set_accepts_tab (self->view, FALSE);
  gtk_text_view_set_input_hints (self->view,
                                 GTK_INPUT_HINT_SPELLCHECK | GTK_INPUT_HINT_UPPERCASE_SENTENCES);
  gtk_text_buffer_set_enable_undo (self->buffer, TRUE);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->view), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Instruction"), GTK_ACCESSIBLE_PROPERTY_PLACEHOLDER, hint, -1);
  g_signal_connect_object (self->buffer, "changed", G_CALLBACK (on_buffer_changed), self,
                           G_CONNECT_SWAPPED);

  g_signal_connect_object (self->buffer, "notify::has-selection", G_CALLBACK (on_has_selection),
                           self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->view, "unrealize", G_CALLBACK (on_unrealize), self,
                           G_CONNECT_SWAPPED);

  gtk_event_controller_set_propagation_phase (keys, GTK_PHASE_CAPTURE);
  g_signal_connect_object (self->view, "preedit-changed", G_CALLBACK (on_preedit_changed), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (keys, "key-pressed", G_CALLBACK (on_key_pressed), self,
                           G_CONNECT_SWAPPED);
  gtk_widget_add_controller (GTK_WIDGET (self->view), keys);

  self->scroller = GTK_SCROLLED_WINDOW (gtk_scrolled_window_new ());
  gtk_scrolled_window_set_policy (self->scroller, GTK_POLICY_NEVER, GTK_POLICY_EXTERNAL);
  gtk_scrolled_window_set_propagate_natural_height (self->scroller, TRUE);
  gtk_scrolled_window_set_child (self->scroller, GTK_WIDGET (self->view));
  g_signal_connect_object (gtk_scrolled_window_get_vadjustment (self->scroller), "changed",
                           G_CALLBACK (update_scrollbar), self, G_CONNECT_SWAPPED);

  self->placeholder = gtk_label_new (hint);
  gtk_widget_add_css_class (self->placeholder, "dim-label");
  gtk_label_set_ellipsize (GTK_LABEL (self->placeholder), PANGO_ELLIPSIZE_END);
  gtk_label_set_xalign (GTK_LABEL (self->placeholder), 0);
  gtk_widget_set_halign (self->placeholder, GTK_ALIGN_FILL);
  gtk_widget_set_valign (self->placeholder, GTK_ALIGN_START);
  gtk_widget_set_margin_start (self->placeholder, 6);
  gtk_widget_set_margin_top (self->placeholder, 4);
  gtk_widget_set_can_target (self->placeholder, FALSE);

  gtk_overlay_set_child (GTK_OVERLAY (overlay), GTK_WIDGET (self->scroller));
  gtk_overlay_add_overlay (GTK_OVERLAY (overlay), self->placeholder);
  gtk_widget_set_hexpand (overlay, TRUE);
  gtk_widget_set_valign (overlay, GTK_ALIGN_CENTER);

  return overlay;
}

static void
esp_instruction_view_init (EspInstructionView *self)
{
  self->session = g_ptr_array_new_with_free_func (g_free);
  self->document = g_ptr_array_new_with_free_func (g_free);
  self->entries = g_ptr_array_new ();
  self->text = g_strdup ("");

  self->box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  gtk_widget_set_parent (self->box, GTK_WIDGET (self));
  gtk_box_append (GTK_BOX (self->box), create_text (self));

  self->counter = GTK_LABEL (gtk_label_new (NULL));
  gtk_label_set_width_chars (self->counter, 5);
  gtk_label_set_xalign (self->counter, 1);
  gtk_widget_add_css_class (GTK_WIDGET (self->counter), "dim-label");
  gtk_widget_add_css_class (GTK_WIDGET (self->counter), "numeric");
  gtk_widget_add_css_class (GTK_WIDGET (self->counter), "caption");
  gtk_box_append (GTK_BOX (self->box), GTK_WIDGET (self->counter));

  self->earlier = gtk_button_new_from_icon_name ("go-up-symbolic");
  gtk_widget_add_css_class (self->earlier, "flat");
  gtk_widget_add_css_class (self->earlier, "circular");
  gtk_widget_set_valign (self->earlier, GTK_ALIGN_START);
  gtk_widget_set_tooltip_text (self->earlier, _ ("Earlier Instruction (Alt+Up)"));
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->earlier), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Earlier Instruction"), -1);
  g_signal_connect_object (self->earlier, "clicked", G_CALLBACK (on_earlier), self,
                           G_CONNECT_SWAPPED);
  gtk_box_append (GTK_BOX (self->box), self->earlier);

  update_height (self);
  update_counter (self);
}

GtkWidget *
esp_instruction_view_new (void)
{
  return g_object_new (ESP_TYPE_INSTRUCTION_VIEW, NULL);
}

const char *
esp_instruction_view_get_text (EspInstructionView *self)
{
  g_return_val_if_fail (ESP_IS_INSTRUCTION_VIEW (self), "");

  return self->text;
}

gboolean
esp_instruction_view_is_blank (EspInstructionView *self)
{
  g_return_val_if_fail (ESP_IS_INSTRUCTION_VIEW (self), TRUE);

  return is_blank (self->text);
}

void
esp_instruction_view_set_text (EspInstructionView *self, const char *text)
{
  g_return_if_fail (ESP_IS_INSTRUCTION_VIEW (self));
  g_return_if_fail (text != NULL);

  if (g_str_equal (text, self->text))
    return;

  remember (self, self->position > 0 && self->draft != NULL ? self->draft : self->text);
  g_clear_pointer (&self->draft, g_free);
  self->position = 0;
  replace_text (self, text);
  place_cursor (self, -1);
  update_counter (self);
  g_signal_emit (self, signals[CHANGED], 0);
}

void
esp_instruction_view_accept (EspInstructionView *self)
{
  g_return_if_fail (ESP_IS_INSTRUCTION_VIEW (self));

  if (self->draft != NULL)
    remember (self, self->draft);
  g_clear_pointer (&self->draft, g_free);
  remember (self, self->text);
  self->position = 0;
  select_quietly (self);
  update_counter (self);
}

void
esp_instruction_view_set_history (EspInstructionView *self, const char *const *history)
{
  g_return_if_fail (ESP_IS_INSTRUCTION_VIEW (self));

  /* Whoever is stepping through it stays at the text that they see. */
  g_ptr_array_set_size (self->entries, 0);
  g_ptr_array_set_size (self->document, 0);
  for (; history != NULL && *history != NULL; history++)
    g_ptr_array_add (self->document, g_strdup (*history));
  update_entries (self);
  if (self->position > 0)
    {
      guint index = 0;

      for (guint i = 0; i < self->entries->len && index == 0; i++)
        if (g_str_equal (g_ptr_array_index (self->entries, i), self->text))
          index = i + 1;
      self->position = index;
      if (index == 0)
        {
          if (self->draft != NULL)
            remember (self, self->draft);
          g_clear_pointer (&self->draft, g_free);
        }
    }
  update_counter (self);
}

guint
esp_instruction_view_get_n_history (EspInstructionView *self)
{
  g_return_val_if_fail (ESP_IS_INSTRUCTION_VIEW (self), 0);

  return self->entries->len;
}

void
esp_instruction_view_clear_session (EspInstructionView *self)
{
  g_return_if_fail (ESP_IS_INSTRUCTION_VIEW (self));

  g_ptr_array_set_size (self->entries, 0);
  g_ptr_array_set_size (self->session, 0);
  g_clear_pointer (&self->draft, g_free);
  self->position = 0;
  update_entries (self);
  update_counter (self);
}

guint
esp_instruction_view_get_position (EspInstructionView *self)
{
  g_return_val_if_fail (ESP_IS_INSTRUCTION_VIEW (self), 0);

  return self->position;
}

GtkTextView *
esp_instruction_view_get_text_view (EspInstructionView *self)
{
  g_return_val_if_fail (ESP_IS_INSTRUCTION_VIEW (self), NULL);

  return self->view;
}
