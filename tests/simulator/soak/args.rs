//! The program `soak`.

use std::{io::Write as _, time::Duration};

use anyhow::{Result, ensure};
use clap::Parser;

use super::{course, plan::Plan, report, verdict};
use crate::faults::{Fault, Rates};

/// Delivers under faults, and checks that nothing is lost.
#[derive(Debug, Parser)]
struct Args {
    /// How many deliveries are published.
    #[arg(long, default_value_t = 50_000)]
    deliveries: u64,
    /// Decides every random number: the same seed repeats a run.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Over how many days the events are published. Then everything must expire, and memory must not
    /// grow.
    #[arg(long)]
    days: Option<u32>,
    /// No faults.
    #[arg(long)]
    no_faults: bool,
    /// Only these faults, at their usual rate: names as the report has them.
    #[arg(long)]
    only: Vec<String>,
}

/// Runs the program.
///
/// # Errors
///
/// The run is void: the error says why.
pub fn run() -> Result<()> {
    let args = Args::parse();
    let rates = rates(&args)?;
    let mut plan = Plan { rates, ..Plan::of(args.deliveries, args.seed) };
    if let Some(days) = args.days {
        plan = plan.over(Duration::from_secs(u64::from(days) * 86_400));
    }
    let ended = course::run(&plan)?;
    write!(std::io::stdout(), "{}", report::of(&plan, &ended))?;
    let reasons = verdict::reasons(&plan, &ended);
    ensure!(reasons.is_empty(), "the run is void:\n{}", reasons.join("\n"));
    Ok(())
}

fn rates(args: &Args) -> Result<Rates> {
    if args.no_faults {
        return Ok(Rates::NONE);
    }
    if args.only.is_empty() {
        return Ok(Rates::mixed(&mut fastrand::Rng::with_seed(args.seed)));
    }
    let mut rates = Rates::NONE;
    for name in &args.only {
        let fault = Fault::ALL.into_iter().find(|fault| fault.name() == *name);
        let Some(fault) = fault else { anyhow::bail!("there is no fault {name}") };
        rates = rates.with(fault, fault.usual_rate());
    }
    Ok(rates)
}
