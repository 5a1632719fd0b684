//! The rotation of an installation's shared secret.

use anyhow::{Context as _, Result};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use storehook_domain::{
    delivery::signature::{verify_body_signature, verify_standard_signatures},
    installation::secret::SharedSecret,
};
use storehook_tests::{ApiResponse, Delivered, DirectApi, Installed, Receiver, Stack, record};

async fn rotate(installed: &Installed, body: Option<Value>) -> Result<ApiResponse> {
    installed.api.call(Method::POST, "/admin/secret/rotate.json", body).await
}

fn secret_of(response: &ApiResponse) -> Result<SharedSecret> {
    let text = response.json["secret"]["shared_secret"].as_str();
    Ok(SharedSecret::parse(text.with_context(|| response.json.to_string())?)?)
}

/// Which of the secrets sign a delivery's standard header, and which its single-valued ones.
fn signed_by(delivered: &Delivered, secrets: &[&SharedSecret]) -> (Vec<bool>, Vec<bool>) {
    let header = |name| delivered.header(name);
    let (id, time, signatures) =
        (header("webhook-id"), header("webhook-timestamp"), header("webhook-signature"));
    let standard =
        |secret: &&SharedSecret| verify_standard_signatures(secret, id, time, &delivered.body, signatures);
    let single = |secret: &&SharedSecret| {
        ["x-spiffy-stores-hmac-sha256", "x-spiffy-hmac-sha256"]
            .iter()
            .all(|name| verify_body_signature(secret, &delivered.body, header(name)))
    };
    (secrets.iter().map(standard).collect(), secrets.iter().map(single).collect())
}

#[tokio::test]
async fn both_secrets_sign_during_the_overlap_and_the_new_one_alone_after_it() -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    let receiver = Receiver::responding(StatusCode::OK).await?;
    installed.api.create_webhook("orders/create", &receiver.url).await?;
    let deliver = async |number: usize| -> Result<Delivered> {
        let event = record(&installed.shop, "orders/create", &format!("o-{number}"), "{}");
        stack.publish([event]).await?;
        Ok(receiver.wait_for(number).await?[number - 1].clone())
    };
    let rotated = rotate(&installed, None).await?;
    assert_eq!(rotated.status, StatusCode::CREATED);
    assert_eq!(rotated.header("cache-control"), "no-store");
    let second = secret_of(&rotated)?;
    assert_eq!(rotated.json["secret"]["webhook_secret"], second.reveal_standard());
    let secrets = [&installed.secret, &second];
    assert_eq!(signed_by(&deliver(1).await?, &secrets), (vec![true, true], vec![true, false]));

    // An overlap of no time ends what was promised before.
    let third = secret_of(&rotate(&installed, Some(json!({"overlap_hours": 0}))).await?)?;
    let secrets = [&installed.secret, &second, &third];
    let only_new = vec![false, false, true];
    assert_eq!(signed_by(&deliver(2).await?, &secrets), (only_new.clone(), only_new));
    Ok(())
}

#[tokio::test]
async fn malformed_rotations_are_refused_by_name_and_change_nothing() -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    for (body, errors) in [
        (
            json!({"overlap_hours": 169}),
            json!({"overlap_hours": ["must be a whole number between 0 and 168"]}),
        ),
        (
            json!({"overlap_hours": "soon"}),
            json!({"overlap_hours": ["must be a whole number between 0 and 168"]}),
        ),
        (json!({"secret": {"overlap_hours": 0}}), json!({"base": ["knows no member but overlap_hours"]})),
    ] {
        let response = rotate(&installed, Some(body.clone())).await?;
        assert_eq!(
            (response.status, &response.json["errors"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &errors),
            "{body}"
        );
    }
    assert_eq!(rotate(&installed, Some(json!([]))).await?.status, StatusCode::BAD_REQUEST);
    for number in 2..=5 {
        assert_eq!(rotate(&installed, None).await?.status, StatusCode::CREATED, "secret {number}");
    }
    let response = rotate(&installed, None).await?;
    assert_eq!(response.status, StatusCode::UNPROCESSABLE_ENTITY);
    let told = response.json["errors"]["secret"][0].as_str().unwrap_or_default();
    assert!(told.starts_with("has been rotated too often: 5 secrets sign already"), "{told}");
    assert_eq!(rotate(&installed, Some(json!({"overlap_hours": 0}))).await?.status, StatusCode::CREATED);
    Ok(())
}

/// Two rotations at once are two, each of which shows the secret that it has made.
#[tokio::test]
async fn concurrent_rotations_are_all_kept() -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    let mut direct = DirectApi::on(&stack, "0").await?;
    let api = installed.api.at(&direct.url);
    let call = || async { api.call(Method::POST, "/admin/secret/rotate.json", None).await };
    let both = async { tokio::try_join!(call(), call()) };
    let ((first, second), calls) = direct.observe(both).await?;
    assert_eq!((first.status, second.status), (StatusCode::CREATED, StatusCode::CREATED));
    let writes = calls.iter().filter(|operation| *operation == "UpdateItem").count();
    assert!(writes >= 2, "{calls:?}");
    let receiver = Receiver::responding(StatusCode::OK).await?;
    installed.api.create_webhook("orders/create", &receiver.url).await?;
    stack.publish([record(&installed.shop, "orders/create", "o-1", "{}")]).await?;
    let (first, second) = (secret_of(&first)?, secret_of(&second)?);
    let (standard, _) = signed_by(&receiver.wait_for(1).await?[0], &[&installed.secret, &first, &second]);
    assert_eq!(standard, [true, true, true]);
    Ok(())
}
