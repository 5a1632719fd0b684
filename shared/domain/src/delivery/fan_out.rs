//! Fan-out: from one event and the webhooks that subscribe to it, to SQS batches.
//!
//! Messages are made one by one as their batch is packed. So an event of 1 MiB with ten thousand
//! webhooks takes the memory of one batch, not of ten thousand payloads.
//!
//! Several senders send at the same time. All messages of a webhook have the same sender, and a
//! sender keeps the stream's order, so a webhook's deliveries enter the queue in the order of their
//! events.

use jiff::Timestamp;

use crate::{
    delivery::{envelope::KeptPayload, lane::Lane, message::DeliveryMessage, subscriber::Subscriber},
    event::StoreEvent,
    installation::message_group::MessageGroup,
    payload::limits::SQS_MESSAGE_LIMIT,
    webhook::WebhookId,
};

/// The most messages that one `SendMessageBatch` takes (Amazon SQS quotas).
pub const BATCH_LIMIT: usize = 10;

/// A message on its way into the delivery queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueEntry {
    /// The index of the invocation's entry that it came from.
    pub record: usize,
    /// The lane that it goes to.
    pub lane: Lane,
    /// The message's group: its installation.
    pub group: MessageGroup,
    /// The delivery.
    pub body: String,
}

impl QueueEntry {
    /// A delivery as an entry. `record` is the index of what it came from.
    pub fn of(record: usize, message: &DeliveryMessage<'_>) -> Self {
        let (lane, group) = (message.lane, message.envelope.group());
        Self { record, lane, group, body: message.to_message() }
    }
}

/// The messages of an event: one for each subscriber, or only for those of the app that the event
/// names. `kept` is set if deliveries are recorded.
pub fn deliveries<'a, 's>(
    event: &'s StoreEvent<'a>,
    kept: Option<&'s KeptPayload>,
    subscribers: impl IntoIterator<Item = &'s Subscriber>,
    now: Timestamp,
) -> impl Iterator<Item = DeliveryMessage<'a>> {
    subscribers
        .into_iter()
        .filter(|subscriber| event.is_for(&subscriber.app))
        .map(move |subscriber| DeliveryMessage::of(event, kept, subscriber, now))
}

/// Which one of this many senders sends a webhook's deliveries.
///
/// Ids have patterns: an app that registers webhooks on eight shops in turn has every eighth id on
/// each. They are mixed (as SplitMix64 does it), or one sender would get them all.
pub fn sender_of(webhook_id: WebhookId, senders: u64) -> u64 {
    let mut mixed = webhook_id.get();
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed ^ (mixed >> 31)) % senders.max(1)
}

/// Packs messages, in their order, into batches that SQS takes: at most [`BATCH_LIMIT`] and,
/// all together, at most [`SQS_MESSAGE_LIMIT`] bytes.
pub fn batches(messages: impl Iterator<Item = QueueEntry>) -> impl Iterator<Item = Vec<QueueEntry>> {
    let mut messages = messages.peekable();
    std::iter::from_fn(move || {
        let mut batch = vec![messages.next()?];
        let mut bytes: usize = batch.iter().map(|message| message.body.len()).sum();
        while batch.len() < BATCH_LIMIT
            && let Some(message) = messages.next_if(|next| bytes + next.body.len() <= SQS_MESSAGE_LIMIT)
        {
            bytes += message.body.len();
            batch.push(message);
        }
        Some(batch)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::event::origin::RecordOrigin;
    use crate::installation::{app::AppId, shop::ShopDomain};

    fn message(record: usize, size: usize) -> QueueEntry {
        let shop = ShopDomain::parse("s.example").unwrap();
        QueueEntry { record, lane: Lane::Fast, group: MessageGroup::of_shop(&shop), body: "x".repeat(size) }
    }

    proptest! {
        #[test]
        fn batches_keep_every_message_in_order_and_within_the_limits(
            sizes in prop::collection::vec(prop_oneof![1..2_000usize, 1..=SQS_MESSAGE_LIMIT], 0..60),
        ) {
            let messages: Vec<_> = sizes.iter().enumerate().map(|(record, size)| message(record, *size)).collect();
            let batches: Vec<_> = batches(messages.iter().cloned()).collect();
            for batch in &batches {
                prop_assert!((1..=BATCH_LIMIT).contains(&batch.len()));
                prop_assert!(batch.iter().map(|message| message.body.len()).sum::<usize>() <= SQS_MESSAGE_LIMIT);
            }
            prop_assert_eq!(batches.concat(), messages);
        }
    }

    #[test]
    fn a_batch_is_closed_only_when_the_next_message_does_not_fit() {
        for (sizes, lengths) in [
            (vec![1; 10], vec![10]),
            (vec![1; 11], vec![10, 1]),
            (vec![SQS_MESSAGE_LIMIT], vec![1]),
            (vec![SQS_MESSAGE_LIMIT - 1, 1], vec![2]),
            (vec![SQS_MESSAGE_LIMIT, 1], vec![1, 1]),
            (vec![1, SQS_MESSAGE_LIMIT - 1, 1], vec![2, 1]),
            (vec![1_000; 10], vec![10]),
            (vec![], vec![]),
        ] {
            let packed = batches(sizes.iter().map(|size| message(0, *size)));
            assert_eq!(packed.map(|batch| batch.len()).collect::<Vec<_>>(), lengths);
        }
    }

    #[test]
    fn each_sender_gets_about_as_many_webhooks_whatever_pattern_their_ids_have() {
        for stride in [1, 2, 8, 64, 987, 1_000, 1 << 32] {
            let mut sent = [0; 8];
            for number in 1..=160 {
                sent[sender_of(WebhookId::new(number * stride), 8) as usize] += 1;
            }
            assert!(sent.iter().all(|count| (8..=36).contains(count)), "{stride}: {sent:?}");
        }
        assert_eq!(sender_of(WebhookId::new(7), 0), 0);
    }

    /// The first outputs of SplitMix64 from the seed 1234567, as other implementations test them. Its
    /// state grows by a constant each time, and the output is the mixed state.
    #[test]
    fn ids_are_mixed_as_splitmix64_mixes_its_state() {
        let mut state = 1_234_567_u64;
        for mixed in [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423] {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            assert_eq!(sender_of(WebhookId::new(state), u64::MAX), mixed);
        }
    }

    #[test]
    fn an_event_goes_to_every_subscriber_or_to_those_of_the_app_it_names()
    -> Result<(), Box<dyn std::error::Error>> {
        let origin = RecordOrigin { shard_id: "s", sequence_number: "1", arrived_at: Timestamp::UNIX_EPOCH };
        let subscribers = [("a", 1), ("b", 2), ("a", 3)].map(|(app, id)| {
            AppId::parse(app).map(|app| Subscriber {
                webhook_id: WebhookId::new(id),
                app,
                lane: Lane::Fast,
                is_by_pattern: false,
            })
        });
        let subscribers = subscribers.into_iter().collect::<Result<Vec<_>, _>>()?;
        for (app, expected) in
            [("null", vec!["1-e", "2-e", "3-e"]), (r#""a""#, vec!["1-e", "3-e"]), (r#""c""#, vec![])]
        {
            let record = format!(
                r#"{{"shop": "s.example", "topic": "orders/create", "event_id": "e", "payload": {{}}, "app": {app}}}"#
            );
            let event = StoreEvent::parse(record.as_bytes(), &origin)?;
            let ids: Vec<_> = deliveries(&event, None, &subscribers, Timestamp::UNIX_EPOCH)
                .map(|message| message.envelope.id.to_string())
                .collect();
            assert_eq!(ids, expected);
        }
        Ok(())
    }
}
