//! What to do when there are no AWS credentials.
//!
//! The SDK looks for them in many places, the last of which is the metadata service of an EC2
//! instance (IMDS). So where there are none at all, its error speaks of IMDS, which helps nobody on a
//! laptop.

use anyhow::Error;
use aws_config::imds::client::error::ImdsError;
use aws_credential_types::provider::error::CredentialsError;

/// What to do about an error, if its cause is the credentials.
pub fn advice(error: &Error) -> Option<String> {
    let cause = error.chain().find_map(|cause| cause.downcast_ref::<CredentialsError>())?;
    let is_absent = matches!(cause, CredentialsError::CredentialsNotLoaded(_))
        || error.chain().any(|cause| cause.is::<ImdsError>());
    Some(if is_absent {
        "no AWS credentials were found: log in with `aws configure` or `aws sso login`, name a profile in \
         AWS_PROFILE, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (for the local stack, leave --stack out)"
            .to_owned()
    } else {
        let causes: Vec<_> = Error::chain(error).map(ToString::to_string).collect();
        format!(
            "your AWS credentials cannot be used: see whether `aws sts get-caller-identity` works. The cause: {}",
            causes.join(": ")
        )
    })
}

#[cfg(test)]
mod tests {
    use anyhow::{Context as _, Result};
    use aws_config::{Region, SdkConfig};
    use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
    use storehook_aws::{amazon_http_client, behavior_version};

    use super::*;

    /// Credentials that cannot be had.
    #[derive(Debug)]
    struct Failing(fn() -> CredentialsError);

    impl ProvideCredentials for Failing {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            future::ProvideCredentials::ready(Err(self.0()))
        }
    }

    /// The error of a command whose calls have no credentials.
    async fn failed(cause: fn() -> CredentialsError) -> Result<Error> {
        let sdk = SdkConfig::builder()
            .behavior_version(behavior_version())
            .region(Region::from_static("us-east-1"))
            .http_client(amazon_http_client())
            .credentials_provider(SharedCredentialsProvider::new(Failing(cause)))
            .build();
        let call = aws_sdk_sqs::Client::new(&sdk).get_queue_url().queue_name("q").send().await;
        call.context("no queue q was found").err().context("the call succeeded")
    }

    #[tokio::test]
    async fn errors_without_credentials_say_how_to_get_some() -> Result<()> {
        type Make = fn() -> CredentialsError;
        let cases: [(Make, &str); 2] = [
            (
                || CredentialsError::not_loaded("none in the chain"),
                "no AWS credentials were found: log in with",
            ),
            (
                || CredentialsError::provider_error("the session has expired"),
                "your AWS credentials cannot be used:",
            ),
        ];
        for (cause, beginning) in cases {
            let told = advice(&failed(cause).await?).context("no advice")?;
            assert!(told.starts_with(beginning), "{told}");
            assert!(!told.contains("IMDS"), "{told}");
        }
        assert_eq!(advice(&anyhow::anyhow!("another error")), None);
        Ok(())
    }
}
