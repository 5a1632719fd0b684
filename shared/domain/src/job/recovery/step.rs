//! The steps of a recovery.

use serde::{Deserialize, Serialize};

use crate::{installation::message_group::MessageGroup, job::recovery::Recovery, webhook::WebhookKey};

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

/// What is to be done with a step that was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Make the step.
    Make,
    /// The step is made or comes too early: queue the one that is next.
    QueueNext,
    /// Nothing.
    End,
}

impl RecoveryStep {
    /// The group of its message: the installation.
    pub fn group(&self) -> MessageGroup {
        MessageGroup::of(&self.webhook.shop, &self.webhook.app)
    }
}

impl Recovery {
    /// What is to be done with a step that came as this SQS message.
    pub fn turn(&self, step: &RecoveryStep, message_id: &str, now: jiff::Timestamp) -> Turn {
        let is_noted = step.number == self.steps && self.noted_by.as_deref() == Some(message_id);
        if step.opening != self.opening {
            Turn::End
        } else if step.number == self.steps.saturating_add(1) {
            match self.due_at {
                Some(due) if due > now => Turn::QueueNext,
                Some(_) => Turn::Make,
                None => Turn::End,
            }
        } else if is_noted {
            Turn::QueueNext
        } else {
            Turn::End
        }
    }
}
