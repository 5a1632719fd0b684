//! What a message of the jobs queue holds.

use serde::{Deserialize, Serialize};

use crate::job::{fan_out::FanOutShare, recovery::step::RecoveryStep, replay::step::ReplayStep};

/// The next step of a job, as SQS carries it: `{"replay": {…}}`, `{"recovery": {…}}` or
/// `{"fan_out": {…}}`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Job {
    /// A step of a replay.
    Replay(ReplayStep),
    /// A step of the recovery of a webhook.
    Recovery(RecoveryStep),
    /// A share of a large fan-out.
    FanOut(FanOutShare),
}

/// The message is not a job. The error says where it is malformed, and never quotes it.
#[derive(Debug, thiserror::Error)]
#[error("the message is not a job: line {}, column {}", .0.line(), .0.column())]
pub struct InvalidJob(serde_json::Error);

impl Job {
    /// Reads a job from an SQS message's body.
    ///
    /// # Errors
    ///
    /// The message is not the JSON of a job.
    pub fn parse(message: &str) -> Result<Self, InvalidJob> {
        serde_json::from_str(message).map_err(InvalidJob)
    }

    /// The SQS message's body.
    #[expect(clippy::expect_used, reason = "a struct of texts and numbers always serializes")]
    pub fn to_message(&self) -> String {
        serde_json::to_string(self).expect("plain data")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_reads_back_from_its_message() -> Result<(), InvalidJob> {
        let text = concat!(
            r#"{"replay":{"replay":{"id":"r1","webhook_id":7,"shop":"a.example","app":"demo","#,
            r#""from":"1970-01-01T00:00:00Z","to":"2026-11-21T15:00:00Z","state":"dead","per_second":50,"#,
            r#""began_at":"2026-11-21T15:00:00Z"},"number":2,"after":"01795000000000000#e1"}}"#,
        );
        let job = Job::parse(text)?;
        assert_eq!(job.to_message(), text);
        assert!(matches!(job, Job::Replay(step) if step.replay.group().as_str() == "a.example/demo"));
        Ok(())
    }

    /// Such shares may wait in the queue while a newer release is deployed.
    #[test]
    fn shares_of_an_older_release_are_read_as_first_steps() -> Result<(), Box<dyn std::error::Error>> {
        let share = |event: &str| -> Result<FanOutShare, Box<dyn std::error::Error>> {
            let text =
                format!(r#"{{"fan_out":{{"record":{{"event_id":"{event}"}},"range":{{"from":1,"to":9}}}}}}"#);
            match Job::parse(&text)? {
                Job::FanOut(share) => Ok(share),
                job => Err(format!("{job:?}").into()),
            }
        };
        let (one, other) = (share("e1")?, share("e2")?);
        assert_eq!((one.number, one.done.len(), one.range.to.get()), (1, 0, 9));
        assert_eq!(one.id, share("e1")?.id);
        assert_ne!(one.id, other.id, "each event has shares of its own");
        Ok(())
    }

    #[test]
    fn messages_that_are_no_jobs_are_rejected() {
        for message in ["", "{}", "[]", r#"{"replay": {}}"#, r#"{"fan_out": {}}"#] {
            assert!(Job::parse(message).is_err(), "{message}");
        }
    }
}
