//! The fan-out function: wires and runs.

use fan_out::{Batch, Dependencies, Settings, Times};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use storehook_aws::{AwsConfig, Environment};

// A delivery allocates some hundred times. The allocator of glibc takes twice as long for it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

// An environment has less than one processor at its memory, so a second thread only costs switches.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let environment = Environment::read();
    storehook_aws::begin_log(&environment);
    let settings = Settings::read(&environment)?;
    let dependencies = Dependencies::new(&AwsConfig::read(&environment)?, settings);
    let handler = async |event: LambdaEvent<Batch>| {
        let times = Times::of_invocation(storehook_aws::now);
        let counted_at = event.payload.counted_at(times);
        let response = fan_out::handle(&dependencies, event.payload, times).await;
        dependencies.meter.write(counted_at);
        Ok::<_, Error>(response)
    };
    lambda_runtime::run(service_fn(handler)).await
}
