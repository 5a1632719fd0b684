//! What the panel says when a quota is reached.

use anyhow::Result;
use aws_sdk_dynamodb::Client;
use reqwest::StatusCode;
use storehook_aws::{
    registry::{TokenItem, installation_key},
    table::number,
};
use storehook_domain::installation::token::TokenHash;
use storehook_tests::Stack;

use super::client::Visitor;

#[tokio::test]
async fn a_form_beyond_a_quota_comes_back_and_says_so() -> Result<()> {
    let stack = Stack::with_direct_api().await?;
    let installed = stack.install().await?;
    let visitor = Visitor::signed_in(&stack, &installed).await?;
    let token = TokenItem::key_of(&TokenHash::of(&installed.token));
    let in_an_hour = storehook_aws::now().as_microsecond() + 3_600_000_000;
    for (key, member, value) in [
        (installation_key(&installed.shop, &installed.app), "webhook_count", number(1_000_u64)),
        (token, "push_bucket_empty_at", number(in_an_hour)),
    ] {
        let update = Client::new(&stack.sdk()).update_item().table_name(stack.resource("registry"));
        let update = update.set_key(Some(key)).update_expression(format!("SET {member} = :value"));
        update.expression_attribute_values(":value", value).send().await?;
    }
    for (path, form, status, told) in [
        (
            "/panel/webhooks",
            "topic=orders%2Fcreate&address=https%3A%2F%2Ftyped.example%2F",
            StatusCode::UNPROCESSABLE_ENTITY,
            "An app may have 1000 webhooks on a shop",
        ),
        (
            "/panel/push",
            "topic=orders%2Fcreate&payload=%7B%22typed.example%22%3A1%7D",
            StatusCode::TOO_MANY_REQUESTS,
            "Your app has pushed too many events",
        ),
    ] {
        let response = visitor.post(path, form).await?;
        assert_eq!(response.status(), status, "{path}");
        assert_eq!(response.headers().contains_key("retry-after"), status == StatusCode::TOO_MANY_REQUESTS);
        let page = response.text().await?;
        assert!(page.contains(told) && page.contains("typed.example"), "{page}");
    }
    Ok(())
}
