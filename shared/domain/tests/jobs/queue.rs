//! The jobs queue: messages of steps, and the steps that are under way.

use crate::kinds::StepEnd;

/// The message of a step.
#[derive(Debug, Clone)]
pub(crate) struct Message<S> {
    pub(crate) id: String,
    pub(crate) step: S,
}

/// The messages of a job. `K` is what a step that is under way has read.
#[derive(Debug)]
pub(crate) struct Queue<S, K> {
    messages: Vec<Message<S>>,
    under_way: Vec<(Message<S>, K)>,
    next_id: usize,
}

impl<S: Clone, K> Queue<S, K> {
    pub(crate) fn of(step: S) -> Self {
        let mut queue = Self { messages: Vec::new(), under_way: Vec::new(), next_id: 0 };
        queue.send(step);
        queue
    }

    pub(crate) fn send(&mut self, step: S) {
        self.next_id += 1;
        self.messages.push(Message { id: format!("m-{}", self.next_id), step });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.messages.is_empty() && self.under_way.is_empty()
    }

    /// A step is received, and reads. Returns its place among those that are under way.
    pub(crate) fn begin(&mut self, which: usize, read: K) -> Option<usize> {
        let index = which.checked_rem(self.messages.len())?;
        let message = self.messages.swap_remove(index);
        self.under_way.push((message, read));
        Some(self.under_way.len() - 1)
    }

    /// A step that is under way, which ends now.
    pub(crate) fn take(&mut self, which: usize) -> Option<(Message<S>, K)> {
        let index = which.checked_rem(self.under_way.len())?;
        Some(self.under_way.swap_remove(index))
    }

    /// A message whose function died comes again.
    pub(crate) fn put_back(&mut self, message: Message<S>, end: StepEnd) {
        if end != StepEnd::Done {
            self.messages.push(message);
        }
    }

    pub(crate) fn copy(&mut self, which: usize, is_new: bool) {
        let Some(index) = which.checked_rem(self.messages.len()) else { return };
        let copy = self.messages[index].clone();
        if is_new {
            self.send(copy.step);
        } else {
            self.messages.push(copy);
        }
    }
}
