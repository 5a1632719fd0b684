//! Webhooks whose topics change while events come.

use anyhow::Result;
use reqwest::{Method, StatusCode};
use serde_json::json;
use storehook_tests::{Receiver, Stack, record};

/// Each of the patterns matches the events, so no change may lose one or double it.
#[tokio::test]
async fn a_change_between_matching_topics_neither_loses_nor_doubles_an_event() -> Result<()> {
    const EVENTS: usize = 60;
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    let receiver = Receiver::responding(StatusCode::OK).await?;
    let id = installed.api.create_webhook("orders/create", &receiver.url).await?;
    let path = format!("/admin/webhooks/{id}.json");
    let change = async {
        for topic in ["orders/*", "*", "orders/create"].iter().cycle() {
            let body = Some(json!({"webhook": {"topic": topic}}));
            let response = installed.api.call(Method::PUT, &path, body).await?;
            assert_eq!(response.status, StatusCode::OK, "{}", response.json);
        }
        anyhow::Ok(())
    };
    let publish = async {
        for number in 0..EVENTS {
            stack.publish([record(&installed.shop, "orders/create", &format!("o-{number}"), "{}")]).await?;
        }
        receiver.wait_for(EVENTS).await
    };
    let delivered = tokio::select! {
        delivered = publish => delivered?,
        changed = change => return changed,
    };
    let mut events: Vec<_> =
        delivered.iter().map(|delivered| delivered.header("x-spiffy-stores-event-id").to_owned()).collect();
    events.sort();
    events.dedup();
    assert_eq!((events.len(), receiver.so_far().len()), (EVENTS, EVENTS));
    Ok(())
}
