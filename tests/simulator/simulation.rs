//! A simulation: the stand-ins, the functions and the tenants of a scenario, from the first event
//! until all is quiet, or until its time is up.

use std::{
    collections::BTreeMap,
    rc::Rc,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::Result;
use futures::FutureExt as _;
use storehook_aws::Environment;
use tokio::task::LocalSet;

use crate::{
    aws::Aws,
    clock, endpoints,
    functions::{Delivery, FanOut},
    kinesis::Stream,
    lambda::{queue_poller, stream_poller},
    ledger::Ledger,
    scale::Scale,
    scenarios::Scenario,
    sqs::{Counting, Sqs},
    template::Template,
    tenants::Tenant,
};

/// How a scenario is run.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    pub(crate) scale: Scale,
    pub(crate) seed: u64,
    /// How long the tenants publish.
    pub(crate) time: Duration,
    /// How much longer the rest may take. All messages have ended by then, or it is told.
    pub(crate) quiet_within: Duration,
    pub(crate) counting: Counting,
    /// Settings in the place of those of the template, of both functions.
    pub(crate) environment: Vec<(String, String)>,
}

/// What was there at the end of a simulation.
pub(crate) struct End {
    pub(crate) aws: Aws,
    pub(crate) ledger: Arc<Mutex<Ledger>>,
    /// How long it took, on the virtual clock.
    pub(crate) took: Duration,
    /// Whether nothing waited any more.
    pub(crate) is_quiet: bool,
}

/// The tables and queues, by their names in the template.
pub(crate) const REGISTRY: &str = "RegistryTable";
pub(crate) const HISTORY: &str = "HistoryTable";
pub(crate) const FAST: &str = "DeliveryQueue";
pub(crate) const SLOW: &str = "RetryQueue";
pub(crate) const DEAD: &str = "DeadLetterQueue";
pub(crate) const JOBS: &str = "JobsQueue";
pub(crate) const REJECTED: &str = "RejectedQueue";

/// How often the simulation looks whether all is quiet.
const LOOK: Duration = Duration::from_secs(60);

impl End {
    /// The ledger.
    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs a scenario.
pub(crate) fn run(scenario: &Scenario, options: &Options) -> Result<End> {
    clock::run(options.seed, async {
        let local = LocalSet::new();
        local.run_until(simulate(scenario, options)).await
    })?
}

async fn simulate(scenario: &Scenario, options: &Options) -> Result<End> {
    let template = Template::read(&[])?;
    let aws = aws(&template, scenario, options)?;
    let ledger = Arc::new(Mutex::new(Ledger::default()));
    let mut publishers = Vec::new();
    for (number, (group, is_troubled)) in scenario.tenants().enumerate() {
        let tenant = Tenant::new(number, group, options.scale)?;
        tenant.install(&aws, REGISTRY, &ledger, is_troubled)?;
        let published =
            tenant.publish(aws.clone(), ledger.clone(), options.scale, options.time, options.seed);
        publishers.push(tokio::task::spawn_local(published));
    }
    deploy(&template, scenario, options, &aws, &ledger)?;
    tokio::time::sleep(options.time).await;
    for publisher in publishers {
        publisher.await??;
    }
    let until = clock::elapsed() + options.quiet_within;
    while !is_quiet(&aws) && clock::elapsed() < until {
        tokio::time::sleep(LOOK).await;
    }
    let is_quiet = is_quiet(&aws);
    Ok(End { aws, ledger, took: clock::elapsed(), is_quiet })
}

/// Whether nothing waits but dead letters and what was rejected.
fn is_quiet(aws: &Aws) -> bool {
    aws.stream.depth() == 0 && [FAST, SLOW, JOBS].iter().all(|queue| aws.sqs.depth(queue) == 0)
}

fn aws(template: &Template, scenario: &Scenario, options: &Options) -> Result<Aws> {
    let queues = template.queues(options.scale)?;
    let aws = Aws {
        dynamodb: Arc::default(),
        sqs: Sqs::new(queues, options.counting, scenario.faults.clone()),
        stream: Stream::new(template.stream_mapping()?.parallelization),
    };
    for table in [REGISTRY, HISTORY] {
        aws.dynamodb().create(table, template.table(table)?);
    }
    Ok(aws)
}

/// Starts the functions and their mappings.
fn deploy(
    template: &Template,
    scenario: &Scenario,
    options: &Options,
    aws: &Aws,
    ledger: &Arc<Mutex<Ledger>>,
) -> Result<()> {
    let environment = |function: &str| -> Result<(Environment, storehook_aws::SdkConfig)> {
        let mut variables: BTreeMap<_, _> = template.environment(function)?;
        variables.extend(options.environment.iter().cloned());
        let environment: Environment = variables.into_iter().collect();
        let sdk = storehook_aws::lambda_sdk_config(&environment)?.into_builder();
        let sdk = sdk.http_client(aws.clone()).time_source(clock::Virtual).build();
        Ok((environment, sdk))
    };
    let script = endpoints::script(ledger.clone());
    let (variables, sdk) = environment("DeliveryFunction")?;
    let delivery = Delivery::new(&variables, &sdk, script, scenario.crashes)?;
    let (variables, sdk) = environment("FanOutFunction")?;
    let fan_out = FanOut::new(&variables, &sdk, scenario.crashes)?;
    let of_delivery = |timeout| -> Rc<queue_poller::Invoke> {
        let delivery = delivery.clone();
        Rc::new(move |batch| delivery.clone().invoke(batch, timeout).boxed_local())
    };
    for name in ["DeliveryMapping", "RetryMapping"] {
        let mapping = template.queue_mapping(name, options.scale)?;
        let invoke = of_delivery(mapping.function_timeout);
        for _ in 0..mapping.concurrency {
            let poll =
                queue_poller::poll(aws.sqs.clone(), mapping.clone(), scenario.outage.clone(), invoke.clone());
            tokio::task::spawn_local(poll);
        }
    }
    let mapping = template.queue_mapping("JobsMapping", options.scale)?;
    let (jobs, timeout) = (fan_out.clone(), mapping.function_timeout);
    let invoke: Rc<queue_poller::Invoke> =
        Rc::new(move |batch| jobs.clone().invoke_jobs(batch, timeout).boxed_local());
    for _ in 0..mapping.concurrency {
        let poll =
            queue_poller::poll(aws.sqs.clone(), mapping.clone(), scenario.outage.clone(), invoke.clone());
        tokio::task::spawn_local(poll);
    }
    let mapping = template.stream_mapping()?;
    let timeout = mapping.function_timeout;
    let invoke: Rc<stream_poller::Invoke> =
        Rc::new(move |batch| fan_out.clone().invoke_events(batch, timeout).boxed_local());
    for part in 0..aws.stream.parts() {
        let (sqs, stream) = (aws.sqs.clone(), aws.stream.clone());
        let rejected = move |records: &[crate::kinesis::Record]| {
            for record in records {
                sqs.reject(REJECTED, &String::from_utf8_lossy(&record.data));
            }
        };
        let poll = stream_poller::poll(
            stream,
            part,
            mapping.clone(),
            scenario.outage.clone(),
            invoke.clone(),
            rejected,
        );
        tokio::task::spawn_local(poll);
    }
    Ok(())
}
