//! The steps of a recovery.

use serde::{Deserialize, Serialize};

use crate::{installation::message_group::MessageGroup, webhook::WebhookKey};

/// A step that is to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryStep {
    /// The webhook that recovers.
    #[serde(flatten)]
    pub webhook: WebhookKey,
    /// The opening whose recovery it is.
    pub opening: String,
    /// Which step it is, from 1.
    pub number: u32,
}

impl RecoveryStep {
    /// The group of its message: the installation.
    pub fn group(&self) -> MessageGroup {
        MessageGroup::of(&self.webhook.shop, &self.webhook.app)
    }
}
