//! Tests of the rotation of secrets.

use axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};
use storehook_aws::registry::InstallationItem;
use storehook_aws::stand_in::json_of;
use storehook_domain::installation::{Installation, token::TokenHash};

use crate::stand_in::{Api, TestResult, installation};

fn item(
    token: &str,
    uninstalled_at: Option<Timestamp>,
) -> Result<InstallationItem, Box<dyn std::error::Error>> {
    let installation = Installation { uninstalled_at, ..installation()? };
    Ok(InstallationItem::of(installation, &TokenHash::of(token), Timestamp::UNIX_EPOCH))
}

#[tokio::test]
async fn a_rotation_writes_the_next_version_of_the_secrets() -> TestResult {
    for (version, next, condition) in
        [(0, "1", "attribute_not_exists(version)"), (4, "5", "version = :version")]
    {
        let api = Api::start().await?;
        let mut installation = item("shtk_t", None)?;
        installation.version = version;
        api.put(installation)?;
        let (status, _, body) = api.send("POST /admin/secret/rotate", Value::Null).await?;
        assert_eq!(status, StatusCode::CREATED);
        let call = &api.calls("UpdateItem")[0];
        let values = &call["ExpressionAttributeValues"];
        assert_eq!(values[":next"], json!({"N": next}));
        let told = call["ConditionExpression"].as_str().unwrap_or_default();
        assert!(told.ends_with(condition) && told.contains("uninstalled_at"), "{told}");
        // The new secret is shown, and signs beside the older one until that retires.
        let secrets = &values[":secrets"]["L"];
        let secret = |index: usize| &secrets[index]["M"]["secret"]["S"];
        assert_eq!(secrets.as_array().map(Vec::len), Some(2));
        let shown = &body["secret"]["shared_secret"];
        assert!((0..2).any(|index| secret(index) == shown), "{body}");
        assert!((0..2).any(|index| secret(index) == "storehook-local-demo-secret"), "{secrets}");
    }
    Ok(())
}

#[tokio::test]
async fn a_rotation_that_another_one_overtook_is_made_again() -> TestResult {
    let api = Api::start().await?;
    api.refuse("UpdateItem", json_of(item("shtk_t", None)?)?);
    let (status, ..) = api.send("POST /admin/secret/rotate", Value::Null).await?;
    assert_eq!((status, api.calls("UpdateItem").len()), (StatusCode::CREATED, 2));
    Ok(())
}

/// The secrets of a later installation of the same app are not the caller's.
#[tokio::test]
async fn only_the_installation_of_the_token_is_rotated() -> TestResult {
    let now = Some(Timestamp::UNIX_EPOCH);
    for (token, uninstalled_at) in [("t", now), ("later", None), ("later", now)] {
        let api = Api::start().await?;
        api.put(item(token, uninstalled_at)?)?;
        let (status, ..) = api.send("POST /admin/secret/rotate", Value::Null).await?;
        assert_eq!((status, api.calls("UpdateItem").len()), (StatusCode::UNAUTHORIZED, 0), "{token}");
    }
    let api = Api::start().await?;
    api.take("INSTALLATION");
    let (status, ..) = api.send("POST /admin/secret/rotate", Value::Null).await?;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    Ok(())
}
