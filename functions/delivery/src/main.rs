//! The delivery function: wires and runs.

use std::cell::Cell;

use bytes::Bytes;
use delivery::{Dependencies, Settings};
use lambda_runtime::{
    LambdaEvent, LambdaInvocation, Runtime, layers::TracingLayer, service_fn, tower::util::MapRequestLayer,
};
use serde::de::IgnoredAny;
use storehook_aws::{AwsConfig, Environment};

// A delivery allocates some hundred times. The allocator of glibc takes twice as long for it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

// An environment has less than one processor at its memory, so a second thread only costs switches.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let environment = Environment::read();
    storehook_aws::begin_log(&environment);
    let settings = Settings::read(&environment)?;
    let dependencies = Dependencies::new(&AwsConfig::read(&environment)?, settings)?;
    // The runtime would read the batch before its handler does, slowly: it notes the name of each member.
    // So the batch goes around it. There is one invocation at a time.
    let batch = Cell::new(Bytes::new());
    let around = MapRequestLayer::new(|mut invocation: LambdaInvocation| {
        batch.set(std::mem::replace(&mut invocation.body, Bytes::from_static(b"null")));
        invocation
    });
    let handler = async |_: LambdaEvent<IgnoredAny>| {
        // The bytes are dropped before the work begins.
        let batch = serde_json::from_slice(&batch.take())?;
        let response = delivery::handle(&dependencies, batch).await;
        dependencies.meter.write(storehook_aws::now());
        Ok::<_, lambda_runtime::Error>(response)
    };
    Runtime::new(service_fn(handler)).layer(TracingLayer::new()).layer(around).run().await
}
