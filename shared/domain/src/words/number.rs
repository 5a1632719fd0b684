//! Numbers for people.

/// A number of milliseconds: `340 ms`, `1.2 s`.
pub fn latency(ms: u64) -> String {
    if ms < 1_000 { format!("{ms} ms") } else { format!("{}.{} s", ms / 1_000, ms % 1_000 / 100) }
}

/// A number with its thousands apart: `1,204`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let first = digits.len() % 3;
    let (head, rest) = digits.split_at(first);
    let groups = rest.as_bytes().chunks(3).map(String::from_utf8_lossy);
    let head = (!head.is_empty()).then(|| head.into());
    head.into_iter().chain(groups).collect::<Vec<_>>().join(",")
}

/// A number and its noun: `1 delivery`, `2 deliveries`.
pub fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// `1 delivery`, `1,204 deliveries`.
pub fn deliveries(number: u64) -> String {
    counted(number, "delivery", "deliveries")
}

/// A rate of four digits: `98 %`, `98.2 %`. All but a few is not 100 %.
pub fn percent(rate: f64) -> String {
    format!("{} %", ((rate * 10_000.0).round() / 10.0).floor() / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_for_people() {
        for (number, expected) in
            [(0, "0"), (999, "999"), (1_000, "1,000"), (1_204_567, "1,204,567"), (100_000, "100,000")]
        {
            assert_eq!(count(number), expected);
        }
        assert_eq!(counted(1, "delivery", "deliveries"), "1 delivery");
        assert_eq!(counted(1_204, "delivery", "deliveries"), "1,204 deliveries");
        assert_eq!(deliveries(2), "2 deliveries");
        assert_eq!((latency(340), latency(1_290)), ("340 ms".to_owned(), "1.2 s".to_owned()));
    }

    #[test]
    fn a_rate_is_never_rounded_up_to_all() {
        for (rate, expected) in
            [(1.0, "100 %"), (0.9999, "99.9 %"), (0.982, "98.2 %"), (0.9804, "98 %"), (0.0, "0 %")]
        {
            assert_eq!(percent(rate), expected);
        }
    }
}
