//! The program `soak`.

use std::{io::Write as _, time::Duration};

use anyhow::{Result, ensure};
use clap::Parser;

use super::{course, ended::Ended, plan::Plan, report, verdict};
use crate::faults::{Fault, Rates};

/// How often AWS breaks a promise, if it is asked to.
const BROKEN_PROMISE: f64 = 0.05;

/// Delivers under faults, and checks that nothing is lost.
#[derive(Debug, Parser)]
pub struct Args {
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
    /// Only these faults, at their usual rate: names as the report has them. What AWS promises never to
    /// do happens once in twenty times.
    #[arg(long)]
    only: Vec<String>,
    /// Every fault happens so many times less often.
    #[arg(long, default_value_t = 1.0)]
    rarer: f64,
    /// On the local stack: the functions' programs, sockets and the real clock, with an emulator of AWS.
    #[arg(long, conflicts_with = "days")]
    pub stack: bool,
}

impl Args {
    /// What the arguments ask for.
    ///
    /// # Errors
    ///
    /// There is no fault of such a name.
    pub fn plan(&self) -> Result<Plan> {
        let plan = Plan { rates: rates(self)?.rarer(self.rarer), ..Plan::of(self.deliveries, self.seed) };
        Ok(match self.days {
            Some(days) => plan.over(Duration::from_secs(u64::from(days) * 86_400)),
            None => plan,
        })
    }
}

/// Runs a plan in the simulator.
///
/// # Errors
///
/// The run is void: the error says why.
pub fn run(plan: &Plan) -> Result<()> {
    conclude(plan, &course::run(plan)?)
}

/// Prints the report of a run.
///
/// # Errors
///
/// The run is void: the error says why.
pub fn conclude(plan: &Plan, ended: &Ended) -> Result<()> {
    write!(std::io::stdout(), "{}", report::of(plan, ended))?;
    let reasons = verdict::reasons(plan, ended);
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
        let rate = if fault.usual_rate() > 0.0 { fault.usual_rate() } else { BROKEN_PROMISE };
        rates = rates.with(fault, rate);
    }
    Ok(rates)
}
