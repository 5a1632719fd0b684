//! Progress of long work, on standard error.
//!
//! It is shown only where standard error is a terminal: `indicatif` sees to that. So scripts and logs
//! get none of it.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// A bar for this many `things`. Work on a single thing has none.
pub fn bar(length: u64, things: &str) -> ProgressBar {
    let bar = if length > 1 { ProgressBar::new(length) } else { ProgressBar::hidden() };
    let style = ProgressStyle::with_template(&format!(
        "{{bar:40}} {{pos}}/{{len}} {things}, {{per_sec}}, {{eta}} to go"
    ));
    style.map_or(bar.clone(), |style| bar.with_style(style))
}

/// That `work` goes on, for work that has nothing to count.
pub fn spinner(work: &'static str) -> ProgressBar {
    let spinner = ProgressBar::new_spinner().with_message(work);
    spinner.enable_steady_tick(Duration::from_millis(100));
    spinner
}

/// A count of `things` whose number is not known before.
pub fn count(things: &str) -> ProgressBar {
    let count = ProgressBar::new_spinner();
    let style = ProgressStyle::with_template(&format!("{{spinner}} {{pos}} {things}"));
    style.map_or(count.clone(), |style| count.with_style(style))
}
