//! The commands of findings.

use crate::status::facts::Facts;

/// A command of this program for this stack.
pub(super) fn storehook(facts: &Facts, command: &str) -> String {
    if facts.is_local {
        format!("storehook {command}")
    } else {
        format!("storehook --stack {} {command}", facts.stack)
    }
}
