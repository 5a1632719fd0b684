//! The admin API function: wires and runs.

use admin_api::{App, Settings};
use storehook_aws::Environment;

// An environment has less than one processor at its memory, so a second thread only costs switches.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    let environment = Environment::read();
    storehook_aws::begin_log(&environment);
    let settings = Settings::read(&environment)?;
    let sdk = storehook_aws::lambda_sdk_config(&environment)?;
    lambda_http::run(admin_api::service(App::new(&sdk, settings))).await
}
