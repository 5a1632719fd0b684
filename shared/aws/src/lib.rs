//! What two or more of Storehook's programs need of AWS and of the machine they run on.
//!
//! The edges stand here, each in one place: the only reader of the environment
//! ([`Environment`]), the only reader of the clock ([`now`]), the only
//! source of secrets ([`random_text`]), the one way to set up an
//! SDK ([`lambda_sdk_config`]), and the shapes of the tables' items ([`registry`], [`history`]).
//! What a single function does with them lives in that function.

mod backoff;
pub mod batch_get;
mod causes;
mod clock;
mod environment;
pub mod history;
pub mod queue;
mod random;
pub mod registry;
mod retention;
mod sdk;
pub mod stream;
pub mod table;

pub use aws_types::SdkConfig;
pub use backoff::backoff;
pub use causes::causes;
pub use clock::now;
pub use environment::{Environment, SettingError};
pub use random::{NoRandomness, random_text};
pub use retention::Retention;
pub use sdk::{CALL_TIMEOUT, amazon_http_client, behavior_version, lambda_sdk_config};
