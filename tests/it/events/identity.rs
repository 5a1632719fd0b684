//! Deliveries' ids: events that share an event id are told apart.

use std::collections::BTreeSet;

use anyhow::Result;
use reqwest::{Method, StatusCode};
use serde_json::json;
use storehook_domain::{delivery::id::DeliveryId, history::state::DeliveryState};
use storehook_tests::{Delivered, Receiver, Stack, record};

fn ids(delivered: &[Delivered]) -> Vec<&str> {
    delivered.iter().map(|delivered| delivered.header("webhook-id")).collect()
}

#[tokio::test]
async fn events_of_different_senders_and_topics_may_share_an_id() -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    let other = stack.install_on(&installed.shop, "another-app").await?;
    let (exact, all) =
        (Receiver::responding(StatusCode::OK).await?, Receiver::responding(StatusCode::OK).await?);
    let exact_id = installed.api.create_webhook("orders/create", &exact.url).await?;
    let all_id = installed.api.create_webhook("*", &all.url).await?;

    stack
        .publish([
            record(&installed.shop, "orders/create", "e-1", r#"{"by": "store"}"#),
            record(&installed.shop, "carts/create", "e-1", r#"{"by": "store"}"#),
        ])
        .await?;
    for api in [&installed.api, &other.api] {
        let push = json!({"topic": "orders/create", "event_id": "e-1", "payload": {"by": "app"}});
        let response = api.call(Method::POST, "/admin/events.json", Some(push)).await?;
        assert_eq!(response.status, StatusCode::ACCEPTED, "{}", response.json);
    }
    let (exact, all) = (exact.wait_for(3).await?, all.wait_for(4).await?);
    for delivered in exact.iter().chain(&all) {
        assert_eq!(delivered.header("x-spiffy-stores-event-id"), "e-1");
    }
    let (of_exact, of_all) = (ids(&exact), ids(&all));
    assert_eq!(of_exact.iter().collect::<BTreeSet<_>>().len(), 3, "{of_exact:?}");
    assert_eq!(of_all.iter().collect::<BTreeSet<_>>().len(), 4, "{of_all:?}");
    assert!(of_exact.contains(&format!("{exact_id}-e-1").as_str()), "the store's own has the plain id");
    assert!(of_all.iter().all(|id| id.starts_with(&format!("{all_id}-e-1~"))), "{of_all:?}");

    for id in of_exact.iter().chain(&of_all) {
        DeliveryId::parse(id)?;
        stack.wait_until(id, DeliveryState::Delivered).await?;
        let path = format!("/admin/deliveries/{id}.json");
        let shown = installed.api.call(Method::GET, &path, None).await?;
        assert_eq!(shown.json["delivery"]["id"], *id, "{}", shown.json);
    }
    for (webhook, query, wanted) in [
        (exact_id, "event_id=e-1", of_exact),
        (all_id, "event_id=e-1&state=delivered", of_all),
        (all_id, "event_id=e-1&state=dead", vec![]),
        (all_id, "event_id=e-2", vec![]),
    ] {
        let path = format!("/admin/webhooks/{webhook}/deliveries.json?{query}");
        let response = installed.api.call(Method::GET, &path, None).await?;
        let listed = response.json["deliveries"].as_array().cloned().unwrap_or_default();
        let listed: BTreeSet<_> = listed.iter().filter_map(|delivery| delivery["id"].as_str()).collect();
        assert_eq!(listed, wanted.into_iter().collect(), "{query}");
        assert!(response.json["page_info"].is_null(), "{}", response.json);
    }
    Ok(())
}
