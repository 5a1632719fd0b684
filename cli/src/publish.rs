//! Publishing events onto the stream, as a store does.
//!
//! Every event is first parsed here, by the rules of the fan-out. If one is malformed, the command
//! names its line and publishes nothing; otherwise the event would end in the rejected queue.
//! Records that the stream throttles are put again until the stream takes them.
//!
//! A file of events is read twice, to check it and to publish it, and never held as a whole.

use std::{fmt, path::PathBuf, time::Duration};

use anyhow::{Context as _, Result, bail, ensure};
use aws_sdk_kinesis::Client;
use serde::Serialize;
use serde_json::value::RawValue;
use storehook_aws::stream::{Record, Untaken, batch_length, put};
use storehook_domain::{
    event::{StoreEvent, id::EventId, origin::RecordOrigin, pushed::event_record, topic::Topic},
    input::byte_order_mark::BYTE_ORDER_MARK,
    installation::shop::ShopDomain,
};

use crate::{global::Global, input::Input, progress, stack::connection::Connection};

const EXAMPLES: &str = "\
Examples:
  storehook publish --topic orders/create --payload events/payloads/order.json
  storehook --stack storehook publish --shop mynewstore.spiffystores.com --topic order:new --payload order.json
  storehook --stack storehook publish --events events.jsonl
  zcat events.jsonl.gz | storehook publish --events -";

/// The options of `storehook publish`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The shop of the event [default on the local stack: the demo shop]
    #[arg(long, conflicts_with = "events")]
    shop: Option<ShopDomain>,
    /// The topic, for example orders/create or order:new.
    #[arg(long, required_unless_present = "events", conflicts_with = "events", value_parser = Topic::parse)]
    topic: Option<Topic>,
    /// The file with the payload; - is standard input.
    #[arg(long, required_unless_present = "events", conflicts_with = "events", value_name = "FILE")]
    payload: Option<PathBuf>,
    /// A file with whole events, one JSON object per line; - is standard input.
    #[arg(long, value_name = "FILE")]
    events: Option<PathBuf>,
}

/// `storehook publish`
pub async fn run(args: Args, global: &Global) -> Result<()> {
    let (connection, count) = match (&args.events, &args.topic, &args.payload) {
        (Some(file), _, _) => {
            let mut input = Input::open(file)?;
            let mut count = 0;
            for record in records(&mut input)? {
                record?;
                count += 1;
            }
            let connection = global.connect().await?;
            publish_each(&connection, count, records(&mut input)?).await?;
            (connection, count)
        }
        (None, Some(topic), Some(file)) => {
            let connection = global.connect().await?;
            let shop =
                args.shop.clone().or_else(|| connection.local.as_ref().map(|local| local.shop.clone()));
            let shop = shop.context("name the shop of the event with --shop")?;
            let payload = Input::open(file)?.text().context("the payload cannot be read")?;
            publish(&connection, vec![record_of_payload(&shop, topic, &payload)?]).await?;
            (connection, 1)
        }
        _ => bail!("give --topic and --payload, or --events"),
    };
    Ok(global.show(&Published { events: count, stream: connection.resource("events") })?)
}

/// What was published.
#[derive(Serialize)]
struct Published {
    events: u64,
    stream: String,
}

impl fmt::Display for Published {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.events == 1 { "" } else { "s" };
        write!(formatter, "published {} event{plural} to {}", self.events, self.stream)
    }
}

/// Puts records onto the stream: see `publish_each`.
pub async fn publish(connection: &Connection, records: Vec<Record>) -> Result<()> {
    publish_each(connection, records.len() as u64, records.into_iter().map(Ok)).await
}

/// Puts records onto the stream, in their order, and returns when the stream has taken all of them.
/// A record that the stream refuses is put again before the rest. No more records are taken from
/// the iterator than the next call needs.
async fn publish_each(
    connection: &Connection,
    count: u64,
    records: impl IntoIterator<Item = Result<Record>>,
) -> Result<()> {
    let client = Client::new(&connection.sdk);
    let name = connection.resource("events");
    let progress = progress::bar(count, "events");
    let mut records = records.into_iter();
    let mut waiting = Vec::new();
    let mut fruitless = 0;
    loop {
        fill(&mut waiting, &mut records)?;
        if waiting.is_empty() {
            break;
        }
        let rest = waiting.split_off(batch_length(&waiting));
        let sent = waiting.len();
        let unput = put(&client, &name, waiting).await;
        let Untaken { records: failed, reason } = unput
            .with_context(|| format!("the stream {name} took no events after {}", progress.position()))?;
        progress.inc((sent - failed.len()) as u64);
        fruitless = if failed.len() == sent { fruitless + 1 } else { 0 };
        if let Some(reason) = reason.filter(|_| fruitless > 0) {
            ensure!(
                fruitless <= FRUITLESS_ROUNDS,
                "the stream took {} of {count} events and refuses the others: {reason}",
                progress.position()
            );
            // Its shards are over their limits, which count by the second: let a part of one pass.
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        waiting = failed.into_iter().map(|(_, record)| record).chain(rest).collect();
    }
    progress.finish_and_clear();
    Ok(())
}

/// Takes records until there are more than one call takes, or no more.
fn fill(waiting: &mut Vec<Record>, records: &mut impl Iterator<Item = Result<Record>>) -> Result<()> {
    while waiting.is_empty() || batch_length(waiting) == waiting.len() {
        let Some(record) = records.next() else { break };
        waiting.push(record?);
    }
    Ok(())
}

/// How many rounds in a row may put nothing. They take ten seconds together.
const FRUITLESS_ROUNDS: u32 = 50;

/// The record of a new event with this payload. Its id is made here, so putting it twice makes one
/// event.
fn record_of_payload(shop: &ShopDomain, topic: &Topic, payload: &str) -> Result<Record> {
    let payload = payload.trim_start_matches(BYTE_ORDER_MARK);
    let payload: &RawValue = serde_json::from_str(payload).context("the payload is not JSON")?;
    let id = EventId::parse(&uuid::Uuid::new_v4().to_string())?;
    let data = event_record(shop, topic.as_str(), &id, storehook_aws::now(), None, payload.get());
    record_of(&data)
}

/// The records of a file with one event per line, in order.
fn records(input: &mut Input) -> Result<impl Iterator<Item = Result<Record>>> {
    let is_blank = |line: &str| line.trim_start_matches(BYTE_ORDER_MARK).trim().is_empty();
    let record = move |(number, line): (u64, Result<String>)| match line {
        Ok(line) if is_blank(&line) => None,
        line => Some(line.and_then(|line| record_of(&line)).with_context(|| format!("line {number}"))),
    };
    Ok(input.lines()?.filter_map(record))
}

/// The record of an event, if the fan-out accepts it, with its id and its time in it: so putting it
/// twice makes one event. Files that were joined may have a byte order mark before any line.
fn record_of(event: &str) -> Result<Record> {
    let event = event.trim_start_matches(BYTE_ORDER_MARK);
    // An event without an id is named after its place: a new one for each.
    let place = uuid::Uuid::new_v4().to_string();
    let origin = RecordOrigin { shard_id: "", sequence_number: &place, arrived_at: storehook_aws::now() };
    let parsed = StoreEvent::parse(event.as_bytes(), &origin)?;
    Ok(Record { partition_key: parsed.partition_key(), data: parsed.to_record().get().as_bytes().to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_are_published_byte_for_byte() -> Result<()> {
        let payload = r#"{"id": 327475578523353102, "price": "19.99", "weight": 199.0, "note": "\/}"}"#;
        let record = record_of_payload(&"a.example".parse()?, &Topic::parse("order:new")?, payload)?;
        assert_eq!(record.partition_key, "a.example/327475578523353102");
        let event = String::from_utf8(record.data)?;
        assert!(event.ends_with(&format!("\"payload\":{payload}}}")), "{event}");
        assert!(event.contains(r#""topic":"orders/create""#));
        Ok(())
    }

    #[test]
    fn byte_order_marks_are_not_published() -> Result<()> {
        let payload = r#"{"id": 1}"#;
        let marked = format!("\u{feff}{payload}\n");
        let record = record_of_payload(&"a.example".parse()?, &Topic::parse("order:new")?, &marked)?;
        assert!(String::from_utf8(record.data)?.ends_with(&format!("\"payload\":{payload}}}")));

        let event = r#"{"shop": "a.example", "topic": "orders/create", "payload": {}}"#;
        let mut input = Input::copy(format!("\u{feff}{event}\r\n\u{feff}\n\u{feff}{event}").as_bytes())?;
        for record in records(&mut input)? {
            let text = String::from_utf8(record?.data)?;
            assert!(text.starts_with('{') && text.ends_with(r#""payload":{}}"#), "{text}");
        }
        assert_eq!(records(&mut input)?.count(), 2);
        Ok(())
    }

    /// The SDK puts a record again whose response was lost.
    #[test]
    fn each_line_of_a_file_is_an_event_with_an_id_of_its_own() -> Result<()> {
        let without = r#"{"shop": "a.example", "topic": "orders/create", "payload": {}}"#;
        let with = without.replace("\"payload\"", "\"event_id\": \"e-1\", \"payload\"");
        let mut input = Input::copy(format!("{without}\n{without}\n{with}").as_bytes())?;
        let mut ids = Vec::new();
        for record in records(&mut input)? {
            let event: serde_json::Value = serde_json::from_slice(&record?.data)?;
            ids.push(event["event_id"].as_str().map(str::to_owned).context("no id")?);
        }
        assert_eq!(ids[2], "e-1");
        assert_ne!(ids[0], ids[1]);
        Ok(())
    }

    #[test]
    fn errors_name_the_malformed_line() -> Result<()> {
        let lines = "{\"shop\": \"a.example\", \"topic\": \"orders/create\", \"payload\": {}}\n\n{\"shop\": \"a.example\"}\n";
        let mut input = Input::copy(lines.as_bytes())?;
        let error = records(&mut input)?.find_map(Result::err).map(|error| format!("{error:#}"));
        assert_eq!(error.as_deref(), Some("line 3: 'topic' is missing"));
        Ok(())
    }

    #[test]
    fn no_more_of_a_file_is_held_than_the_next_call_needs() -> Result<()> {
        for (size, most) in [(1, 501), (1024 * 1024, 5), (6 * 1024 * 1024, 2)] {
            let record = || Ok(Record { partition_key: "k".to_owned(), data: vec![b' '; size] });
            let mut endless = std::iter::repeat_with(record);
            let mut waiting = Vec::new();
            fill(&mut waiting, &mut endless)?;
            assert_eq!(waiting.len(), most, "records of {size} bytes");
            // What the stream refused waits already.
            fill(&mut waiting, &mut endless)?;
            assert_eq!(waiting.len(), most, "records of {size} bytes, the second time");
        }
        Ok(())
    }
}
