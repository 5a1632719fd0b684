//! Where a service is, and who calls it.

use aws_credential_types::provider::ProvideCredentials as _;
use aws_sdk_dynamodb::config::endpoint as dynamodb;
use aws_sdk_sqs::config::endpoint as sqs;
use aws_smithy_runtime_api::{box_error::BoxError, client::identity::Identity};

use crate::SdkConfig;

/// A service with direct calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// DynamoDB.
    DynamoDb,
    /// SQS.
    Sqs,
}

impl Service {
    /// Its name in signatures.
    pub(super) fn signing_name(self) -> &'static str {
        match self {
            Self::DynamoDb => "dynamodb",
            Self::Sqs => "sqs",
        }
    }

    /// What comes before the operation in `X-Amz-Target`.
    pub(super) fn target_prefix(self) -> &'static str {
        match self {
            Self::DynamoDb => "DynamoDB_20120810",
            Self::Sqs => "AmazonSQS",
        }
    }

    /// Its endpoint in a region, by the SDK's own rules.
    async fn endpoint(self, region: &str) -> Result<String, BoxError> {
        let endpoint = match self {
            Self::DynamoDb => {
                let parameters = dynamodb::Params::builder().region(region).build()?;
                let resolver = dynamodb::DefaultResolver::new();
                dynamodb::ResolveEndpoint::resolve_endpoint(&resolver, &parameters).await?
            }
            Self::Sqs => {
                let parameters = sqs::Params::builder().region(region).build()?;
                let resolver = sqs::DefaultResolver::new();
                sqs::ResolveEndpoint::resolve_endpoint(&resolver, &parameters).await?
            }
        };
        Ok(endpoint.url().to_owned())
    }
}

/// Where a service is, and who calls it. Neither changes while an execution environment lives.
#[derive(Debug, Clone)]
pub(super) struct Site {
    /// The URL that all calls go to.
    pub(super) endpoint: String,
    pub(super) region: String,
    pub(super) identity: Identity,
}

impl Site {
    pub(super) async fn of(service: Service, sdk: &SdkConfig) -> Result<Self, BoxError> {
        let region = sdk.region().ok_or("no region")?.to_string();
        let credentials = sdk.credentials_provider().ok_or("no credentials")?.provide_credentials().await?;
        if credentials.expiry().is_some() {
            return Err("credentials that expire must be asked for again".into());
        }
        let endpoint = match sdk.endpoint_url() {
            Some(endpoint) => endpoint.to_owned(),
            None => service.endpoint(&region).await?,
        };
        // The root is the path of all calls, and a signature covers it.
        let endpoint = format!("{}/", endpoint.trim_end_matches('/'));
        Ok(Self { endpoint, region, identity: credentials.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Environment, lambda_sdk_config};

    /// Regions of AWS's other partitions have other names.
    #[tokio::test]
    async fn a_service_is_where_the_sdk_would_call_it() -> Result<(), Box<dyn std::error::Error>> {
        for (region, override_url, dynamodb, sqs) in [
            (
                "eu-west-1",
                "",
                "https://dynamodb.eu-west-1.amazonaws.com/",
                "https://sqs.eu-west-1.amazonaws.com/",
            ),
            (
                "cn-north-1",
                "",
                "https://dynamodb.cn-north-1.amazonaws.com.cn/",
                "https://sqs.cn-north-1.amazonaws.com.cn/",
            ),
            ("us-east-1", "http://127.0.0.1:4566", "http://127.0.0.1:4566/", "http://127.0.0.1:4566/"),
        ] {
            let settings =
                [("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b"), ("AWS_REGION", region)];
            let settings = settings.into_iter().chain([("AWS_ENDPOINT_URL", override_url)]);
            let environment: Environment = settings.filter(|(_, value)| !value.is_empty()).collect();
            let sdk = lambda_sdk_config(&environment)?;
            for (service, expected) in [(Service::DynamoDb, dynamodb), (Service::Sqs, sqs)] {
                let site = Site::of(service, &sdk).await.map_err(|error| error.to_string())?;
                assert_eq!(site.endpoint, expected);
            }
        }
        Ok(())
    }
}
