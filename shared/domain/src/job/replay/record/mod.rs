//! How far a replay is, and what becomes of a step that is received.
//!
//! The record notes a step, with its SQS message, before the next one is queued. Then a message of
//! step `n` can mean three things ([`ReplayRecord::turn`]):
//!
//! * step `n` is the next one: it is made;
//! * step `n` was the last one, noted by this very message: the function died after it noted the
//!   step. The next step is queued, perhaps a second time, and nothing is sent;
//! * step `n` is done and another message noted it, or the replay has ended: the message ends.
//!
//! So two chains become one at the next step that they both make: only one of them can note it.
//! Every chain ends: with its window, when it is stopped, after [`MOST_STEPS`] steps, or
//! [`LONGEST_REPLAY`] after it began.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    history::query::DeliveryPosition,
    job::{
        replay::{
            Replay,
            step::{Counts, ReplayStep, StepOutcome},
        },
        turn::Turn,
    },
};

/// How long a replay may take.
pub const LONGEST_REPLAY: SignedDuration = SignedDuration::from_hours(48);

/// How many steps a replay may take: more than its time allows, unless something is wrong.
pub const MOST_STEPS: u32 = 50_000;

/// Whether a replay goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReplayStatus {
    /// It goes on.
    Running,
    /// It has come to the end of its window.
    Done,
    /// Somebody stopped it, or it took too long.
    Stopped,
}

impl ReplayStatus {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::Running, Self::Done, Self::Stopped];

    /// The name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Stopped => "stopped",
        }
    }
}

/// What is kept of a replay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplayRecord {
    /// The replay.
    pub replay: Replay,
    /// Whether it goes on, as it was last written; see [`Self::as_of`].
    pub status: ReplayStatus,
    /// What its steps counted.
    #[serde(flatten)]
    pub counts: Counts,
    /// How many deliveries were counted before it began, if they were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted: Option<u64>,
    /// How many steps are done.
    pub steps: u32,
    /// The SQS message that made the last of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noted_by: Option<String>,
    /// The delivery after which the next step begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<DeliveryPosition>,
    /// The pause before the next step, in seconds.
    pub pause: u64,
    /// When it ended, if it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// Counts the changes, so that two at once cannot both win.
    pub version: u64,
    /// When it is forgotten, in seconds since the Unix epoch.
    pub expires_at: i64,
}

impl ReplayRecord {
    /// The record of a replay that begins, and is kept for so long.
    pub fn begin(replay: Replay, kept_for: SignedDuration) -> Self {
        Self {
            status: ReplayStatus::Running,
            counts: Counts::default(),
            counted: None,
            steps: 0,
            noted_by: None,
            after: None,
            pause: 0,
            ended_at: None,
            version: 1,
            expires_at: replay.began_at.as_second().saturating_add(kept_for.as_secs()),
            replay,
        }
    }

    /// The record as it is now. A replay that took too long has stopped, although nobody wrote so.
    pub fn as_of(self, now: Timestamp) -> Self {
        let latest = self.replay.began_at.saturating_add(LONGEST_REPLAY).unwrap_or(Timestamp::MAX);
        if self.status == ReplayStatus::Running && latest <= now {
            return Self { status: ReplayStatus::Stopped, ended_at: Some(latest), ..self };
        }
        self
    }

    /// What is to be done with a step that came as this SQS message.
    pub fn turn(&self, step: &ReplayStep, message_id: &str) -> Turn {
        if self.status != ReplayStatus::Running {
            return Turn::End;
        }
        Turn::of(step.number, message_id, self.steps, self.noted_by.as_deref())
    }

    /// The record after a step that came as this SQS message; `None` where another message made it.
    /// What was sent counts although the replay was stopped meanwhile.
    pub fn after_step(
        self,
        step: &ReplayStep,
        message_id: &str,
        outcome: &StepOutcome,
        now: Timestamp,
    ) -> Option<Self> {
        if step.number != self.steps.saturating_add(1) || self.status == ReplayStatus::Done {
            return None;
        }
        let status = match (self.status, &outcome.next) {
            (ReplayStatus::Running, None) => ReplayStatus::Done,
            (ReplayStatus::Running, Some(_)) if step.number >= MOST_STEPS => ReplayStatus::Stopped,
            (status, _) => status,
        };
        let has_ended = status != ReplayStatus::Running;
        Some(Self {
            status,
            counts: self.counts.plus(outcome.counts),
            steps: step.number,
            noted_by: Some(message_id.to_owned()),
            after: outcome.next.clone(),
            pause: outcome.pause(self.replay.per_second).as_secs(),
            ended_at: self.ended_at.or(has_ended.then_some(now)),
            version: self.version.saturating_add(1),
            ..self
        })
    }

    /// The next step and the pause before it; `None` where the replay has ended.
    pub fn next_step(&self) -> Option<(ReplayStep, Duration)> {
        let step = ReplayStep {
            replay: self.replay.clone(),
            number: self.steps.saturating_add(1),
            after: self.after.clone(),
        };
        (self.status == ReplayStatus::Running).then(|| (step, Duration::from_secs(self.pause)))
    }

    /// The record after somebody stopped the replay; `None` where it has ended before.
    pub fn stopped(self, now: Timestamp) -> Option<Self> {
        let version = self.version.saturating_add(1);
        let was_running = self.status == ReplayStatus::Running;
        was_running.then_some(Self { status: ReplayStatus::Stopped, ended_at: Some(now), version, ..self })
    }

    /// Whether it is still kept. DynamoDB deletes expired items within a few days ("Time to Live").
    pub fn is_kept(&self, now: Timestamp) -> bool {
        self.expires_at > now.as_second()
    }
}

#[cfg(test)]
mod tests;
