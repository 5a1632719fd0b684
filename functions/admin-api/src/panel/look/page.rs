//! A page: what a handler returns, and what [`shell`](crate::panel::shell) dresses as a document.

use axum::{
    http::{StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
};
use maud::{DOCTYPE, Markup, html};

/// A page without what all pages have.
#[derive(Clone)]
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) title: String,
    pub(crate) tab: Option<Tab>,
    pub(crate) body: Markup,
}

/// The entries of the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tab {
    Overview,
    Webhooks,
    Deliveries,
    Events,
    Topics,
    Push,
    Secrets,
}

impl Tab {
    /// Every tab, in the order of the navigation.
    pub(crate) const ALL: [Self; 7] = [
        Self::Overview,
        Self::Webhooks,
        Self::Deliveries,
        Self::Events,
        Self::Topics,
        Self::Push,
        Self::Secrets,
    ];

    /// Its path, and its name.
    pub(crate) fn link(self) -> (&'static str, &'static str) {
        match self {
            Self::Overview => ("/panel", "Overview"),
            Self::Webhooks => ("/panel/webhooks", "Webhooks"),
            Self::Deliveries => ("/panel/deliveries", "Deliveries"),
            Self::Events => ("/panel/events", "Why not sent?"),
            Self::Topics => ("/panel/topics", "Topics"),
            Self::Push => ("/panel/push", "Push an event"),
            Self::Secrets => ("/panel/secrets", "Secrets"),
        }
    }
}

impl Page {
    /// A page under a tab.
    pub(crate) fn new(tab: Tab, title: impl Into<String>, body: Markup) -> Self {
        Self { status: StatusCode::OK, title: title.into(), tab: Some(tab), body }
    }

    /// A page for somebody who is not signed in.
    pub(crate) fn outside(title: impl Into<String>, body: Markup) -> Self {
        Self { status: StatusCode::OK, title: title.into(), tab: None, body }
    }

    /// The page with another status.
    pub(crate) fn with(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Leads to a page after a change. The page says what was done: see [`Notice`].
pub(crate) fn done(page: &str, what: Notice) -> Response {
    let separator = if page.contains('?') { '&' } else { '?' };
    Redirect::to(&format!("{page}{separator}done={}", what.name())).into_response()
}

/// A page that loads itself again, without JavaScript.
pub(crate) fn reload() -> Response {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head { meta charset="utf-8"; meta http-equiv="refresh" content="0"; title { "One moment" } }
            body { p { "One moment …" } }
        }
    };
    ([(header::CACHE_CONTROL, "no-store")], Html(page.into_string())).into_response()
}

/// What a change did. A page shows it once, after the redirect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Notice {
    Created,
    Saved,
    Paused,
    Resumed,
    Deleted,
    Queued,
    TestSent,
    ReplayBegun,
    Pushed,
    Stopped,
    SignedOut,
    SignedOutEverywhere,
}

impl Notice {
    const ALL: [Self; 12] = [
        Self::Created,
        Self::Saved,
        Self::Paused,
        Self::Resumed,
        Self::Deleted,
        Self::Queued,
        Self::TestSent,
        Self::ReplayBegun,
        Self::Pushed,
        Self::Stopped,
        Self::SignedOut,
        Self::SignedOutEverywhere,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Saved => "saved",
            Self::Paused => "paused",
            Self::Resumed => "resumed",
            Self::Deleted => "deleted",
            Self::Queued => "queued",
            Self::TestSent => "test-sent",
            Self::ReplayBegun => "replay-begun",
            Self::Pushed => "pushed",
            Self::Stopped => "stopped",
            Self::SignedOut => "signed-out",
            Self::SignedOutEverywhere => "signed-out-everywhere",
        }
    }

    /// What the page says. Nothing is held or replayed where no history is kept.
    pub(crate) fn words(self, is_recorded: bool) -> &'static str {
        match self {
            Self::Paused if !is_recorded => {
                "The webhook is paused. No history is kept, so what it misses meanwhile cannot be replayed."
            }
            Self::Resumed if !is_recorded => "The webhook is active again.",
            Self::Queued if !is_recorded => "The delivery is queued.",
            Self::Created => "The webhook is created. Send a test event to try it.",
            Self::Saved => "The webhook is saved.",
            Self::Paused => "The webhook is paused. Its deliveries are held until you replay them.",
            Self::Resumed => "The webhook is active again. Replay what was held meanwhile.",
            Self::Deleted => "The webhook is deleted, and its waiting deliveries are cancelled.",
            Self::Queued => "The delivery is queued. Its attempt shows here when it is made.",
            Self::TestSent => "The test event is sent. No history is kept, so look for it at your endpoint.",
            Self::ReplayBegun => "The replay has begun. It goes on when you leave this page.",
            Self::Pushed => "The event is pushed. Its deliveries begin in a moment.",
            Self::Stopped => "The replay is stopped.",
            Self::SignedOut => "You are signed out.",
            Self::SignedOutEverywhere => "All sessions of this app on this shop are signed out.",
        }
    }

    /// The notice that a query names with `done`, if it names one.
    pub(crate) fn of(query: &str) -> Option<Self> {
        let name = query.split('&').find_map(|pair| pair.strip_prefix("done="))?;
        Self::ALL.into_iter().find(|notice| notice.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_history_no_notice_speaks_of_a_replay_to_come() {
        for notice in Notice::ALL {
            let words = notice.words(false);
            assert!(!words.contains("held") && !words.contains("Replay what"), "{words}");
            assert_eq!(Notice::of(&format!("a=b&done={}", notice.name())), Some(notice));
        }
        assert!(Notice::Paused.words(true).contains("held until you replay them"));
    }
}
