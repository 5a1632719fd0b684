//! What a stack's own parameters say about its costs.

use std::collections::BTreeMap;

use super::case::{Case, Kept};

/// The usual case with these parameters. CloudFormation takes a fraction for a number, and functions
/// round it up.
pub fn case_of(parameters: &BTreeMap<String, String>) -> Case {
    let number = |name| Some(parameters.get(name)?.parse::<f64>().ok()?.ceil());
    let usual = Kept::default();
    let time = |name, usual| number(name).map_or(usual, |days| Kept::time(days as u16));
    let kept = Kept {
        deliveries: time("HistoryDeliveryDays", usual.deliveries),
        payloads: time("HistoryPayloadDays", usual.payloads),
    };
    let shards = match number("ShardCount") {
        None => Case::default().shards,
        Some(shards) => (shards > 0.0).then_some(shards as u32),
    };
    Case {
        history: (!kept.deliveries.is_zero()).then_some(kept),
        shards,
        has_dashboard: parameters.get("Dashboard").is_some_and(|is_there| is_there == "true"),
        ..Case::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stacks_parameters_change_the_usual_case() {
        let usual = Case::default();
        for (parameters, expected) in [
            (&[][..], usual.clone()),
            (&[("ShardCount", "1"), ("HistoryDeliveryDays", "30"), ("Other", "x")], usual.clone()),
            (&[("ShardCount", "0")], Case { shards: None, ..usual.clone() }),
            (
                &[("ShardCount", "4"), ("HistoryDeliveryDays", "8.5"), ("HistoryPayloadDays", "0")],
                Case { shards: Some(4), history: Some(Kept::days(9, 0)), ..usual.clone() },
            ),
            (&[("HistoryDeliveryDays", "0")], Case { history: None, ..usual.clone() }),
            (&[("Dashboard", "true")], Case { has_dashboard: true, ..usual.clone() }),
            (&[("Dashboard", "false")], usual.clone()),
        ] {
            let told = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            assert_eq!(case_of(&told.collect()), expected, "{parameters:?}");
        }
    }
}
