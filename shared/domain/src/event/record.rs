//! An event written as a record again, with all that its reader found.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::event::StoreEvent;

impl StoreEvent<'_> {
    /// The event as a record. It reads back as the same event, wherever the record stands.
    #[expect(clippy::expect_used, reason = "texts and a JSON object always serialize, and are JSON")]
    pub fn to_record(&self) -> Box<RawValue> {
        #[derive(Serialize)]
        struct Record<'a> {
            shop: &'a str,
            topic: &'a str,
            event_id: &'a str,
            triggered_at: String,
            test: bool,
            pushed_by: Option<&'a str>,
            app: Option<&'a str>,
            traceparent: Option<&'a str>,
            payload: &'a RawValue,
        }
        let payload = self.payload.in_message();
        let record = Record {
            shop: self.shop.as_str(),
            topic: self.topic.as_str(),
            event_id: self.id.as_str(),
            triggered_at: self.triggered_at.to_string(),
            test: self.is_test,
            pushed_by: self.pushed_by.as_ref().map(|app| app.as_str()),
            app: self.app.as_ref().map(|app| app.as_str()),
            traceparent: self.traceparent.as_deref(),
            payload: serde_json::from_str(&payload).expect("a payload"),
        };
        serde_json::value::to_raw_value(&record).expect("plain data")
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::event::origin::RecordOrigin;

    #[test]
    fn an_event_reads_back_from_its_record() -> Result<(), crate::event::InvalidEvent> {
        let origin = |sequence_number| RecordOrigin {
            shard_id: "shardId-000000000000",
            sequence_number,
            arrived_at: Timestamp::UNIX_EPOCH,
        };
        for record in [
            r#"{"shop": "a.example", "event": "order:new", "payload": {"id": 327475578523353102,  "f": 199.0}}"#,
            r#"{"shop": "a.example", "topic": "orders/create", "event_id": "e1", "test": true, "app": "demo", "pushed_by": "demo",
                "triggered_at": "2026-11-21T15:00:00.123456789Z", "payload": {"s": "\/"},
                "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}"#,
        ] {
            let event = StoreEvent::parse(record.as_bytes(), &origin("1"))?;
            let again = event.to_record();
            let again = StoreEvent::parse(again.get().as_bytes(), &origin("2"))?;
            assert_eq!(format!("{again:?}"), format!("{event:?}"));
        }
        Ok(())
    }
}
