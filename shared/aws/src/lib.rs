//! The edges of Storehook: what two or more of its programs need of AWS and of their machine.
//!
//! There is one item for each edge:
//!
//! | edge | item |
//! |---|---|
//! | environment | [`Environment`], the only reader |
//! | clock | [`now`], the only reader |
//! | randomness | [`random_text`], the only source of secrets |
//! | SDK | [`AwsConfig`], which sets up credentials, timeouts, retries and TLS, and [`direct`] calls beside it |
//! | DynamoDB | [`registry`] and [`history`] (the items of the two tables), over [`table`] |
//! | SQS | [`queue`], which sends batches, and [`jobs`] |
//! | Kinesis | [`stream`], which puts records |
//! | CloudWatch | [`begin_log`], and [`metrics`], a line of the log for each invocation |
//!
//! The SDK retries a call that failed as a whole. It does not retry the failed part of a batch: the
//! modules here do that, with the waits of [`backoff()`]. An adapter that only one function needs
//! lives in that function.
//!
//! With the feature `stand-in` there is a stand-in for AWS, for the unit tests of the functions.

mod backoff;
pub mod batch_get;
mod batch_put;
mod causes;
mod clock;
pub mod direct;
mod environment;
pub mod history;
pub mod jobs;
mod log;
pub mod metrics;
pub mod queue;
mod random;
pub mod registry;
mod retention;
mod sdk;
#[cfg(feature = "stand-in")]
pub mod stand_in;
pub mod stream;
pub mod table;
#[cfg(all(test, feature = "stand-in"))]
mod upgrade;
#[cfg(all(test, feature = "stand-in"))]
mod wire;

pub use aws_types::SdkConfig;
pub use backoff::{backoff, waits_after_conflict};
pub use causes::causes;
pub use clock::now;
pub use environment::{Environment, SettingError};
pub use log::begin_log;
pub use random::{NoRandomness, random_text};
pub use retention::Retention;
pub use sdk::{AwsConfig, CALL_TIMEOUT, amazon_http_client, behavior_version, lambda_sdk_config};
