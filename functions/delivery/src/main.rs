//! The delivery function: wires and runs.

use delivery::{Dependencies, Settings};
use lambda_runtime::{LambdaEvent, service_fn};
use storehook_aws::Environment;

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    let environment = Environment::read();
    storehook_aws::begin_log(&environment);
    let settings = Settings::read(&environment)?;
    let dependencies = Dependencies::new(&storehook_aws::lambda_sdk_config(&environment)?, settings)?;
    let handler = async |event: LambdaEvent<_>| {
        let response = delivery::handle(&dependencies, event.payload).await;
        dependencies.meter.write(storehook_aws::now());
        Ok::<_, lambda_runtime::Error>(response)
    };
    lambda_runtime::run(service_fn(handler)).await
}
