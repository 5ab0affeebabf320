/* SPDX-License-Identifier: GPL-3.0-or-later */
/* esp-welcome.c: how to start, and the documents of late with their pictures. */
#define G_LOG_DOMAIN "espalier-window"

#include "esp-welcome.h"

#include <glib/gi18n-lib.h>

#include "esp-recent.h"
#include "esp-texture-cache.h"

#define MAX_RECENT       8
#define THUMBNAIL_WIDTH  144
#define THUMBNAIL_HEIGHT 112

struct _EspWelcome
{
  GtkWidget parent_instance;

  GtkWidget *scroller;
  AdwStatusPage *page;
  GtkWidget *start;
  GtkWidget *buttons;
  GtkSpinner *spinner;
  GtkWidget *recent;
  GtkWidget *recent_title;
  GtkFlowBox *flow;

  GCancellable *cancellable;
};

G_DEFINE_FINAL_TYPE (EspWelcome, esp_welcome, GTK_TYPE_WIDGET)

enum
{
  SIGNAL_OPEN,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static GtkWidget *
create_child (EspLibraryItem *recent)
{
  GtkWidget *child = gtk_flow_box_child_new ();
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
  GtkWidget *picture;
  GtkWidget *label;

  if (esp_library_item_get_thumbnail (recent) != NULL)
    {
      g_autoptr (GdkTexture) texture
          = esp_texture_new_for_picture (esp_library_item_get_thumbnail (recent));
      double aspect = gdk_texture_get_width (texture) / (double) gdk_texture_get_height (texture);
      int width = (int) MIN (THUMBNAIL_WIDTH, THUMBNAIL_HEIGHT * aspect);
      GtkWidget *image = gtk_picture_new_for_paintable (GDK_PAINTABLE (texture));

      gtk_widget_add_css_class (image, "thumbnail");
      gtk_widget_set_overflow (image, GTK_OVERFLOW_HIDDEN);
      gtk_widget_set_valign (image, GTK_ALIGN_CENTER);
      /* The one container here that keeps a child from its natural size. */
      picture = g_object_new (ADW_TYPE_CLAMP, "child", image, "maximum-size", width,
                              "tightening-threshold", width, NULL);
    }
  else
    {
      picture = gtk_image_new_from_icon_name ("image-x-generic-symbolic");
      gtk_image_set_pixel_size (GTK_IMAGE (picture), 48);
      gtk_widget_add_css_class (picture, "dim-label");
    }
  gtk_widget_set_size_request (picture, -1, THUMBNAIL_HEIGHT);
  gtk_box_append (GTK_BOX (box), picture);

  label = g_object_new (GTK_TYPE_LABEL, "label", esp_library_item_get_title (recent), "ellipsize",
                        PANGO_ELLIPSIZE_MIDDLE, "max-width-chars", 18, NULL);
  gtk_box_append (GTK_BOX (box), label);

  gtk_flow_box_child_set_child (GTK_FLOW_BOX_CHILD (child), box);
  gtk_widget_set_tooltip_text (child, esp_library_item_get_title (recent));
  gtk_accessible_update_property (GTK_ACCESSIBLE (child), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  esp_library_item_get_title (recent), -1);
  g_object_set_data_full (G_OBJECT (child), "file",
                          g_object_ref (esp_library_item_get_file (recent)), g_object_unref);
  return child;
}

static void
on_listed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (EspWelcome) self = ESP_WELCOME (user_data);
  g_autoptr (GPtrArray) documents = esp_recent_list_finish (result, NULL);
  GtkWidget *child;

  if (documents == NULL || self->flow == NULL)
    return;
  while ((child = gtk_widget_get_first_child (GTK_WIDGET (self->flow))) != NULL)
    gtk_flow_box_remove (self->flow, child);
  for (guint i = 0; i < documents->len; i++)
    gtk_flow_box_append (self->flow, create_child (g_ptr_array_index (documents, i)));
  gtk_widget_set_visible (self->recent, documents->len > 0);
}

void
esp_welcome_refresh (EspWelcome *self)
{
  g_return_if_fail (ESP_IS_WELCOME (self));

  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  self->cancellable = g_cancellable_new ();
  esp_recent_list_async (MAX_RECENT, self->cancellable, on_listed, g_object_ref (self));
}

static void
on_child_activated (EspWelcome *self, GtkFlowBoxChild *child)
{
  g_signal_emit (self, signals[SIGNAL_OPEN], 0, g_object_get_data (G_OBJECT (child), "file"));
}

void
esp_welcome_set_busy (EspWelcome *self, gboolean busy)
{
  g_return_if_fail (ESP_IS_WELCOME (self));

  gtk_stack_set_visible_child (GTK_STACK (self->start),
                               busy ? GTK_WIDGET (self->spinner) : self->buttons);
  gtk_spinner_set_spinning (self->spinner, busy);
  gtk_widget_set_sensitive (self->recent, !busy);
}

static void
esp_welcome_map (GtkWidget *widget)
{
  GTK_WIDGET_CLASS (esp_welcome_parent_class)->map (widget);
  esp_welcome_refresh (ESP_WELCOME (widget));
}

static void
esp_welcome_dispose (GObject *object)
{
  EspWelcome *self = ESP_WELCOME (object);

  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  gtk_widget_dispose_template (GTK_WIDGET (self), ESP_TYPE_WELCOME);

  G_OBJECT_CLASS (esp_welcome_parent_class)->dispose (object);
}

static void
esp_welcome_class_init (EspWelcomeClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = esp_welcome_dispose;
  widget_class->map = esp_welcome_map;

  signals[SIGNAL_OPEN] = g_signal_new ("open", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0,
                                       NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_FILE);

  gtk_widget_class_set_template_from_resource (widget_class, "/espalier/app/window/esp-welcome.ui");
  gtk_widget_class_bind_template_child (widget_class, EspWelcome, scroller);
  gtk_widget_class_bind_template_child (widget_class, EspWelcome, page);
  gtk_widget_class_bind_template_child (widget_class, EspWelcome, start);
  gtk_widget_class_bind_template_child (widget_class, EspWelcome, buttons);
  gtk_widget_class_bind_template_child (widget_class, EspWelcome, spinner);
  gtk_widget_class_bind_template_child (widget_class, EspWelcome, recent);
  gtk_widget_class_bind_template_child (widget_class, EspWelcome, recent_title);
  gtk_widget_class_bind_template_child (widget_class, EspWelcome, flow);
  gtk_widget_class_bind_template_callback (widget_class, on_child_activated);
  gtk_widget_class_set_css_name (widget_class, "welcome");
}

static void
esp_welcome_init (EspWelcome *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  adw_status_page_set_icon_name (self->page, ESP_APP_ID);
}

GtkWidget *
esp_welcome_new (void)
{
  return g_object_new (ESP_TYPE_WELCOME, NULL);
}
