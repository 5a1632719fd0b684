//! The fan-out function: wires and runs.

use fan_out::{Batch, Dependencies, Settings, Times};
use jiff::Timestamp;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use storehook_aws::Environment;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let environment = Environment::read();
    storehook_aws::begin_log(&environment);
    let settings = Settings::read(&environment)?;
    let dependencies = Dependencies::new(&storehook_aws::lambda_sdk_config(&environment)?, settings);
    let handler = async |event: LambdaEvent<Batch>| {
        let deadline = Timestamp::from_millisecond(event.context.deadline.try_into()?)?;
        let times = Times::begin(storehook_aws::now, deadline);
        let counted_at = event.payload.counted_at(times);
        let response = fan_out::handle(&dependencies, event.payload, times).await;
        dependencies.meter.write(counted_at);
        Ok::<_, Error>(response)
    };
    lambda_runtime::run(service_fn(handler)).await
}
