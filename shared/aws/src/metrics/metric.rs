//! The catalogue of metrics.

/// A metric that a function writes. `docs/operating.md` tells what each means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Metric {
    /// Messages that were put into a lane: by a fan-out, a job, the API or a delay.
    Sent,
    /// Messages of a lane that ended, whatever became of their deliveries. It is in the log, and part
    /// of `Missing`.
    Done,
    /// By how many messages what waits in both lanes has grown since the last count, with the new
    /// dead letters. Negative if it has shrunk. It is in the log, and part of `Missing`.
    QueuedChange,
    /// `Sent` less `Done` and `QueuedChange`. Its sum over any hour is 0, unless messages are lost.
    Missing,
    /// The webhooks of an event: a value for each event.
    FanOutWidth,
    /// Records, jobs and shares of an event that went to the rejected queue.
    Rejected,
    /// Deliveries that the endpoint took.
    Delivered,
    /// Attempts that failed.
    Failed,
    /// Attempts at which an integration asked for a delay.
    Delayed,
    /// Deliveries whose last attempt failed.
    Dead,
    /// Deliveries that were held.
    Held,
    /// Deliveries that ended because their webhook or app is gone.
    Cancelled,
    /// Messages that ended without an attempt because they were copies.
    Suppressed,
    /// Attempts that the address guard refused. They count as failed as well.
    Refused,
    /// From the event to its delivery, in milliseconds: a value for each delivery of the event's own
    /// run.
    Latency,
    /// From the time at which an attempt of the fast lane was due to its end, in milliseconds: a value
    /// for each attempt.
    ScheduledLatencyFast,
    /// The same for the slow lane.
    ScheduledLatencySlow,
    /// Webhooks that were disabled because they failed.
    WebhooksDisabled,
    /// Breakers that were open at a sweep.
    BreakersOpen,
    /// Reads and writes of the history that failed.
    HistoryFailures,
}

impl Metric {
    /// How many metrics there are.
    pub const COUNT: usize = Self::ALL.len();

    /// All of them, in the order of the variants.
    pub const ALL: [Self; 20] = [
        Self::Sent,
        Self::Done,
        Self::QueuedChange,
        Self::Missing,
        Self::FanOutWidth,
        Self::Rejected,
        Self::Delivered,
        Self::Failed,
        Self::Delayed,
        Self::Dead,
        Self::Held,
        Self::Cancelled,
        Self::Suppressed,
        Self::Refused,
        Self::Latency,
        Self::ScheduledLatencyFast,
        Self::ScheduledLatencySlow,
        Self::WebhooksDisabled,
        Self::BreakersOpen,
        Self::HistoryFailures,
    ];

    /// Its name in CloudWatch.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sent => "Sent",
            Self::Done => "Done",
            Self::QueuedChange => "QueuedChange",
            Self::Missing => "Missing",
            Self::FanOutWidth => "FanOutWidth",
            Self::Rejected => "Rejected",
            Self::Delivered => "Delivered",
            Self::Failed => "Failed",
            Self::Delayed => "Delayed",
            Self::Dead => "Dead",
            Self::Held => "Held",
            Self::Cancelled => "Cancelled",
            Self::Suppressed => "Suppressed",
            Self::Refused => "Refused",
            Self::Latency => "Latency",
            Self::ScheduledLatencyFast => "ScheduledLatencyFast",
            Self::ScheduledLatencySlow => "ScheduledLatencySlow",
            Self::WebhooksDisabled => "WebhooksDisabled",
            Self::BreakersOpen => "BreakersOpen",
            Self::HistoryFailures => "HistoryFailures",
        }
    }

    /// Whether CloudWatch makes a metric of it. If not, it is in the log alone: a metric costs.
    pub fn is_published(self) -> bool {
        !matches!(self, Self::Done | Self::QueuedChange)
    }

    /// Its unit, where it is no plain number.
    pub(crate) fn unit(self) -> Option<&'static str> {
        match self {
            Self::Latency | Self::ScheduledLatencyFast | Self::ScheduledLatencySlow => Some("Milliseconds"),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tally finds a metric's place by its variant.
    #[test]
    fn metrics_stand_in_the_order_of_their_variants() {
        for (place, metric) in Metric::ALL.into_iter().enumerate() {
            assert_eq!(metric as usize, place);
            assert_eq!(metric.name(), format!("{metric:?}"), "one word for one thing");
        }
    }
}
