//! Progress of long work, on standard error.
//!
//! It is shown only where standard error is a terminal: `indicatif` sees to that. So scripts and logs
//! get none of it.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar for this many `things`. Work on a single thing has none.
pub fn bar(length: u64, things: &str) -> ProgressBar {
    let bar = if length > 1 { ProgressBar::new(length) } else { ProgressBar::hidden() };
    let style = ProgressStyle::with_template(&format!(
        "{{bar:40}} {{pos}}/{{len}} {things}, {{per_sec}}, {{eta}} to go"
    ));
    style.map_or(bar.clone(), |style| bar.with_style(style))
}

/// A count of `things` whose number is not known before.
pub fn count(things: &str) -> ProgressBar {
    let count = ProgressBar::new_spinner();
    let style = ProgressStyle::with_template(&format!("{{spinner}} {{pos}} {things}"));
    style.map_or(count.clone(), |style| count.with_style(style))
}
