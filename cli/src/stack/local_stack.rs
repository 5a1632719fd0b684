//! What every local stack shares: its name, its region, its credentials.

use aws_config::{Region, SdkConfig};
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use storehook_aws::{amazon_http_client, behavior_version};

/// The local stack's name.
pub const LOCAL_STACK: &str = "storehook";

/// The local stack's region.
pub const LOCAL_REGION: &str = "us-east-1";

/// The emulator's root credentials: access key id and secret access key.
pub const LOCAL_CREDENTIALS: (&str, &str) = ("test", "test");

/// The SDKs' configuration for the emulator at this URL.
pub fn local_sdk(endpoint_url: &str) -> SdkConfig {
    let (id, secret) = LOCAL_CREDENTIALS;
    let credentials = Credentials::new(id, secret, None, None, "local stack");
    SdkConfig::builder()
        .behavior_version(behavior_version())
        .region(Region::from_static(LOCAL_REGION))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(amazon_http_client())
        .endpoint_url(endpoint_url)
        .build()
}
