//! A simulation of a scenario: from its first event until all is quiet, or until its time is up.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::{Result, ensure};
use storehook_aws::metrics::Tally;
use tokio::task::{JoinHandle, LocalSet, spawn_local};

use crate::{
    aws::Aws,
    clock,
    deployment::{self, FAST, JOBS, Options, REGISTRY, SLOW},
    endpoints,
    faults::Faults,
    functions::Counted,
    ledger::Ledger,
    scenarios::Scenario,
    template::Template,
    tenants::Tenant,
};

/// The state at the end of a simulation.
pub(crate) struct End {
    pub(crate) aws: Aws,
    ledger: Arc<Mutex<Ledger>>,
    /// What the functions have counted.
    pub(crate) counted: Tally,
    /// How long it took, on the virtual clock.
    pub(crate) took: Duration,
    /// Whether nothing waited any more.
    pub(crate) is_quiet: bool,
}

/// How often the simulation checks whether all is quiet.
const LOOK: Duration = Duration::from_secs(60);

impl End {
    /// The ledger.
    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs a scenario.
pub(crate) fn run(scenario: &Scenario, options: &Options) -> Result<End> {
    clock::run(options.seed, async { LocalSet::new().run_until(simulate(scenario, options)).await })?
}

async fn simulate(scenario: &Scenario, options: &Options) -> Result<End> {
    let template = Template::read()?;
    let aws = deployment::aws(&template, &Faults::new(scenario.faults.clone()), options)?;
    let ledger = Arc::new(Mutex::new(Ledger::default()));
    let mut publishers = Vec::new();
    for (number, (group, is_troubled)) in scenario.tenants().enumerate() {
        let tenant = Tenant::new(number, group, options.scale)?;
        tenant.install(&aws, REGISTRY, &ledger, is_troubled)?;
        publishers.push(spawn_local(tenant.publish(aws.clone(), ledger.clone(), options.time, options.seed)));
    }
    let counted = Counted::default();
    let pollers = deployment::start(
        &template,
        options,
        &aws,
        (endpoints::script(ledger.clone()), &scenario.outage),
        &counted,
    )?;
    for publisher in publishers {
        publisher.await??;
    }
    let until = clock::elapsed() + options.quiet_within;
    while !is_quiet(&aws) && clock::elapsed() < until {
        tokio::time::sleep(LOOK).await;
    }
    ensure!(!pollers.iter().any(JoinHandle::is_finished), "a poller panicked");
    let is_quiet = is_quiet(&aws);
    let counted = counted.borrow().clone();
    Ok(End { aws, ledger, counted, took: clock::elapsed(), is_quiet })
}

/// Whether nothing waits but dead letters and what was rejected.
pub(crate) fn is_quiet(aws: &Aws) -> bool {
    aws.stream.depth() == 0 && [FAST, SLOW, JOBS].iter().all(|queue| aws.sqs.depth(queue) == 0)
}
