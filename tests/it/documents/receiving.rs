//! `docs/receiving.md` and the domain.

use anyhow::Result;
use storehook_domain::delivery::schedule::AGES;

use super::read;

#[test]
fn its_retry_schedule_is_the_codes() -> Result<()> {
    let document = read("docs/receiving.md")?;
    for (number, age) in (1..).zip(AGES) {
        let row = format!("| {number} | {} |", spoken(age));
        assert!(document.contains(&row), "{row}");
    }
    Ok(())
}

/// An age as the document tells it: `0`, `10 s`, `2 min 40 s`, `3 h 52 min 40 s`.
fn spoken(seconds: u64) -> String {
    let parts = [(seconds / 3_600, "h"), (seconds / 60 % 60, "min"), (seconds % 60, "s")];
    let told: Vec<_> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, unit)| format!("{count} {unit}")).collect();
    if told.is_empty() { "0".to_owned() } else { told.join(" ") }
}
