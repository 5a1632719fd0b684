//! The rotation of an installation's shared secret.

use anyhow::{Context as _, Result};
use aws_sdk_dynamodb::types::AttributeValue;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use storehook_aws::{registry, table};
use storehook_domain::{
    delivery::signature::{verify_body_signature, verify_standard_signatures},
    installation::secret::SharedSecret,
};
use storehook_tests::{ApiResponse, Call, Delivered, DirectApi, Installed, Receiver, Stack, record};

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

/// The first release stored an installation's secrets as plain text, without a version.
#[tokio::test]
async fn secrets_in_an_older_shape_can_be_rotated() -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    let secret = AttributeValue::S(installed.secret.reveal().to_owned());
    let update = aws_sdk_dynamodb::Client::new(&stack.sdk())
        .update_item()
        .table_name(stack.resource("registry"))
        .set_key(Some(registry::installation_key(&installed.shop, &installed.app)))
        .update_expression("SET secrets = :secrets")
        .expression_attribute_values(":secrets", AttributeValue::L(vec![secret]));
    update.send().await?;
    for _ in 0..2 {
        assert_eq!(rotate(&installed, None).await?.status, StatusCode::CREATED);
    }
    Ok(())
}

/// The SDK makes the rotation again, whose first response was lost, and finds its own secret.
#[tokio::test]
async fn a_rotation_whose_response_is_lost_happens_once() -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    let mut direct = DirectApi::on(&stack, "0").await?;
    let api = installed.api.at(&direct.url);
    let mut is_lost = false;
    let lose_first = |call: Call| match call.operation.as_str() {
        "UpdateItem" if !std::mem::replace(&mut is_lost, true) => call.lose_response(),
        _ => call.let_through(),
    };
    let request = api.call(Method::POST, "/admin/secret/rotate.json", None);
    let (response, calls) = direct.decide(request, lose_first).await?;
    assert_eq!(response.status, StatusCode::CREATED, "{}", response.json);
    assert_eq!(calls.iter().filter(|(operation, _)| operation == "UpdateItem").count(), 2);

    let key = registry::installation_key(&installed.shop, &installed.app);
    let client = aws_sdk_dynamodb::Client::new(&stack.sdk());
    let get = client.get_item().table_name(stack.resource("registry")).set_key(Some(key));
    let item = get.send().await?.item.context("not installed")?;
    let secrets = item.get("secrets").and_then(|secrets| secrets.as_l().ok()).context("no secrets")?;
    assert_eq!(secrets.len(), 2);
    assert_eq!(item.get("version"), Some(&table::number(1_u64)));
    Ok(())
}
