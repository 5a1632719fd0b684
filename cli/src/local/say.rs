//! Progress, on standard error.

/// Tells the user how far it is.
pub(super) fn say(text: &str) {
    eprintln!("storehook: {text}");
}
