//! Progress, on standard error.

/// Tells the user what happens now.
pub(super) fn say(text: &str) {
    eprintln!("storehook: {text}");
}
