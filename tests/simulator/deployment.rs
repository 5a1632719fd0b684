//! The deployment of a simulation: the stand-ins as the template wants them, and the functions with
//! their mappings.

use std::{rc::Rc, sync::Arc, time::Duration};

use anyhow::Result;
use delivery::Script;
use futures::FutureExt as _;
use storehook_aws::Environment;
use tokio::task::{JoinHandle, spawn_local};

use crate::{
    aws::Aws,
    clock,
    faults::Faults,
    functions::{Counted, Delivery, FanOut},
    kinesis::{Record, Stream},
    lambda::{Outage, queue_poller, schedule, stream_poller},
    scale::Scale,
    sqs::{Counting, Sqs},
    template::Template,
};

/// The tables and queues, by their names in the template.
pub(crate) const REGISTRY: &str = "RegistryTable";
pub(crate) const HISTORY: &str = "HistoryTable";
pub(crate) const FAST: &str = "DeliveryQueue";
pub(crate) const SLOW: &str = "RetryQueue";
pub(crate) const DEAD: &str = "DeadLetterQueue";
pub(crate) const JOBS: &str = "JobsQueue";
pub(crate) const REJECTED: &str = "RejectedQueue";

/// The settings that limit a number of messages, or their rate. A setting that counts failures in a row
/// is not scaled: a single failure means the same at any scale.
const SCALED: [&str; 2] = ["WAITING_LIMIT", "CATCH_UP_PER_SECOND"];

/// How a scenario is run.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    pub(crate) scale: Scale,
    pub(crate) seed: u64,
    /// How long the tenants publish.
    pub(crate) time: Duration,
    /// How much longer it may take until all is quiet.
    pub(crate) quiet_within: Duration,
    pub(crate) counting: Counting,
    /// Settings of the functions that replace those of the template.
    pub(crate) environment: Vec<(String, String)>,
}

/// The stand-ins, with empty tables and queues.
pub(crate) fn aws(template: &Template, faults: &Faults, options: &Options) -> Result<Aws> {
    let queues = template.queues(options.scale)?;
    let aws = Aws {
        dynamodb: Arc::default(),
        sqs: Sqs::new(queues, options.counting, faults.clone()),
        stream: Stream::new(template.stream_mapping()?.parallelization),
        faults: faults.clone(),
    };
    aws.dynamodb().faults = faults.clone();
    for table in [REGISTRY, HISTORY] {
        aws.dynamodb().create(table, template.table(table)?);
    }
    Ok(aws)
}

/// Starts the functions and the pollers of their mappings, which never end. The script responds in
/// the place of endpoints.
pub(crate) fn start(
    template: &Template,
    options: &Options,
    aws: &Aws,
    (script, outage): (Script, &Outage),
    counted: &Counted,
) -> Result<Vec<JoinHandle<()>>> {
    let environment = |function: &str| -> Result<(Environment, storehook_aws::AwsConfig)> {
        let mut variables = template.environment(function)?;
        for name in SCALED {
            if let Some(value) = variables.get_mut(name) {
                *value = options.scale.limit(value.parse()?).to_string();
            }
        }
        variables.extend(options.environment.iter().cloned());
        let environment: Environment = variables.into_iter().collect();
        let sdk = storehook_aws::lambda_sdk_config(&environment)?.into_builder();
        let sdk = sdk.time_source(clock::Virtual).build();
        Ok((environment, aws.in_process().config(sdk)))
    };
    let (variables, reached) = environment("DeliveryFunction")?;
    let delivery = Delivery::new(&variables, &reached, script, aws.faults.clone(), counted.clone())?;
    let (variables, reached) = environment("FanOutFunction")?;
    let fan_out = FanOut::new(&variables, &reached, aws.faults.clone(), counted.clone())?;
    let jobs = fan_out.clone();
    let deliver = move |batch, timeout| delivery.clone().invoke(batch, timeout).boxed_local();
    let make_steps = move |batch, timeout| jobs.clone().invoke_jobs(batch, timeout).boxed_local();
    let (deliver, make_steps): (Rc<queue_poller::Invoke>, Rc<queue_poller::Invoke>) =
        (Rc::new(deliver), Rc::new(make_steps));
    let mut pollers = Vec::new();
    let mappings = [("DeliveryMapping", &deliver), ("RetryMapping", &deliver), ("JobsMapping", &make_steps)];
    for (name, invoke) in mappings {
        let mapping = template.queue_mapping(name, options.scale)?;
        for _ in 0..mapping.concurrency {
            let (sqs, mapping, outage) = (aws.sqs.clone(), mapping.clone(), outage.clone());
            let poll = queue_poller::poll(sqs, mapping, outage, invoke.clone());
            pollers.push(spawn_local(poll));
        }
    }
    let (scheduled, timeout) = (fan_out.clone(), template.stream_mapping()?.function_timeout);
    let on_schedule: Rc<schedule::Invoke> =
        Rc::new(move |input| scheduled.clone().invoke_scheduled(input, timeout).boxed_local());
    for (period, input) in template.schedules("FanOutFunction")? {
        pollers.push(spawn_local(schedule::run(period, input, on_schedule.clone())));
    }
    let fan_out_events: Rc<stream_poller::Invoke> =
        Rc::new(move |batch, timeout| fan_out.clone().invoke_events(batch, timeout).boxed_local());
    let mapping = template.stream_mapping()?;
    for part in 0..aws.stream.parts() {
        let sqs = aws.sqs.clone();
        let give_up = move |records: &[Record]| {
            for record in records {
                sqs.reject(REJECTED, &String::from_utf8_lossy(&record.data));
            }
        };
        let (stream, outage) = (aws.stream.clone(), outage.clone());
        let invoke = fan_out_events.clone();
        pollers.push(spawn_local(stream_poller::poll(
            stream,
            part,
            mapping.clone(),
            outage,
            invoke,
            give_up,
            aws.faults.clone(),
        )));
    }
    Ok(pollers)
}
