//! The pages beside one: what leads to them, and which webhooks a page can have.

use crate::webhook::{
    WebhookId,
    query::{
        WebhookQuery,
        page::{PageInfo, Position},
    },
};

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
