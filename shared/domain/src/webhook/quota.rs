//! The quota of webhooks: how many an app may have on a shop.
//!
//! The installation keeps a count of its webhooks. The transaction that creates a webhook raises
//! it, and the one that deletes a webhook lowers it, each on a condition: so however many requests
//! come at once, none exceeds the quota, and none reads anything first.
//!
//! A count may be missing, because an older release wrote the installation. It may also be wrong,
//! if somebody wrote or deleted webhooks by hand. So where the condition refuses a write,
//! [`WebhookQuota::judge`] tells what to do: a count that is missing, or that nobody has checked
//! for [`CHECKED_FOR`], is counted anew before it refuses anything.

use std::num::NonZeroU32;

use jiff::{SignedDuration, Timestamp};

/// How long a count is trusted to refuse webhooks. To count a thousand of them anew costs as much
/// as hundreds of reads, so an app that keeps trying must not cause it each time.
pub const CHECKED_FOR: SignedDuration = SignedDuration::from_mins(10);

/// How many webhooks an app may have on a shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WebhookQuota(Option<NonZeroU32>);

/// How many webhooks an installation has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WebhookCount {
    /// The count.
    pub webhooks: u64,
    /// When the webhooks themselves were last counted.
    pub counted_at: Timestamp,
}

/// A write that changes the count by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CountChange {
    /// A webhook is created.
    Created,
    /// A webhook is deleted.
    Deleted,
}

/// What to do about a write that the count refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgement {
    /// The count permits the write now: write again.
    Write,
    /// The count is missing or may be wrong: count the webhooks.
    Count,
    /// The installation has as many webhooks as it may have.
    Full(QuotaReached),
}

/// The installation has as many webhooks as it may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("An app may have {limit} webhooks on a shop, and this one has them: delete one first")]
pub struct QuotaReached {
    /// The quota.
    pub limit: NonZeroU32,
}

impl WebhookQuota {
    /// A quota of so many webhooks; 0 is no quota.
    pub fn new(limit: u32) -> Self {
        Self(NonZeroU32::new(limit))
    }

    /// The most webhooks; `None` if there is no quota.
    pub fn limit(self) -> Option<NonZeroU32> {
        self.0
    }

    /// Judges a write that was refused, by the count that is there now.
    ///
    /// ```
    /// use jiff::Timestamp;
    /// use storehook_domain::webhook::quota::{CountChange, Judgement, WebhookCount, WebhookQuota};
    ///
    /// let (quota, now) = (WebhookQuota::new(1_000), Timestamp::UNIX_EPOCH);
    /// let full = Some(WebhookCount { webhooks: 1_000, counted_at: now });
    /// assert!(matches!(quota.judge(CountChange::Created, full, now), Judgement::Full(_)));
    /// assert_eq!(quota.judge(CountChange::Deleted, full, now), Judgement::Write);
    /// assert_eq!(quota.judge(CountChange::Created, None, now), Judgement::Count);
    /// ```
    pub fn judge(self, change: CountChange, count: Option<WebhookCount>, now: Timestamp) -> Judgement {
        let Some(WebhookCount { webhooks, counted_at }) = count else { return Judgement::Count };
        match (change, self.0) {
            // Somebody deletes a webhook that was not counted.
            (CountChange::Deleted, _) if webhooks == 0 => Judgement::Count,
            (CountChange::Created, Some(limit)) if webhooks >= u64::from(limit.get()) => {
                let is_checked = now.duration_since(counted_at) < CHECKED_FOR;
                if is_checked { Judgement::Full(QuotaReached { limit }) } else { Judgement::Count }
            }
            (CountChange::Created | CountChange::Deleted, _) => Judgement::Write,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_count_that_was_checked_lately_refuses_a_webhook() {
        let (quota, none) = (WebhookQuota::new(3), WebhookQuota::new(0));
        let full = Judgement::Full(QuotaReached { limit: NonZeroU32::MIN.saturating_add(2) });
        let (created, deleted) = (CountChange::Created, CountChange::Deleted);
        for (quota, change, webhooks, minutes, judgement) in [
            (quota, created, Some(2), 9, Judgement::Write),
            (quota, created, Some(2), 999, Judgement::Write),
            (quota, created, Some(3), 9, full),
            (quota, created, Some(4), 9, full),
            (quota, created, Some(3), 10, Judgement::Count),
            (quota, created, None, 0, Judgement::Count),
            (none, created, Some(3), 10, Judgement::Write),
            (none, created, None, 0, Judgement::Count),
            (quota, deleted, Some(3), 10, Judgement::Write),
            (quota, deleted, Some(1), 10, Judgement::Write),
            (quota, deleted, Some(0), 0, Judgement::Count),
            (none, deleted, Some(0), 0, Judgement::Count),
            (quota, deleted, None, 0, Judgement::Count),
        ] {
            let count = webhooks.map(|webhooks| WebhookCount { webhooks, counted_at: Timestamp::UNIX_EPOCH });
            let now = Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minutes);
            assert_eq!(quota.judge(change, count, now), judgement, "{change:?} {webhooks:?} {minutes}");
        }
    }

    #[test]
    fn a_reached_quota_is_told_with_its_number() {
        let Judgement::Full(reached) = WebhookQuota::new(1_000).judge(
            CountChange::Created,
            Some(WebhookCount { webhooks: 1_000, counted_at: Timestamp::UNIX_EPOCH }),
            Timestamp::UNIX_EPOCH,
        ) else {
            panic!("it is full");
        };
        let told = "An app may have 1000 webhooks on a shop, and this one has them: delete one first";
        assert_eq!(reached.to_string(), told);
    }
}
