//! Whose turn a step is.
//!
//! A job's record notes how many steps are done and which SQS message made the last of them. A
//! message of step `n` can so mean three things: the step is to be made; this very message made it,
//! and perhaps died before it queued the next one; or another message made it.

/// What is to be done with a step that was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Make the step.
    Make,
    /// The step is made, or comes too early: queue the one that is next.
    QueueNext,
    /// Nothing.
    End,
}

impl Turn {
    /// The turn of this step, which came as this message, after so many steps, the last of them
    /// noted by that message.
    pub fn of(number: u32, message_id: &str, steps: u32, noted_by: Option<&str>) -> Self {
        if number == steps.saturating_add(1) {
            Self::Make
        } else if number == steps && noted_by == Some(message_id) {
            Self::QueueNext
        } else {
            Self::End
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_made_once_and_its_own_message_queues_the_next_one() {
        for (number, message_id, turn) in [
            (4, "m", Turn::Make),
            (4, "other", Turn::Make),
            (3, "m", Turn::QueueNext),
            (3, "other", Turn::End),
            (2, "m", Turn::End),
            (5, "m", Turn::End),
        ] {
            assert_eq!(Turn::of(number, message_id, 3, Some("m")), turn, "{number} {message_id}");
        }
        assert_eq!(Turn::of(0, "m", 0, None), Turn::End);
    }
}
