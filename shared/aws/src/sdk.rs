//! The AWS SDK, set up by hand.
//!
//! `aws-config` looks for settings in many places. Inside Lambda all of them are known:
//!
//! * Credentials and region are environment variables ("Defined runtime environment variables", AWS
//!   Lambda Developer Guide).
//! * The certificate of each endpoint chains to one of Amazon's own roots (Amazon Trust Services
//!   repository). Loading these five instead of the operating system's bundle shortens a cold start
//!   by two thirds: 2.5 ms instead of 8.7 ms from exec to the first `/next`.
//!
//! The SDK retries by itself: in `standard` mode it makes three attempts in all, with growing
//! random waits, after timeouts, throttling and 5xx responses ("Retry behavior", AWS SDKs and Tools
//! Reference Guide). So a call that returns an error need not be made again. A write can be made
//! twice: if the first response is lost, the SDK sends the write again. One exception: a batch of
//! messages ([`crate::queue`]).

use std::time::Duration;

use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_sdk_dynamodb::config::{
    BehaviorVersion, Region, SharedHttpClient, retry::RetryConfig, timeout::TimeoutConfig,
};
use aws_smithy_http_client::{
    Builder, Connector,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::http::{HttpConnectorSettings, SharedHttpConnector, http_client_fn};
use aws_types::SdkConfig;

use crate::environment::{Environment, SettingError};

/// The longest time of a call to an AWS service, with its retries.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(6);

/// The longest time of one attempt of a call.
pub(crate) const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(2);

/// How long a connection to an AWS service may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// How a Lambda function reaches AWS: by the SDK, and by direct calls ([`crate::direct`]) on the same connections.
#[derive(Debug, Clone)]
pub struct AwsConfig {
    /// The configuration of all SDK clients.
    pub sdk: SdkConfig,
    connector: SharedHttpConnector,
}

impl AwsConfig {
    /// Sets up AWS from a function's environment; see [`lambda_sdk_config`].
    ///
    /// # Errors
    ///
    /// Credentials or region are not set.
    pub fn read(environment: &Environment) -> Result<Self, SettingError> {
        let settings = HttpConnectorSettings::builder().connect_timeout(CONNECT_TIMEOUT).build();
        let connector = Connector::builder().connector_settings(settings);
        let connector = connector.tls_provider(Provider::Rustls(CryptoMode::Ring)).tls_context(amazon_tls());
        Ok(Self::through(lambda_sdk_config(environment)?, SharedHttpConnector::new(connector.build())))
    }

    /// AWS by this configuration, through this connector.
    pub fn through(sdk: SdkConfig, connector: SharedHttpConnector) -> Self {
        let of_sdk = connector.clone();
        let sdk = sdk.into_builder().http_client(http_client_fn(move |_, _| of_sdk.clone())).build();
        Self { sdk, connector }
    }

    /// The connections of all clients.
    pub(crate) fn connector(&self) -> SharedHttpConnector {
        self.connector.clone()
    }
}

const AMAZON_ROOTS: &str = include_str!("../amazon-roots.pem");

/// The behaviour of the SDKs that this code was written for. The SDKs keep it when they are
/// updated.
pub fn behavior_version() -> BehaviorVersion {
    BehaviorVersion::v2026_01_12()
}

/// Configures all SDK clients of a Lambda function from its environment.
///
/// `AWS_ENDPOINT_URL` points the clients at an emulator. A call makes up to three attempts. It
/// gives up on a connection after 1 s, on an attempt after 2 s, and as a whole after
/// [`CALL_TIMEOUT`].
///
/// # Errors
///
/// Credentials or region are not set.
pub fn lambda_sdk_config(environment: &Environment) -> Result<SdkConfig, SettingError> {
    let credentials = Credentials::new(
        environment.required("AWS_ACCESS_KEY_ID")?,
        environment.required("AWS_SECRET_ACCESS_KEY")?,
        environment.optional("AWS_SESSION_TOKEN").map(str::to_owned),
        None,
        "Lambda environment",
    );
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(CALL_TIMEOUT)
        .build();
    let mut config = SdkConfig::builder()
        .behavior_version(behavior_version())
        .region(Region::new(environment.required("AWS_REGION")?.to_owned()))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .retry_config(RetryConfig::standard())
        .timeout_config(timeouts)
        .http_client(amazon_http_client());
    config.set_endpoint_url(environment.optional("AWS_ENDPOINT_URL").map(str::to_owned));
    Ok(config.build())
}

/// An HTTP client for AWS endpoints. It uses rustls on ring and trusts no roots but Amazon's.
pub fn amazon_http_client() -> SharedHttpClient {
    Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).tls_context(amazon_tls()).build_https()
}

/// TLS that trusts Amazon's roots and no others.
#[expect(clippy::expect_used, reason = "the settings are constants of this file, and a test builds them")]
fn amazon_tls() -> TlsContext {
    let roots = TrustStore::empty().with_pem_certificate(AMAZON_ROOTS);
    TlsContext::builder().with_trust_store(roots).build().expect("constant settings")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_five_roots_are_valid_certificates() {
        assert_eq!(AMAZON_ROOTS.matches("-----BEGIN CERTIFICATE-----").count(), 5);
        // This parses them, and panics at a malformed certificate.
        amazon_http_client();
    }

    #[test]
    fn a_function_without_credentials_or_region_does_not_start() {
        let full = [("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b"), ("AWS_REGION", "us-east-1")];
        assert!(lambda_sdk_config(&full.into_iter().collect()).is_ok());
        for missing in 0..full.len() {
            let rest = full.iter().enumerate().filter(|(index, _)| *index != missing).map(|(_, pair)| *pair);
            assert!(matches!(lambda_sdk_config(&rest.collect()), Err(SettingError::Missing(_))));
        }
    }
}
