//! What a month costs: the cost table for any volumes.
//!
//! The units come from the code ([`measured`]: how large a record, a message, a request and an item
//! are, and what is looked up), from how AWS counts ([`bill`]) and from the [`case`]. The [`prices`]
//! are AWS's list prices. The volumes of the case are those of the command line; with `--stack` they
//! are those that the stack's own [`metrics`] show, scaled to a month.
//!
//! The table in `docs/operating.md` is the bill of the default case, and a test holds it to that.

pub mod bill;
pub mod case;
pub mod log_lines;
pub mod measured;
pub mod metrics;
pub mod parameters;
pub mod payloads;
pub mod prices;
pub mod report;
pub mod row;

use anyhow::Result;

use self::{
    case::{Case, Kept},
    metrics::sums,
    parameters::case_of,
    report::Bill,
};
use crate::global::Global;

const EXAMPLES: &str = "\
Examples:
  storehook cost
  storehook cost --deliveries 20000000 --events 5000000 --payload-kb 12 --history-days 0
  storehook --stack storehook cost --days 7
  storehook --stack storehook cost --json | jq .dollars";

/// The options of `storehook cost`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// How many deliveries a month has [default: 1000000, or what the stack's metrics show]
    #[arg(long, value_name = "NUMBER")]
    deliveries: Option<u64>,
    /// How many events it has [default: as many as deliveries]
    #[arg(long, value_name = "NUMBER")]
    events: Option<u64>,
    /// How many attempts fail [default: none]
    #[arg(long, value_name = "NUMBER")]
    failed_attempts: Option<u64>,
    /// The size of a payload in KB [default: that of the sample order]
    #[arg(long, value_name = "KB", value_parser = positive)]
    payload_kb: Option<f64>,
    /// How many events, and how many deliveries, come in a batch [default: 10]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=100))]
    batch: Option<u16>,
    /// How long an endpoint takes, in milliseconds [default: 150]
    #[arg(long, value_name = "MS")]
    response_ms: Option<u32>,
    /// How many days deliveries are kept; 0 is no history [default: 30, or the stack's parameter]
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u16).range(..=3650))]
    history_days: Option<u16>,
    /// How many days payloads are kept; 0 keeps none [default: 7, or the stack's parameter]
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u16).range(..=3650))]
    payload_days: Option<u16>,
    /// How many shards the stream has; 0 is a stream on demand [default: 1, or the stack's parameter]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(..=500))]
    shards: Option<u32>,
    /// With --stack: how many days of metrics to read.
    #[arg(long, value_name = "NUMBER", default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=450))]
    days: u16,
}

/// `storehook cost`
///
/// # Errors
///
/// The stack is not found or its metrics show nothing, or the payload has an impossible size.
pub async fn run(args: &Args, global: &Global) -> Result<()> {
    let (case, days) = match &global.stack.stack {
        // Volumes that are given need no stack, not even the local one.
        None => (Case::default(), None),
        Some(_) => {
            let connection = global.connect().await?;
            let usual = case_of(connection.parameters().await?);
            let sums = sums(&connection, args.days, storehook_aws::now()).await?;
            let case = if args.deliveries.is_some() { usual } else { sums.month(args.days, &usual)? };
            (case, args.deliveries.is_none().then_some(args.days))
        }
    };
    Ok(global.show(&Bill::of(&args.change(case), days)?)?)
}

impl Args {
    /// A case with what the command line says.
    fn change(&self, case: Case) -> Case {
        let number = |given: Option<u64>| given.map(|number| number as f64);
        let deliveries = number(self.deliveries);
        let kept = case.history.unwrap_or_default();
        let history = match (self.history_days, self.payload_days, case.history) {
            (None, None, history) => history,
            (Some(0), _, _) | (None, Some(_), None) => None,
            (deliveries, payloads, _) => Some(Kept {
                deliveries: deliveries.map_or(kept.deliveries, Kept::time),
                payloads: payloads.map_or(kept.payloads, Kept::time),
            }),
        };
        Case {
            events: number(self.events).or(deliveries).unwrap_or(case.events),
            deliveries: deliveries.unwrap_or(case.deliveries),
            failed_attempts: number(self.failed_attempts).unwrap_or(case.failed_attempts),
            payload_bytes: self.payload_kb.map(|kb| (kb * 1_024.0) as usize).or(case.payload_bytes),
            history,
            event_batch: self.batch.map_or(case.event_batch, f64::from),
            delivery_batch: self.batch.map_or(case.delivery_batch, f64::from),
            response_ms: self.response_ms.map_or(case.response_ms, f64::from),
            shards: match self.shards {
                None => case.shards,
                Some(0) => None,
                shards => shards,
            },
            has_dashboard: case.has_dashboard,
        }
    }
}

fn positive(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|error| format!("{error}"))?;
    if number > 0.0 && number.is_finite() { Ok(number) } else { Err("it must be over 0".to_owned()) }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Program {
        #[command(flatten)]
        args: Args,
    }

    #[test]
    fn the_command_line_changes_the_usual_case() -> Result<()> {
        let usual = Case::default();
        let off = Case { history: None, ..usual.clone() };
        for (options, base, expected) in [
            (&[][..], &usual, usual.clone()),
            (&["--deliveries", "5"], &usual, Case { deliveries: 5.0, events: 5.0, ..usual.clone() }),
            (
                &["--deliveries", "6", "--events", "2", "--failed-attempts", "1"],
                &usual,
                Case { deliveries: 6.0, events: 2.0, failed_attempts: 1.0, ..usual.clone() },
            ),
            (&["--payload-kb", "0.5"], &usual, Case { payload_bytes: Some(512), ..usual.clone() }),
            (&["--history-days", "0"], &usual, off.clone()),
            (&["--payload-days", "0"], &usual, Case { history: Some(Kept::days(30, 0)), ..usual.clone() }),
            (&["--history-days", "9"], &off, Case { history: Some(Kept::days(9, 7)), ..usual.clone() }),
            (&["--payload-days", "9"], &off, off.clone()),
            (&["--shards", "3"], &usual, Case { shards: Some(3), ..usual.clone() }),
            (&["--shards", "0"], &usual, Case { shards: None, ..usual.clone() }),
            (
                &["--batch", "1", "--response-ms", "20"],
                &usual,
                Case { event_batch: 1.0, delivery_batch: 1.0, response_ms: 20.0, ..usual.clone() },
            ),
        ] {
            let program = Program::try_parse_from([&["cost"], options].concat())?;
            assert_eq!(program.args.change(base.clone()), expected, "{options:?}");
        }
        for wrong in [["--payload-kb", "0"], ["--batch", "0"], ["--days", "0"], ["--deliveries", "-1"]] {
            assert!(Program::try_parse_from([&["cost"][..], &wrong].concat()).is_err(), "{wrong:?}");
        }
        Ok(())
    }
}
