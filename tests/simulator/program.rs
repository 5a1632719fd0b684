//! The program `simulator`: it runs scenarios and prints the tables of their results.

use std::{io::Write as _, time::Duration};

use anyhow::{Result, ensure};
use clap::Parser;

use crate::{comparison::Baselines, deployment::Options, report, scale::Scale, scenarios, sqs::Counting};

/// Simulates scenarios and prints a table of their results.
#[derive(Debug, Parser)]
struct Args {
    /// The scenarios; all if none is named.
    scenarios: Vec<String>,
    /// How many hours the tenants publish.
    #[arg(long, default_value_t = 24.0)]
    hours: f64,
    /// How many more hours everything may take until all is quiet.
    #[arg(long, default_value_t = 72.0)]
    quiet_within: f64,
    /// What rates, concurrency and the limit in flight are divided by.
    #[arg(long, default_value_t = 100.0)]
    scale: f64,
    /// Decides every random number.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// A message that moves to the next queue keeps its receive count.
    #[arg(long)]
    carry_receives: bool,
    /// A setting of both functions: NAME=VALUE.
    #[arg(long = "set", value_parser = setting)]
    settings: Vec<(String, String)>,
}

fn setting(text: &str) -> Result<(String, String), &'static str> {
    let (name, value) = text.split_once('=').ok_or("it must be NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Runs the program.
///
/// # Errors
///
/// There is no such scenario, or a simulation broke off.
pub fn run() -> Result<()> {
    let args = Args::parse();
    let options = Options {
        scale: Scale(args.scale),
        seed: args.seed,
        time: Duration::from_secs_f64(args.hours * 3_600.0),
        quiet_within: Duration::from_secs_f64(args.quiet_within * 3_600.0),
        counting: if args.carry_receives { Counting::CarriedOn } else { Counting::Anew },
        environment: args.settings,
    };
    let scenarios = scenarios::all();
    let unknown = args.scenarios.iter().find(|name| scenarios.iter().all(|scenario| scenario.name != *name));
    ensure!(unknown.is_none(), "there is no scenario {unknown:?}");
    let wanted = |name| args.scenarios.is_empty() || args.scenarios.iter().any(|wanted| wanted == name);
    let (mut baselines, mut comparisons) = (Baselines::default(), Vec::new());
    for scenario in scenarios.into_iter().filter(|scenario| wanted(scenario.name)) {
        writeln!(std::io::stderr(), "{}", scenario.title)?;
        comparisons.push(baselines.compare(scenario, &options)?);
    }
    let (healthy, deliveries) =
        (report::of_the_healthy(&comparisons, options.scale), report::of_deliveries(&comparisons));
    write!(std::io::stdout(), "{healthy}\n{deliveries}")?;
    Ok(())
}
