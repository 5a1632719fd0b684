//! The overview.

use axum::Extension;
use maud::html;

use crate::panel::{
    look::page::{Page, Tab},
    session::Session,
};

/// Shows the overview.
pub(crate) async fn show(Extension(_session): Extension<Session>) -> Page {
    Page::new(Tab::Overview, "Overview", html! { h1 { "Overview" } })
}
