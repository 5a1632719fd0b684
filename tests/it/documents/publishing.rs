//! `docs/publishing.md` and the domain.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use serde_json::Value;
use storehook_domain::event::{StoreEvent, catalogue::TOPICS, origin::RecordOrigin, rejected::RejectedEvent};

use super::{blocks, first_cells, read};

const ORIGIN: RecordOrigin<'static> =
    RecordOrigin { shard_id: "shardId-0", sequence_number: "1", arrived_at: Timestamp::UNIX_EPOCH };

#[test]
fn its_record_is_an_event_with_the_partition_key_that_it_names() -> Result<()> {
    let document = read("docs/publishing.md")?;
    let records = blocks(&document, "json");
    let event = StoreEvent::parse(records.first().context("no record")?.as_bytes(), &ORIGIN)?;
    assert_eq!(event.id.as_str(), "outbox-1001");
    let key = event.partition_key();
    assert!(document.contains(&format!("slash between them: `{key}`")), "{key}");
    Ok(())
}

/// A field that is read may not be given twice; any other one is passed over.
#[test]
fn its_fields_of_a_record_are_those_of_the_code() -> Result<()> {
    let document = read("docs/publishing.md")?;
    let told = first_cells(&document, "field");
    assert_eq!(told.len(), 9, "{told:?}");
    for field in told.iter().map(String::as_str).chain(["event"]) {
        let twice = format!(r#"{{"{field}": "1", "{field}": "2"}}"#);
        let error =
            StoreEvent::parse(twice.as_bytes(), &ORIGIN).map(|_| ()).map_err(|error| error.to_string());
        assert!(error.as_ref().is_err_and(|error| error.contains("duplicate field")), "{field}: {error:?}");
    }
    Ok(())
}

#[test]
fn its_fields_of_a_rejected_record_are_those_of_the_code() -> Result<()> {
    let document = read("docs/publishing.md")?;
    let (_, section) = document.split_once("\n## Rejected records\n").context("no section")?;
    let messages = RejectedEvent::messages(b"no event", &ORIGIN, "because");
    let message: Value = serde_json::from_str(messages.first().context("no message")?)?;
    let names: BTreeSet<_> = message.as_object().context("an object")?.keys().cloned().collect();
    assert_eq!(first_cells(section, "field"), names);
    Ok(())
}

#[test]
fn its_number_of_topics_is_that_of_the_catalogue() -> Result<()> {
    let told = format!("one of the {} topics of the catalogue", TOPICS.len());
    assert!(read("docs/publishing.md")?.contains(&told), "{told}");
    Ok(())
}
