//! Pages by position: what a list's `Link` header leads to.
//!
//! A page is known by the webhook before or after it, and not by its number. So a webhook that is
//! created or deleted meanwhile shifts no page. `page_info` is opaque to clients. It holds the
//! position and the filters of the list, so that whoever follows a link need not repeat them. It is
//! not signed: it selects among the caller's own webhooks, as the parameters themselves do.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use crate::webhook::{WebhookId, filter::WebhookFilter};

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
    pub(super) fn to_text(&self) -> String {
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
