//! Progress, on standard error.

use crate::output;

/// Tells the user what is happening.
pub(super) fn say(text: &str) {
    output::note(format_args!("storehook: {text}"));
}
