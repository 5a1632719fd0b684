//! What happens to the messages of the world's queues.

use storehook_domain::{
    delivery::{disposition::Disposition, lane::Lane, message::DeliveryMessage, run::RunId},
    history::decision::Known,
};

use crate::{
    messages::{Queued, at},
    world::World,
};

impl World {
    /// Puts a message into the fast lane.
    pub(crate) fn send(&mut self, mut body: DeliveryMessage<'static>) {
        body.enqueued_at = at(self.now);
        // An operator's machine may have any clock.
        if matches!(body.run, RunId::Redrive(_)) {
            body.enqueued_at = at(self.now + self.skew);
        }
        self.sent.push(body.run.clone());
        self.push(body, Lane::Fast, 0);
    }

    fn push(&mut self, body: DeliveryMessage<'static>, lane: Lane, delay: i64) {
        let id = self.new_id();
        let visible_at = self.now + delay;
        self.messages.push(Some(Queued { id, body, lane, sent_at: self.now, visible_at, count: 0 }));
    }

    pub(crate) fn new_id(&mut self) -> String {
        self.next_id += 1;
        format!("m-{}", self.next_id)
    }

    /// SQS shows a message twice, at the same time and under the same id.
    pub(crate) fn show_twice(&mut self, which: usize) {
        if let Some(number) = self.pick(which) {
            let copy = self.messages[number].clone();
            self.messages.push(copy);
        }
    }

    /// A message that is in a queue, by any number.
    fn pick(&self, which: usize) -> Option<usize> {
        let alive: Vec<_> =
            (0..self.messages.len()).filter(|number| self.messages[*number].is_some()).collect();
        alive.get(which.checked_rem(alive.len())?).copied()
    }

    /// What was decided happens to a message. The function may die between a delay's copy and the
    /// end of the message.
    pub(crate) fn apply(
        &mut self,
        number: usize,
        message: &Queued,
        decided: Disposition,
        known: &Known,
        dies: bool,
    ) {
        let wait = i64::from(decided.wait_seconds().unwrap_or_default()) * 1_000;
        match decided {
            Disposition::Ack | Disposition::Hold => self.messages[number] = None,
            Disposition::Delay(delay) if let Some(copy) = message.received().delayed(known, delay) => {
                let lane = copy.lane;
                self.push(copy, lane, wait);
                if !dies {
                    self.messages[number] = None;
                }
            }
            Disposition::Delay(_) | Disposition::Retry { .. } | Disposition::Exhausted(_) => {
                if let Some(message) = &mut self.messages[number] {
                    message.visible_at = self.now + wait;
                }
            }
        }
    }
}
