//! Runs: the attempts of a delivery by one schedule.
//!
//! Each message names the run that it belongs to. The event's own run begins when the event is
//! fanned out. Another run begins when somebody sends the delivery again, and it has the whole
//! schedule again. If a message is sent twice, both messages name the same run, and only one of
//! them makes its attempts (`history/run.rs`).

use serde::{Deserialize, Serialize};

/// A run of a delivery, named after what began it. As text: `event`, `redeliver:<id>`,
/// `replay:<id>`, `replay-all:<id>`, `redrive:<message id>`, `probe:<opening>-<number>`,
/// `catch-up:<opening>`; a name after the colon has 1 to 128 visible ASCII characters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum RunId {
    /// The event itself.
    #[default]
    Event,
    /// An app asked for this one delivery again.
    Redeliver(String),
    /// A replay of dead or held deliveries.
    Replay(String),
    /// A replay of all deliveries.
    ReplayAll(String),
    /// An operator redrove this dead letter, named by its SQS message id.
    Redrive(String),
    /// A probe while the webhook's breaker is open.
    Probe(String),
    /// The catch-up after a webhook's breaker has closed.
    CatchUp(String),
}

/// The text does not name a run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a run is 'event', or what began it, a colon and a name")]
pub struct InvalidRunId;

impl RunId {
    /// Reads a run's text.
    ///
    /// # Errors
    ///
    /// The text does not name a run.
    pub fn parse(text: &str) -> Result<Self, InvalidRunId> {
        if text == "event" {
            return Ok(Self::Event);
        }
        let (kind, name) = text.split_once(':').ok_or(InvalidRunId)?;
        let is_name = (1..=128).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic());
        let name = is_name.then(|| name.to_owned()).ok_or(InvalidRunId)?;
        match kind {
            "redeliver" => Ok(Self::Redeliver(name)),
            "replay" => Ok(Self::Replay(name)),
            "replay-all" => Ok(Self::ReplayAll(name)),
            "redrive" => Ok(Self::Redrive(name)),
            "probe" => Ok(Self::Probe(name)),
            "catch-up" => Ok(Self::CatchUp(name)),
            _ => Err(InvalidRunId),
        }
    }

    /// Whether it is the event's own run.
    pub fn is_events_own(&self) -> bool {
        *self == Self::Event
    }

    /// Whether somebody asked for the delivery again. The event's own run did not, nor do the runs
    /// by which Storehook itself brings held deliveries.
    pub fn is_asked_for(&self) -> bool {
        match self {
            Self::Redeliver(_) | Self::Replay(_) | Self::ReplayAll(_) | Self::Redrive(_) => true,
            Self::Event | Self::Probe(_) | Self::CatchUp(_) => false,
        }
    }

    /// Whether the run sends a delivery that was delivered already. Other runs end if the delivery
    /// has been delivered meanwhile.
    pub fn repeats_delivered(&self) -> bool {
        match self {
            Self::Redeliver(_) | Self::ReplayAll(_) => true,
            Self::Event | Self::Replay(_) | Self::Redrive(_) | Self::Probe(_) | Self::CatchUp(_) => false,
        }
    }
}

impl std::fmt::Display for RunId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Event => formatter.write_str("event"),
            Self::Redeliver(name) => write!(formatter, "redeliver:{name}"),
            Self::Replay(name) => write!(formatter, "replay:{name}"),
            Self::ReplayAll(name) => write!(formatter, "replay-all:{name}"),
            Self::Redrive(name) => write!(formatter, "redrive:{name}"),
            Self::Probe(name) => write!(formatter, "probe:{name}"),
            Self::CatchUp(name) => write!(formatter, "catch-up:{name}"),
        }
    }
}

impl TryFrom<String> for RunId {
    type Error = InvalidRunId;

    fn try_from(text: String) -> Result<Self, InvalidRunId> {
        Self::parse(&text)
    }
}

impl From<RunId> for String {
    fn from(run: RunId) -> Self {
        run.to_string()
    }
}

/// A copy of a message that an integration's delay made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DelayedCopy {
    /// The SQS message id of the run's first message.
    pub first_message_id: String,
    /// The copy's number, from 1.
    pub number: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_reads_back_from_its_text() {
        for (text, run) in [
            ("event", Some(RunId::Event)),
            ("redeliver:a-1", Some(RunId::Redeliver("a-1".to_owned()))),
            ("replay:a:b", Some(RunId::Replay("a:b".to_owned()))),
            ("replay-all:r", Some(RunId::ReplayAll("r".to_owned()))),
            ("redrive:059f36b4", Some(RunId::Redrive("059f36b4".to_owned()))),
            ("", None),
            ("replay:", None),
            ("replay", None),
            ("replay:a b", None),
            ("catch:a", None),
        ] {
            let parsed = RunId::parse(text);
            assert_eq!(parsed.as_ref().ok(), run.as_ref(), "{text}");
            assert_eq!(parsed.map(String::from).ok().as_deref(), run.map(|_| text), "{text}");
        }
        assert!(RunId::parse(&format!("replay:{}", "a".repeat(128))).is_ok());
        assert_eq!(RunId::parse(&format!("replay:{}", "a".repeat(129))), Err(InvalidRunId));
    }

    #[test]
    fn only_a_redeliver_and_a_replay_of_all_repeat_delivered_deliveries() {
        for (text, repeats) in [
            ("event", false),
            ("redeliver:a", true),
            ("replay:a", false),
            ("replay-all:a", true),
            ("redrive:a", false),
        ] {
            let run = RunId::parse(text);
            assert_eq!(run.as_ref().map(RunId::repeats_delivered), Ok(repeats), "{text}");
            assert_eq!(run.as_ref().map(RunId::is_events_own), Ok(text == "event"), "{text}");
        }
    }
}
