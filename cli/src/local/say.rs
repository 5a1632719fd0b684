//! Progress, on standard error.

/// Tells the user what is happening.
pub(super) fn say(text: &str) {
    eprintln!("storehook: {text}");
}
