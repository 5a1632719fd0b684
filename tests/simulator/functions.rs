//! The functions: the real handlers, each function in its own environments.

use std::{cell::RefCell, rc::Rc, time::Duration};

use anyhow::Result;
use aws_lambda_events::{
    event::{sqs::SqsBatchResponse, streams::KinesisEventResponse},
    kinesis::KinesisEvent,
    sqs::SqsEvent,
};
use delivery::Script;
use fan_out::{Batch, BatchResponse, Times};
use storehook_aws::{AwsConfig, Environment, metrics::Tally};

use crate::{
    clock,
    faults::{Faults, subjects_of},
    lambda::environments::Environments,
};

/// What all invocations have counted. One that is killed has counted nothing.
pub(crate) type Counted = Rc<RefCell<Tally>>;

/// The delivery function.
#[derive(Clone)]
pub(crate) struct Delivery(Rc<Environments<delivery::Dependencies>>, Counted);

impl Delivery {
    pub(crate) fn new(
        variables: &Environment,
        aws: &AwsConfig,
        script: Script,
        faults: Faults,
        counted: Counted,
    ) -> Result<Self> {
        let (settings, aws) = (delivery::Settings::read(variables)?, aws.clone());
        let make = move || {
            let (settings, script) = (settings.clone(), script.clone());
            delivery::Dependencies::simulated(&aws, settings, script, clock::of_environment)
        };
        Ok(Self(Rc::new(Environments::new(faults, make)), counted))
    }

    /// Invokes it with a batch of a queue.
    pub(crate) async fn invoke(self, batch: SqsEvent, timeout: Duration) -> Option<SqsBatchResponse> {
        let counted = self.1;
        let subjects = subjects_of_messages(&batch);
        let work = |dependencies: Rc<delivery::Dependencies>| async move {
            let response = delivery::handle(&dependencies, batch).await;
            counted.borrow_mut().add(&dependencies.meter.take());
            response
        };
        self.0.invoke(timeout, subjects, work).await
    }
}

/// The fan-out function.
#[derive(Clone)]
pub(crate) struct FanOut(Rc<Environments<fan_out::Dependencies>>, Counted);

impl FanOut {
    pub(crate) fn new(
        variables: &Environment,
        aws: &AwsConfig,
        faults: Faults,
        counted: Counted,
    ) -> Result<Self> {
        let (settings, aws) = (fan_out::Settings::read(variables)?, aws.clone());
        let make = move || fan_out::Dependencies::new(&aws, settings.clone());
        Ok(Self(Rc::new(Environments::new(faults, make)), counted))
    }

    async fn invoke(self, batch: Batch, timeout: Duration) -> Option<BatchResponse> {
        let counted = self.1;
        let subjects = match &batch {
            Batch::Events(batch) => {
                let texts =
                    batch.records.iter().map(|record| String::from_utf8_lossy(&record.kinesis.data.0));
                texts.flat_map(|text| subjects_of(&text)).collect()
            }
            Batch::Jobs(batch) => subjects_of_messages(batch),
            Batch::Sweep(_) => Vec::new(),
        };
        let work = |dependencies: Rc<fan_out::Dependencies>| async move {
            let times = Times::of_invocation(clock::of_environment);
            let response = fan_out::handle(&dependencies, batch, times).await;
            counted.borrow_mut().add(&dependencies.meter.take());
            response
        };
        self.0.invoke(timeout, subjects, work).await
    }

    /// Invokes it with a batch of the stream.
    pub(crate) async fn invoke_events(
        self,
        batch: KinesisEvent,
        timeout: Duration,
    ) -> Option<KinesisEventResponse> {
        match self.invoke(Batch::Events(batch), timeout).await {
            Some(BatchResponse::Events(response)) => Some(response),
            _ => None,
        }
    }

    /// Invokes it with a batch of jobs.
    pub(crate) async fn invoke_jobs(self, batch: SqsEvent, timeout: Duration) -> Option<SqsBatchResponse> {
        match self.invoke(Batch::Jobs(batch), timeout).await {
            Some(BatchResponse::Jobs(response)) => Some(response),
            _ => None,
        }
    }

    /// Invokes it with the input of a schedule.
    pub(crate) async fn invoke_scheduled(self, input: String, timeout: Duration) {
        // An input that the function does not know fails its invocation, on AWS as well.
        if let Ok(batch) = serde_json::from_str(&input) {
            self.invoke(batch, timeout).await;
        }
    }
}

/// What the messages of a batch carry.
fn subjects_of_messages(batch: &SqsEvent) -> Vec<String> {
    batch
        .records
        .iter()
        .flat_map(|message| subjects_of(message.body.as_deref().unwrap_or_default()))
        .collect()
}
