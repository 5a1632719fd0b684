//! What to do when AWS refuses a call because of the credentials.
//!
//! The SDK looks for credentials in many places, the last of which is the metadata service of an EC2
//! instance (IMDS). So where there are none at all, its error speaks of IMDS, which helps nobody on a
//! laptop. Its errors about sessions have no public types, so they are known by their words; a test
//! holds them to what the SDK says today.

use anyhow::Error;
use aws_config::imds::client::error::ImdsError;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sqs::error::ErrorMetadata;

const ABSENT: &str = "no AWS credentials were found: log in with `aws configure` or `aws sso login`, name a profile with \
     --profile or AWS_PROFILE (is the name right?), or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (for the local \
     stack, leave --stack out)";

const SSO_ENDED: &str = "your SSO session has ended, or there is none yet: run `aws sso login`, with --profile NAME if your \
     credentials are those of a profile";

const LOGIN_SESSION: &str = "this profile's session is one of `aws login`, which this program cannot read. Hand its credentials over in \
     the environment: eval \"$(aws configure export-credentials --format env)\", with --profile NAME for a profile";

const EXPIRED: &str = "your AWS session has expired: log in again, with `aws sso login` or the way that you got the keys in your \
     environment";

const UNKNOWN_KEYS: &str = "AWS does not accept your keys: see whether `aws sts get-caller-identity` works, and whether they belong to \
     the account of the stack";

/// What to do about an error, if its cause is the credentials.
pub fn advice(error: &Error) -> Option<String> {
    match error.chain().find_map(|cause| cause.downcast_ref::<CredentialsError>()) {
        Some(cause) => Some(without_credentials(error, cause)),
        None => refused(error),
    }
}

/// There are no credentials to make a call with.
fn without_credentials(error: &Error, cause: &CredentialsError) -> String {
    let causes = told(error);
    if causes.contains("credentials-login") {
        return LOGIN_SESSION.to_owned();
    }
    if causes.contains("SSO token") || causes.contains("UnauthorizedException") {
        return SSO_ENDED.to_owned();
    }
    let is_absent = matches!(cause, CredentialsError::CredentialsNotLoaded(_))
        || error.chain().any(|cause| cause.is::<ImdsError>());
    if is_absent {
        return ABSENT.to_owned();
    }
    format!(
        "your AWS credentials cannot be used: see whether `aws sts get-caller-identity` works. The cause: {causes}"
    )
}

/// AWS has refused a call. The codes are those of all its services ("Common error types", API references
/// of SQS, DynamoDB and Lambda).
fn refused(error: &Error) -> Option<String> {
    let metadata = error.chain().find_map(|cause| cause.downcast_ref::<ErrorMetadata>())?;
    match metadata.code()? {
        "ExpiredToken" | "ExpiredTokenException" | "RequestExpired" => Some(EXPIRED.to_owned()),
        "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "SignatureDoesNotMatch"
        | "InvalidSignatureException"
        | "IncompleteSignature" => Some(UNKNOWN_KEYS.to_owned()),
        "AccessDenied" | "AccessDeniedException" => Some(format!(
            "your AWS credentials lack a permission; docs/operating.md lists those of each command. {}",
            metadata.message().unwrap_or_default()
        )),
        _ => None,
    }
}

fn told(error: &Error) -> String {
    Error::chain(error).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use anyhow::{Context as _, Result};
    use aws_config::{Region, SdkConfig};
    use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
    use axum::{Router, http::StatusCode};
    use storehook_aws::{amazon_http_client, behavior_version};

    use super::*;
    use crate::stack::local_stack::local_sdk;

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

    /// The error of a command whose calls are made so.
    async fn failed(sdk: &SdkConfig) -> Result<Error> {
        let call = aws_sdk_sqs::Client::new(sdk).get_queue_url().queue_name("q").send().await;
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
            (|| CredentialsError::provider_error("it broke"), "your AWS credentials cannot be used:"),
        ];
        for (cause, beginning) in cases {
            let sdk = SdkConfig::builder()
                .behavior_version(behavior_version())
                .region(Region::from_static("us-east-1"))
                .http_client(amazon_http_client())
                .credentials_provider(SharedCredentialsProvider::new(Failing(cause)))
                .build();
            let told = advice(&failed(&sdk).await?).context("no advice")?;
            assert!(told.starts_with(beginning), "{told}");
            assert!(!told.contains("IMDS"), "{told}");
        }
        assert_eq!(advice(&anyhow::anyhow!("another error")), None);
        Ok(())
    }

    #[tokio::test]
    async fn refused_calls_say_what_the_credentials_lack() -> Result<()> {
        for (code, beginning) in [
            ("ExpiredToken", Some("your AWS session has expired")),
            ("InvalidClientTokenId", Some("AWS does not accept your keys")),
            ("AccessDenied", Some("your AWS credentials lack a permission; docs/operating.md lists")),
            ("QueueDoesNotExist", None),
        ] {
            let refuse = move || async move {
                (StatusCode::BAD_REQUEST, format!(r#"{{"__type": "{code}", "message": "who: what"}}"#))
            };
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
            let sdk = local_sdk(&format!("http://{}", listener.local_addr()?));
            tokio::spawn(async move { axum::serve(listener, Router::new().fallback(refuse)).await });
            let told = advice(&failed(&sdk).await?);
            assert_eq!(told.is_some(), beginning.is_some(), "{code}: {told:?}");
            assert!(told.unwrap_or_default().starts_with(beginning.unwrap_or_default()), "{code}");
        }
        Ok(())
    }
}
