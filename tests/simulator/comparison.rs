//! Comparing the results of a scenario: with the breaker off, with the breaker on, and its baseline.

use anyhow::Result;

use crate::{deployment::Options, results::Results, scenarios::Scenario, simulation, template::Template};

/// The setting that turns the breaker off if it is 0.
const BREAKER: &str = "BREAKER_FAILURES";

/// A scenario with its results.
pub(crate) struct Comparison {
    pub(crate) scenario: Scenario,
    /// The results of its baseline: all tenants are healthy.
    pub(crate) alone: Results,
    pub(crate) runs: Vec<Run>,
}

/// A run of a scenario.
pub(crate) struct Run {
    /// Whether the breaker was on.
    pub(crate) is_on: bool,
    pub(crate) results: Results,
}

/// Baselines that are known already: many scenarios share one.
#[derive(Default)]
pub(crate) struct Baselines(Vec<(Scenario, Results)>);

impl Baselines {
    /// The results of a scenario's baseline.
    fn of(&mut self, scenario: &Scenario, options: &Options) -> Result<Results> {
        let alone = scenario.alone();
        let is_same = |known: &Scenario| {
            let Scenario { outage, faults, .. } = known;
            (outage, faults) == (&alone.outage, &alone.faults)
        };
        if let Some((_, known)) = self.0.iter().find(|(known, _)| is_same(known)) {
            return Ok(known.clone());
        }
        let results = Results::of(&simulation::run(&alone, options)?);
        self.0.push((alone, results.clone()));
        Ok(results)
    }

    /// Runs a scenario and its baseline: with the breaker off, and with it on if there is one.
    pub(crate) fn compare(&mut self, scenario: Scenario, options: &Options) -> Result<Comparison> {
        let alone = self.of(&scenario, options)?;
        let mut off = options.clone();
        let has_breaker = Template::read()?.has_setting("DeliveryFunction", BREAKER)?;
        if has_breaker {
            off.environment.push((BREAKER.to_owned(), "0".to_owned()));
        }
        let mut runs = vec![Run { is_on: false, results: Results::of(&simulation::run(&scenario, &off)?) }];
        if has_breaker {
            runs.push(Run { is_on: true, results: Results::of(&simulation::run(&scenario, options)?) });
        }
        Ok(Comparison { scenario, alone, runs })
    }
}
