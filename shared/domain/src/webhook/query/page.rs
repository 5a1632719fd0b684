//! Pages by position: what a list's `Link` header leads to.
//!
//! A page is known by the webhook before or after it, and not by its number. So a webhook that is
//! created or deleted meanwhile shifts no page. `page_info` is opaque to clients. It holds the
//! position and the filters of the list, so that whoever follows a link need not repeat them. It is
//! not signed: it selects among the caller's own webhooks, as the parameters themselves do.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use crate::webhook::{WebhookId, filter::WebhookFilter, query::WebhookQuery};

/// Where a page begins or ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Position {
    /// It has the webhooks that follow this one.
    After(WebhookId),
    /// It has the webhooks that come before this one, the nearest ones.
    Before(WebhookId),
}

/// What `page_info` holds.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PageInfo {
    pub(super) position: Position,
    #[serde(flatten)]
    pub(super) filter: WebhookFilter,
}

/// The text is no `page_info` of a list of webhooks.
#[derive(Debug, thiserror::Error)]
#[error("is invalid")]
pub(super) struct InvalidPageInfo;

impl PageInfo {
    #[expect(clippy::expect_used, reason = "ids, texts and times always serialize")]
    fn to_text(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_string(self).expect("plain data"))
    }

    /// Reads what [`Self::to_text`] wrote; `None`, which means the first page, if it is blank.
    pub(super) fn parse(text: &str) -> Result<Option<Self>, InvalidPageInfo> {
        if text.is_empty() {
            return Ok(None);
        }
        let json = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidPageInfo)?;
        serde_json::from_slice(&json).map(Some).map_err(|_| InvalidPageInfo)
    }
}

/// The `page_info` of the pages before and after one, where there are such.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Neighbours {
    /// The page before.
    pub previous: Option<String>,
    /// The page after.
    pub next: Option<String>,
}

impl WebhookQuery {
    /// The neighbours of the page that shows these ids, which ascend. `has_more` tells whether
    /// there were more webhooks in the direction of reading.
    pub fn neighbours(&self, shown: &[WebhookId], has_more: bool) -> Neighbours {
        let (Some(first), Some(last)) = (shown.first(), shown.last()) else { return Neighbours::default() };
        let (has_previous, has_next) = match self.position {
            None => (self.page > 1, has_more),
            Some(Position::After(_)) => (true, has_more),
            Some(Position::Before(_)) => (has_more, true),
        };
        let to = |position| PageInfo { position, filter: self.filter.clone() }.to_text();
        Neighbours {
            previous: has_previous.then(|| to(Position::Before(*first))),
            next: has_next.then(|| to(Position::After(*last))),
        }
    }

    /// The first and the last id that the page can have; `None` if it can have none.
    pub fn range(&self) -> Option<(WebhookId, WebhookId)> {
        let after = match self.position {
            Some(Position::After(id)) => self.filter.since_id.max(Some(id)),
            _ => self.filter.since_id,
        };
        let first = after.map_or(0, |id| id.get().saturating_add(1));
        let last = match self.position {
            Some(Position::Before(id)) => id.get().checked_sub(1)?,
            _ => u64::MAX,
        };
        (first <= last).then(|| (WebhookId::new(first), WebhookId::new(last)))
    }

    /// Whether the page ends at its position, so that it is read backward.
    pub fn is_backward(&self) -> bool {
        matches!(self.position, Some(Position::Before(_)))
    }
}
