//! The commands of findings.

use crate::{stack::command::command_for, status::facts::Facts};

/// A command of this program for this stack.
pub(super) fn storehook(facts: &Facts, command: &str) -> String {
    command_for((!facts.is_local).then_some(&facts.stack), command)
}
