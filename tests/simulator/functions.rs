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

use crate::{clock, lambda::environments::Environments};

/// What all invocations have counted. One that crashes has counted nothing.
pub(crate) type Counted = Rc<RefCell<Tally>>;

/// The delivery function.
#[derive(Clone)]
pub(crate) struct Delivery(Rc<Environments<delivery::Dependencies>>, Counted);

impl Delivery {
    pub(crate) fn new(
        variables: &Environment,
        aws: &AwsConfig,
        script: Script,
        crashes: f64,
        counted: Counted,
    ) -> Result<Self> {
        let (settings, aws) = (delivery::Settings::read(variables)?, aws.clone());
        let make = move || {
            let (settings, script) = (settings.clone(), script.clone());
            delivery::Dependencies::simulated(&aws, settings, script, clock::now)
        };
        Ok(Self(Rc::new(Environments::new(crashes, make)), counted))
    }

    /// Invokes it with a batch of a queue.
    pub(crate) async fn invoke(self, batch: SqsEvent, timeout: Duration) -> Option<SqsBatchResponse> {
        let counted = self.1;
        let work = |dependencies: Rc<delivery::Dependencies>| async move {
            let response = delivery::handle(&dependencies, batch).await;
            counted.borrow_mut().add(&dependencies.meter.take());
            response
        };
        self.0.invoke(timeout, work).await
    }
}

/// The fan-out function.
#[derive(Clone)]
pub(crate) struct FanOut(Rc<Environments<fan_out::Dependencies>>, Counted);

impl FanOut {
    pub(crate) fn new(
        variables: &Environment,
        aws: &AwsConfig,
        crashes: f64,
        counted: Counted,
    ) -> Result<Self> {
        let (settings, aws) = (fan_out::Settings::read(variables)?, aws.clone());
        let make = move || fan_out::Dependencies::new(&aws, settings.clone());
        Ok(Self(Rc::new(Environments::new(crashes, make)), counted))
    }

    async fn invoke(self, batch: Batch, timeout: Duration) -> Option<BatchResponse> {
        let counted = self.1;
        let work = |dependencies: Rc<fan_out::Dependencies>| async move {
            let now = clock::now();
            let times = Times::begin(clock::now, now.saturating_add(timeout).unwrap_or(now));
            let response = fan_out::handle(&dependencies, batch, times).await;
            counted.borrow_mut().add(&dependencies.meter.take());
            response
        };
        self.0.invoke(timeout, work).await
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
