//! The delivery function: wires and runs.

use delivery::{Dependencies, Settings};
use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::value::RawValue;
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
    // The runtime notes the name of each member that it reads. That takes longer than to read the batch
    // here, as a second time.
    let handler = async |event: LambdaEvent<Box<RawValue>>| {
        let batch = serde_json::from_str(event.payload.get())?;
        drop(event);
        let response = delivery::handle(&dependencies, batch).await;
        dependencies.meter.write(storehook_aws::now());
        Ok::<_, lambda_runtime::Error>(response)
    };
    lambda_runtime::run(service_fn(handler)).await
}
