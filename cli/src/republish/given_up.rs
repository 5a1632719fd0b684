//! What Lambda writes about records that it gave up.
//!
//! A queue gets their place on the stream alone, a bucket the whole event of the function as well,
//! as a text in `payload` (AWS Lambda Developer Guide, "Retain discarded batch records for a Kinesis
//! Data Streams event source in Lambda").

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use serde::Deserialize;

use super::piece::{Content, Origin, Piece, Place};

/// Records that Lambda gave up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenUp {
    /// Where they stand on the stream, or stood.
    pub place: Place,
    /// Why Lambda gave them up.
    pub condition: String,
    /// The records, if they are there.
    pub records: Option<Vec<Piece>>,
}

/// It is not what Lambda writes. The error says where it is malformed, and never quotes it.
#[derive(Debug, thiserror::Error)]
pub enum InvalidGivenUp {
    /// It is no such JSON.
    #[error("it is not what Lambda writes: line {}, column {}", .0.line(), .0.column())]
    Json(#[from] serde_json::Error),
    /// A record is not base64.
    #[error("the record {0} is not base64")]
    Data(String),
}

#[derive(Deserialize)]
struct InvocationRecord {
    #[serde(rename = "requestContext")]
    context: Context,
    #[serde(rename = "KinesisBatchInfo")]
    place: Place,
    #[serde(default)]
    payload: Option<String>,
}

#[derive(Deserialize)]
struct Context {
    condition: String,
}

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "Records")]
    records: Vec<EventRecord>,
}

#[derive(Deserialize)]
struct EventRecord {
    #[serde(rename = "eventID")]
    id: String,
    kinesis: KinesisRecord,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct KinesisRecord {
    partition_key: String,
    sequence_number: String,
    data: String,
    approximate_arrival_timestamp: f64,
}

impl GivenUp {
    /// Reads what Lambda has written.
    ///
    /// # Errors
    ///
    /// It is no such JSON.
    pub fn parse(text: &str) -> Result<Self, InvalidGivenUp> {
        let InvocationRecord { context: Context { condition }, place, payload } = serde_json::from_str(text)?;
        let Some(payload) = payload else { return Ok(Self { place, condition, records: None }) };
        let Event { records } = serde_json::from_str(&payload)?;
        let mut pieces = Vec::with_capacity(records.len());
        for EventRecord { id, kinesis } in records {
            let data = STANDARD.decode(&kinesis.data).map_err(|_| InvalidGivenUp::Data(id.clone()))?;
            let milliseconds = (kinesis.approximate_arrival_timestamp * 1_000.0).round() as i64;
            let origin = Origin {
                shard_id: id.split_once(':').map_or("", |(shard_id, _)| shard_id).to_owned(),
                sequence_number: kinesis.sequence_number,
                arrived_at: Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::UNIX_EPOCH),
                partition_key: Some(kinesis.partition_key),
            };
            pieces.extend(Piece::of_record(origin, data, false, Some(&condition)));
        }
        Ok(Self { place, condition, records: Some(pieces) })
    }

    /// Its pieces: the records, or their place alone.
    pub fn into_pieces(self) -> Vec<Piece> {
        let Self { place, condition, records } = self;
        let place = || Piece { id: place.id(), reason: Some(condition), content: Content::Place(place) };
        records.unwrap_or_else(|| vec![place()])
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Result;
    use serde_json::json;

    use super::*;

    fn written(payload: Option<&str>) -> String {
        json!({
            "requestContext": {"requestId": "r", "condition": "RetryAttemptsExhausted", "approximateInvokeCount": 500},
            "responseContext": {"statusCode": 200, "functionError": "Unhandled"},
            "version": "1.0", "timestamp": "2026-11-14T00:38:06.021Z", "payload": payload,
            "KinesisBatchInfo": {
                "shardId": "shardId-1", "startSequenceNumber": "7", "endSequenceNumber": "8", "batchSize": 2,
                "streamArn": "arn:aws:kinesis:us-east-1:000000000000:stream/s",
            },
        })
        .to_string()
    }

    #[test]
    fn records_are_read_whole_with_their_places() -> Result<()> {
        let payload = json!({"Records": [{
            "eventID": "shardId-1:7",
            "kinesis": {
                "kinesisSchemaVersion": "1.0", "partitionKey": "k", "sequenceNumber": "7",
                "data": STANDARD.encode("{}"), "approximateArrivalTimestamp": 1_545_084_650.987,
            },
        }]});
        let given_up = GivenUp::parse(&written(Some(&payload.to_string())))?;
        let place = Place {
            shard_id: "shardId-1".to_owned(),
            start_sequence_number: "7".to_owned(),
            end_sequence_number: "8".to_owned(),
        };
        assert_eq!((&given_up.place, given_up.condition.as_str()), (&place, "RetryAttemptsExhausted"));
        let origin = Origin {
            shard_id: "shardId-1".to_owned(),
            sequence_number: "7".to_owned(),
            arrived_at: "2018-12-17T22:10:50.987Z".parse()?,
            partition_key: Some("k".to_owned()),
        };
        let record = Piece {
            id: "shardId-1:7".to_owned(),
            reason: Some("RetryAttemptsExhausted".to_owned()),
            content: Content::Record { origin, data: b"{}".to_vec(), is_rejected: false },
        };
        assert_eq!(given_up.into_pieces(), [record]);
        Ok(())
    }

    #[test]
    fn a_place_alone_is_a_piece_and_anything_else_an_error() -> Result<()> {
        let pieces = GivenUp::parse(&written(None))?.into_pieces();
        assert_eq!(pieces.len(), 1);
        assert_eq!((pieces[0].id.as_str(), pieces[0].content.kind()), ("shardId-1:7-8", "place"));
        let not_base64 = r#"{"Records": [{"eventID": "s:1", "kinesis": {"partitionKey": "k", "sequenceNumber": "1",
            "data": "?", "approximateArrivalTimestamp": 0}}]}"#;
        for text in ["", "{}", "[]", &written(Some("{}")), &written(Some(not_base64))] {
            assert!(GivenUp::parse(text).is_err(), "{text}");
        }
        Ok(())
    }
}
