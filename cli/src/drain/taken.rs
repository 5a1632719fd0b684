//! The messages that were received and not deleted, and when to end.
//!
//! It ends after two empty receives, when only known messages come again, when three rounds in a
//! row achieve nothing, or before it reaches SQS's limit of hidden messages.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use aws_sdk_sqs::types::Message;
use serde::Serialize;
use storehook_domain::delivery::fan_out::BATCH_LIMIT;

use super::source::{HIDDEN_MINUTES, SourceQueue};

/// How many empty receives in a row mean an empty queue.
const EMPTY_RECEIVES: u32 = 2;

/// How many rounds in a row may achieve nothing.
const FRUITLESS_ROUNDS: u32 = 3;

/// How many messages it hides at most. SQS lets 120,000 messages of a standard queue be in flight
/// (Amazon SQS message quotas) and then hands out no others.
const HIDDEN_LIMIT: usize = 100_000;

/// Why working a queue off ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// There were no more messages.
    #[default]
    Complete,
    /// It was interrupted.
    Interrupted,
    /// Nothing that it tried succeeded.
    InVain,
    /// So many messages stay that SQS shows no others.
    TooManyHidden,
}

impl End {
    /// What the command must complain about; `again` and `in_vain` say it in its own words. `unshown`
    /// is why messages that stayed could not be shown again.
    pub fn complaints(self, again: &str, in_vain: &str, unshown: Option<&str>) -> Vec<String> {
        let ended = match self {
            Self::Complete => None,
            Self::Interrupted => Some(format!("interrupted: {again}")),
            Self::InVain => Some(format!("gave up, because {in_vain}")),
            Self::TooManyHidden => {
                Some("so many messages stay that SQS shows no others: there may be more".to_owned())
            }
        };
        let hidden = unshown.map(|reason| {
            format!("messages that stayed may be hidden for {HIDDEN_MINUTES} minutes: {reason}")
        });
        ended.into_iter().chain(hidden).collect()
    }
}

/// The messages that were received and not deleted.
#[derive(Debug, Default)]
pub struct Taken {
    /// The latest receipt by the message's id.
    receipts: BTreeMap<String, String>,
    /// Those that are done, and only have to be deleted.
    done: BTreeSet<String>,
    /// Empty receives in a row.
    empty_receives: u32,
    /// Known messages that came again since the last new one.
    repeats: usize,
    /// Rounds in a row that had work to do and achieved nothing.
    fruitless: u32,
}

/// What a receive brought.
#[derive(Debug, Default)]
pub struct Received {
    /// The new messages: their ids and bodies.
    pub new: Vec<(String, String)>,
    /// Messages that are done and came again, because they could not be deleted.
    pub undeleted: Vec<String>,
}

impl Taken {
    /// Takes the messages of a receive.
    ///
    /// # Errors
    ///
    /// A message has no id or no receipt.
    pub fn take(&mut self, messages: Vec<Message>) -> Result<Received> {
        self.empty_receives = if messages.is_empty() { self.empty_receives + 1 } else { 0 };
        let mut received = Received::default();
        for message in messages {
            let id = message.message_id.context("SQS sent a message without an id")?;
            let receipt = message.receipt_handle.context("SQS sent a message without a receipt")?;
            if self.receipts.insert(id.clone(), receipt).is_none() {
                self.repeats = 0;
                received.new.push((id, message.body.unwrap_or_default()));
            } else {
                self.repeats += 1;
                received.undeleted.extend(self.done.contains(&id).then_some(id));
            }
        }
        Ok(received)
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.receipts.len()
    }

    /// How many are done and still there.
    pub fn undeleted(&self) -> usize {
        self.done.len()
    }

    /// Notes whether a round that had work to do left fewer messages than it began with.
    pub fn note_round(&mut self, before: usize) {
        self.fruitless = if self.count() == before { self.fruitless + 1 } else { 0 };
    }

    /// Deletes messages that are done. Returns the reason if that fails for one of them. It then stays
    /// noted as done.
    pub async fn delete(&mut self, queue: &SourceQueue, ids: Vec<String>) -> Option<String> {
        self.done.extend(ids.iter().cloned());
        let mut refusal = None;
        for ids in ids.chunks(BATCH_LIMIT) {
            let receipts = ids.iter().filter_map(|id| Some((id, self.receipts.get(id)?.as_str())));
            let (ids, receipts): (Vec<_>, Vec<_>) = receipts.unzip();
            if receipts.is_empty() {
                continue;
            }
            let done = queue.delete(&receipts).await;
            for id in done.indexes.iter().map(|index| ids[*index]) {
                self.receipts.remove(id);
                self.done.remove(id);
            }
            refusal = done.refusal.or(refusal);
        }
        refusal
    }

    /// Makes the messages that stay visible again. Returns the reason if that fails.
    pub async fn show(&self, queue: &SourceQueue) -> Option<String> {
        let receipts: Vec<_> = self.receipts.values().map(String::as_str).collect();
        for batch in receipts.chunks(BATCH_LIMIT) {
            if let Err(error) = queue.show(batch).await {
                // All of them show themselves in time: no need to insist.
                return Some(format!("{error:#}"));
            }
        }
        None
    }

    /// Why to end, if there is a reason.
    pub fn end(&self) -> Option<End> {
        // In a long run, messages that it received long ago come again. Once all of them have, and
        // nothing new, there is nothing new.
        if self.empty_receives == EMPTY_RECEIVES || self.repeats > self.receipts.len() {
            Some(End::Complete)
        } else if self.fruitless == FRUITLESS_ROUNDS {
            Some(End::InVain)
        } else if self.receipts.len() >= HIDDEN_LIMIT {
            Some(End::TooManyHidden)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(id: usize) -> Message {
        Message::builder().message_id(id.to_string()).receipt_handle("r").body("b").build()
    }

    #[test]
    fn it_ends_at_the_limit_of_hidden_messages() -> Result<()> {
        let mut taken = Taken::default();
        let all = (0..HIDDEN_LIMIT - 1).map(message).collect();
        assert_eq!(taken.take(all)?.new.len(), HIDDEN_LIMIT - 1);
        assert_eq!(taken.end(), None);
        taken.take(vec![message(HIDDEN_LIMIT)])?;
        assert_eq!(taken.end(), Some(End::TooManyHidden));
        Ok(())
    }

    #[test]
    fn it_ends_when_nothing_new_comes_or_nothing_is_achieved() -> Result<()> {
        let mut taken = Taken::default();
        taken.take(vec![message(1)])?;
        taken.take(Vec::new())?;
        assert_eq!(taken.end(), None);
        taken.take(Vec::new())?;
        assert_eq!(taken.end(), Some(End::Complete), "two empty receives");

        let mut taken = Taken::default();
        taken.take(vec![message(1), message(2)])?;
        for round in 1..=3 {
            taken.take(vec![message(1)])?;
            let expected = (round == 3).then_some(End::Complete);
            assert_eq!(taken.end(), expected, "known messages, {round} times");
        }

        let mut taken = Taken::default();
        taken.take(vec![message(1)])?;
        for round in 1..=3 {
            taken.note_round(1);
            assert_eq!(taken.end(), (round == 3).then_some(End::InVain));
        }
        Ok(())
    }
}
