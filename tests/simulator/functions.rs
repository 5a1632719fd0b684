//! The functions: the real handlers, each function in its own environments.

use std::{rc::Rc, time::Duration};

use anyhow::Result;
use aws_lambda_events::{
    event::{sqs::SqsBatchResponse, streams::KinesisEventResponse},
    kinesis::KinesisEvent,
    sqs::SqsEvent,
};
use delivery::Script;
use fan_out::{Batch, BatchResponse, Times};
use storehook_aws::{AwsConfig, Environment};

use crate::{clock, lambda::environments::Environments};

/// The delivery function.
#[derive(Clone)]
pub(crate) struct Delivery(Rc<Environments<delivery::Dependencies>>);

impl Delivery {
    pub(crate) fn new(
        variables: &Environment,
        aws: &AwsConfig,
        script: Script,
        crashes: f64,
    ) -> Result<Self> {
        let (settings, aws) = (delivery::Settings::read(variables)?, aws.clone());
        let make = move || {
            let (settings, script) = (settings.clone(), script.clone());
            delivery::Dependencies::simulated(&aws, settings, script, clock::now)
        };
        Ok(Self(Rc::new(Environments::new(crashes, make))))
    }

    /// Invokes it with a batch of a queue.
    pub(crate) async fn invoke(self, batch: SqsEvent, timeout: Duration) -> Option<SqsBatchResponse> {
        let work = |dependencies: Rc<delivery::Dependencies>| async move {
            delivery::handle(&dependencies, batch).await
        };
        self.0.invoke(timeout, work).await
    }
}

/// The fan-out function.
#[derive(Clone)]
pub(crate) struct FanOut(Rc<Environments<fan_out::Dependencies>>);

impl FanOut {
    pub(crate) fn new(variables: &Environment, aws: &AwsConfig, crashes: f64) -> Result<Self> {
        let (settings, aws) = (fan_out::Settings::read(variables)?, aws.clone());
        let make = move || fan_out::Dependencies::new(&aws, settings.clone());
        Ok(Self(Rc::new(Environments::new(crashes, make))))
    }

    async fn invoke(self, batch: Batch, timeout: Duration) -> Option<BatchResponse> {
        let work = |dependencies: Rc<fan_out::Dependencies>| async move {
            let now = clock::now();
            let times = Times::begin(clock::now, now.saturating_add(timeout).unwrap_or(now));
            fan_out::handle(&dependencies, batch, times).await
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
