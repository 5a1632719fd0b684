//! What can happen to a step.

/// How a step ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StepEnd {
    Done,
    /// The function dies before the step is noted, and its message comes again.
    DiesBeforeNote,
    /// The function dies before its message is deleted, and it comes again.
    DiesAtLast,
    /// The function dies after the step is noted and before the next one is queued. Its message is lost.
    IsLost,
}
