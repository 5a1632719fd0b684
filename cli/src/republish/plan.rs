//! What becomes of a piece: where it belongs, or why it stays.
//!
//! A record goes back to the stream with the id and the time that it had at first. So if it goes
//! there twice, or was delivered meanwhile, it is the same event, and the history tells the copies
//! apart. A record that the fan-out has rejected and would reject again stays, unless it comes
//! mended. One that the fan-out has never read goes as it is.

use storehook_aws::stream::Record;
use storehook_domain::{
    event::{InvalidEvent, StoreEvent},
    installation::message_group::MessageGroup,
    job::message::{InvalidJob, Job},
};

use super::piece::{Content, Origin, Piece};

/// What is to be done with a piece.
#[derive(Debug, Clone)]
pub enum Step {
    /// Put it onto the stream.
    Put(Record),
    /// Send it to the jobs queue.
    Send(Box<Job>, MessageGroup),
    /// Nothing: it is not wanted any more.
    Drop,
    /// It stays where it is, for this reason.
    Keep(String),
}

/// Why a piece that came mended is not mended.
#[derive(Debug, thiserror::Error)]
pub enum NotMended {
    /// The record is no event.
    #[error(transparent)]
    Event(#[from] InvalidEvent),
    /// The message is no job.
    #[error(transparent)]
    Job(#[from] InvalidJob),
}

/// What becomes of a piece as it is.
pub fn unmended(piece: &Piece) -> Step {
    match &piece.content {
        Content::Record { origin, data, is_rejected } => match record(origin, data) {
            Ok(record) if length_of(&record) <= RECORD_LIMIT => Step::Put(record),
            // With its id and its time it is too long. It came from the stream, so the stream takes it.
            Ok(_) => Step::Put(as_it_is(origin, data)),
            Err(error) if *is_rejected => Step::Keep(error.to_string()),
            Err(_) => Step::Put(as_it_is(origin, data)),
        },
        Content::Job(body) => match job(body) {
            Ok((job, group)) => Step::Send(Box::new(job), group),
            Err(error) => Step::Keep(error.to_string()),
        },
        Content::Place(_) => Step::Keep("its records are no longer on the stream".to_owned()),
        Content::Part(told) => Step::Keep(told.clone()),
        Content::Other(_) => Step::Keep("it is neither a record nor a job".to_owned()),
    }
}

/// What becomes of a piece whose bytes were mended.
///
/// # Errors
///
/// They are not what they should be.
pub fn mended(piece: &Piece, data: &[u8]) -> Result<Step, NotMended> {
    Ok(match &piece.content {
        Content::Record { origin, .. } => Step::Put(record(origin, data)?),
        Content::Job(_) | Content::Other(_) => {
            let (job, group) = job(&String::from_utf8_lossy(data))?;
            Step::Send(Box::new(job), group)
        }
        Content::Place(_) | Content::Part(_) => unmended(piece),
    })
}

/// The record of an event from this place, with its id and its time in it. On the stream it keeps
/// its partition key: so the events of a resource stay on one shard.
pub fn record(origin: &Origin, data: &[u8]) -> Result<Record, InvalidEvent> {
    let event = StoreEvent::parse(data, &origin.of_record())?;
    let partition_key = origin.partition_key.clone().unwrap_or_else(|| event.partition_key());
    Ok(Record { partition_key, data: event.to_record().get().as_bytes().to_vec() })
}

/// The most bytes of a record that a stream takes, unless its operator allows more: 1 MiB with its
/// partition key (`PutRecords`, Kinesis Data Streams API Reference).
const RECORD_LIMIT: usize = 1024 * 1024;

fn length_of(record: &Record) -> usize {
    record.data.len() + record.partition_key.len()
}

fn as_it_is(origin: &Origin, data: &[u8]) -> Record {
    Record { partition_key: origin.partition_key.clone().unwrap_or_else(|| origin.id()), data: data.to_vec() }
}

/// A job, and the group of its messages.
pub fn job(body: &str) -> Result<(Job, MessageGroup), NotMended> {
    let job = Job::parse(body)?;
    let group = match &job {
        Job::Replay(step) => step.replay.group(),
        Job::Recovery(step) => step.group(),
        Job::FanOut(share) => {
            let origin = storehook_domain::event::origin::RecordOrigin {
                shard_id: "",
                sequence_number: "",
                arrived_at: jiff::Timestamp::UNIX_EPOCH,
            };
            MessageGroup::of_shop(&StoreEvent::parse(share.record.get().as_bytes(), &origin)?.shop)
        }
    };
    Ok((job, group))
}

#[cfg(test)]
mod tests {
    use anyhow::Result;

    use super::*;

    const EVENT: &str =
        r#"{"shop": "a.example", "topic": "orders/create", "payload": {"id": 7, "n": 199.0}}"#;

    fn piece(data: &str, partition_key: Option<&str>, is_rejected: bool) -> Piece {
        let origin = Origin {
            shard_id: "s".to_owned(),
            sequence_number: "42".to_owned(),
            arrived_at: "2026-11-21T15:00:00Z".parse().unwrap_or_default(),
            partition_key: partition_key.map(str::to_owned),
        };
        let content = Content::Record { origin, data: data.into(), is_rejected };
        Piece { id: "s:42".to_owned(), reason: None, content }
    }

    /// A step in short: the partition key and the text of a record.
    fn told(step: Step) -> (String, String) {
        match step {
            Step::Put(Record { partition_key, data }) => {
                (partition_key, String::from_utf8_lossy(&data).into())
            }
            Step::Send(job, group) => (group.as_str().to_owned(), job.to_message()),
            Step::Drop => ("drop".to_owned(), String::new()),
            Step::Keep(why) => ("keep".to_owned(), why),
        }
    }

    #[test]
    fn an_event_goes_back_with_the_id_and_the_time_that_it_had_at_first() -> Result<()> {
        let first = StoreEvent::parse(
            EVENT.as_bytes(),
            &storehook_domain::event::origin::RecordOrigin {
                shard_id: "s",
                sequence_number: "42",
                arrived_at: "2026-11-21T15:00:00Z".parse()?,
            },
        )?;
        for is_rejected in [true, false] {
            for (key, expected_key) in [(None, "a.example/7"), (Some("k"), "k")] {
                let (partition_key, record) = told(unmended(&piece(EVENT, key, is_rejected)));
                assert_eq!(partition_key, expected_key);
                let elsewhere = storehook_domain::event::origin::RecordOrigin {
                    shard_id: "s",
                    sequence_number: "77",
                    arrived_at: "2026-11-23T15:00:00Z".parse()?,
                };
                let again = StoreEvent::parse(record.as_bytes(), &elsewhere)?;
                assert_eq!((&again.id, again.triggered_at), (&first.id, first.triggered_at));
                assert_eq!(again.payload.as_str(), first.payload.as_str());
            }
        }
        Ok(())
    }

    #[test]
    fn a_record_that_would_be_too_long_with_its_id_goes_as_it_is() {
        let long = EVENT.replace("199.0", &"1".repeat(RECORD_LIMIT - EVENT.len() - 10));
        assert_eq!(told(unmended(&piece(&long, Some("k"), false))), ("k".to_owned(), long));
    }

    #[test]
    fn what_is_no_event_stays_if_it_was_rejected_and_goes_as_it_is_if_it_was_never_read() {
        let malformed = r#"{"shop": "a.example"}"#;
        let kept = ("keep".to_owned(), "'topic' is missing".to_owned());
        assert_eq!(told(unmended(&piece(malformed, None, true))), kept);
        let sent = ("k".to_owned(), malformed.to_owned());
        assert_eq!(told(unmended(&piece(malformed, Some("k"), false))), sent);
        let sent = ("s:42".to_owned(), malformed.to_owned());
        assert_eq!(told(unmended(&piece(malformed, None, false))), sent);
    }

    #[test]
    fn a_mended_piece_goes_where_it_belongs_and_one_that_is_not_mended_is_an_error() -> Result<()> {
        let malformed = piece("{}", None, true);
        assert_eq!(told(mended(&malformed, EVENT.as_bytes())?).0, "a.example/7");
        assert!(mended(&malformed, b"{}").is_err());
        let recovery =
            r#"{"recovery":{"webhook_id":7,"shop":"a.example","app":"demo","opening":"o","number":1}}"#;
        let share = format!(
            r#"{{"fan_out":{{"id":"e","record":{EVENT},"range":{{"from":1,"to":2}},"number":1,"reason":"no"}}}}"#
        );
        for (body, group) in [(recovery, "a.example/demo"), (&share, "a.example")] {
            let content = Content::Job(body.to_owned());
            let job = Piece { id: "m".to_owned(), reason: None, content };
            assert_eq!(told(unmended(&job)).0, group, "{body}");
            let other = Piece { content: Content::Other("nonsense".to_owned()), ..job };
            assert_eq!(told(unmended(&other)).0, "keep");
            assert_eq!(told(mended(&other, body.as_bytes())?).0, group, "{body}");
        }
        assert!(job(r#"{"fan_out":{"id":"e","record":{},"range":{"from":1,"to":2},"number":1}}"#).is_err());
        Ok(())
    }
}
