//! Records in parts, put together again.
//!
//! The parts of a record come in any order, and a part may come twice, where two tries of its
//! fan-out sent it. The messages of a record are held until all of its parts are there.

use std::collections::BTreeMap;

use storehook_domain::event::rejected::RejectedEvent;

use super::{
    message::pieces_of,
    piece::{Content, Piece},
};

/// The records whose parts are not all there, by their place.
#[derive(Debug, Default)]
pub struct Parts(BTreeMap<(String, String), Record>);

#[derive(Debug)]
struct Record {
    rejected: RejectedEvent,
    parts: BTreeMap<usize, Vec<u8>>,
    messages: Vec<String>,
}

impl Parts {
    /// Takes a part that came in this message. Returns the pieces of the record and all of its
    /// messages, if it is whole now.
    pub fn take(
        &mut self,
        message_id: &str,
        rejected: RejectedEvent,
        data: Vec<u8>,
    ) -> Option<(Vec<Piece>, Vec<String>)> {
        let place = (rejected.shard_id.clone(), rejected.sequence_number.clone());
        let (number, count) = (rejected.part, rejected.parts);
        let record = self.0.entry(place.clone()).or_insert_with(|| Record {
            rejected,
            parts: BTreeMap::new(),
            messages: Vec::new(),
        });
        record.messages.push(message_id.to_owned());
        record.parts.insert(number, data);
        if !(1..=count).all(|number| record.parts.contains_key(&number)) {
            return None;
        }
        let Record { rejected, parts, messages } = self.0.remove(&place)?;
        Some((pieces_of(&rejected, parts.into_values().flatten().collect()), messages))
    }

    /// The records that are not whole: a piece for each, and its messages.
    pub fn rest(self) -> impl Iterator<Item = (Piece, Vec<String>)> {
        self.0.into_values().map(|Record { rejected, parts, messages }| {
            let id = format!("{}:{}", rejected.shard_id, rejected.sequence_number);
            let told = format!("{} of its {} parts are here", parts.len(), rejected.parts);
            (Piece { id, reason: Some(rejected.reason), content: Content::Part(told) }, messages)
        })
    }
}

#[cfg(test)]
mod tests {
    use anyhow::{Context as _, Result};
    use storehook_domain::event::origin::RecordOrigin;

    use super::{super::message::Message, *};

    #[test]
    fn parts_in_any_order_make_the_record_whole_once() -> Result<()> {
        let origin =
            RecordOrigin { shard_id: "s", sequence_number: "42", arrived_at: jiff::Timestamp::UNIX_EPOCH };
        let record: Vec<u8> = (0..2_000_000_u32).map(|number| (number % 251) as u8).collect();
        let mut messages = RejectedEvent::messages(&record, &origin, "why");
        assert_eq!(messages.len(), 4);
        messages.reverse();
        messages.insert(1, messages[0].clone());
        let (mut parts, mut whole) = (Parts::default(), Vec::new());
        for (number, body) in messages.iter().enumerate() {
            let Message::Part { rejected, data } = Message::parse("m", body) else {
                anyhow::bail!("no part")
            };
            whole.extend(parts.take(&format!("m-{number}"), *rejected, data));
        }
        let (pieces, ids) = whole.pop().context("never whole")?;
        assert!(whole.is_empty());
        assert_eq!(ids, ["m-0", "m-1", "m-2", "m-3", "m-4"]);
        assert!(
            matches!(&pieces[..], [Piece { content: Content::Record { data, .. }, .. }] if *data == record)
        );

        let Message::Part { rejected, data } = Message::parse("m", &messages[0]) else {
            anyhow::bail!("no part")
        };
        assert_eq!(parts.take("m-9", *rejected, data), None);
        let rest: Vec<_> = parts.rest().collect();
        assert_eq!(rest[0].0.content, Content::Part("1 of its 4 parts are here".to_owned()));
        assert_eq!(rest[0].1, ["m-9"]);
        Ok(())
    }
}
