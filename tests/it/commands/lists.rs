//! `storehook webhooks` and `storehook deliveries`.

use anyhow::{Context as _, Result};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use storehook_domain::history::state::DeliveryState;
use storehook_tests::{Receiver, Stack};

use super::{ended, local, local_json, told};

#[tokio::test]
async fn webhooks_and_deliveries_are_shown_in_both_forms() -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    let receiver = Receiver::responding(StatusCode::OK).await?;
    let working = installed.api.create_webhook("orders/create", &receiver.url).await?;
    let paused = json!({"topic": "orders/*", "address": receiver.url, "status": "paused", "format": "xml"});
    let paused = installed.api.create_webhook_with(paused).await?;
    let shop = installed.shop.as_str();
    for event in ["l-1", "l-2"] {
        let record = json!({"shop": shop, "topic": "orders/create", "event_id": event, "payload": {"id": 1}});
        stack.publish([record.to_string()]).await?;
        stack.wait_until(&format!("{working}-{event}"), DeliveryState::Delivered).await?;
    }
    let held = async |limit: &str| -> Result<Value> {
        let id = paused.to_string();
        local_json(&["deliveries", "--webhook", &id, "--state", "held", "--limit", limit, "--json"], 0).await
    };
    storehook_tests::eventually("two held deliveries", || async {
        Ok((held("10").await?["deliveries"].as_array().map(Vec::len) == Some(2)).then_some(()))
    })
    .await?;

    let app = installed.app.as_str();
    let shown = local_json(&["webhooks", "--shop", shop, "--app", app, "--json"], 0).await?;
    let expected = [
        json!({"id": working, "topic": "orders/create", "address": receiver.url, "format": "json", "protocol": "webhook",
            "status": "active", "lane": "fast", "waiting": 0, "held": 0, "failing_since": null, "next_probe_at": null,
            "disables_at": null, "catching_up": false}),
        json!({"id": paused, "topic": "orders/*", "address": receiver.url, "format": "xml", "protocol": "webhook",
            "status": "paused", "lane": "fast", "waiting": 0, "held": 2, "failing_since": null, "next_probe_at": null,
            "disables_at": null, "catching_up": false}),
    ];
    assert_eq!(shown["webhooks"], json!(expected));
    let table = told(local(&["webhooks", "--shop", shop, "--app", app]).await?, 0).await?;
    let cells = |id: u64| -> Option<Vec<&str>> {
        table
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>())
            .find(|row| row[0] == id.to_string())
    };
    let row = cells(paused).context("no row")?;
    let end = ["xml", "webhook", "paused", "fast", "0", "2", "no", "trouble", "known"];
    assert!(row[1] == "orders/*" && row.ends_with(&end), "{table}");
    assert!(table.ends_with("2 webhooks\n"), "{table}");

    let id = working.to_string();
    let list = ["deliveries", "--webhook", &id];
    let all = local_json(&[&list[..], &["--json"]].concat(), 0).await?;
    let delivery = &all["deliveries"][0];
    for (member, expected) in [
        ("id", json!(format!("{working}-l-2"))),
        ("shop", json!(shop)),
        ("topic", json!("orders/create")),
        ("state", json!("delivered")),
        ("held_for", json!(null)),
        ("test", json!(false)),
        ("attempts", json!(1)),
        ("last_result", json!("200")),
        ("next_attempt_at", json!(null)),
    ] {
        assert_eq!(delivery[member], expected, "{member}");
    }
    assert!(
        delivery["why"].as_str().is_some_and(|why| why.starts_with("Delivered on the 1st attempt")),
        "{delivery}"
    );
    let table = told(local(&list).await?, 0).await?;
    assert!(table.starts_with("delivery"), "{table}");
    for cell in [&format!("{working}-l-2"), "delivered", " 200 ", "Delivered on the 1st attempt"] {
        assert!(table.contains(cell), "{cell}: {table}");
    }
    assert!(table.ends_with("2 deliveries\n"), "{table}");
    Ok(())
}

#[tokio::test]
async fn deliveries_are_filtered_and_paged_as_in_the_api() -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    let receiver = Receiver::responding(StatusCode::OK).await?;
    let id = installed.api.create_webhook("orders/create", &receiver.url).await?;
    let shop = installed.shop.as_str();
    let events = ["f-1", "f-2", "f-3"];
    for event in events {
        let record = json!({"shop": shop, "topic": "orders/create", "event_id": event, "payload": {"id": 1}});
        stack.publish([record.to_string()]).await?;
        stack.wait_until(&format!("{id}-{event}"), DeliveryState::Delivered).await?;
    }
    let webhook = id.to_string();
    let list = async |options: &[&str]| -> Result<(Vec<String>, Option<String>)> {
        let arguments = [&["deliveries", "--webhook", &webhook, "--json"], options].concat();
        let shown = local_json(&arguments, 0).await?;
        let ids = shown["deliveries"].as_array().context("no list")?.iter();
        let ids = ids.map(|delivery| delivery["id"].as_str().unwrap_or_default().to_owned()).collect();
        Ok((ids, shown["page_info"].as_str().map(str::to_owned)))
    };
    let of = |events: &[&str]| events.iter().map(|event| format!("{id}-{event}")).collect::<Vec<_>>();
    let api = installed.api.call(Method::GET, &format!("/admin/webhooks/{id}/deliveries.json"), None).await?;
    let oldest = api.json["deliveries"][2]["created_at"].as_str().context("no time")?;

    assert_eq!(list(&[]).await?, (of(&["f-3", "f-2", "f-1"]), None));
    assert_eq!(list(&["--event", "f-2"]).await?, (of(&["f-2"]), None));
    assert_eq!(list(&["--state", "delivered"]).await?.0, of(&["f-3", "f-2", "f-1"]));
    assert_eq!(list(&["--state", "dead"]).await?.0, of(&[]));
    assert_eq!(list(&["--since", "2999-01-01"]).await?.0, of(&[]));
    assert_eq!(list(&["--since", oldest, "--until", "2999-01-01"]).await?.0.len(), 3);
    assert_eq!(list(&["--until", "2000-01-01"]).await?.0, of(&[]));
    let (first, page_info) = list(&["--limit", "2"]).await?;
    assert_eq!(first, of(&["f-3", "f-2"]));
    let page_info = page_info.context("no further page")?;
    assert_eq!(list(&["--limit", "2", "--page-info", &page_info]).await?, (of(&["f-1"]), None));
    let table = told(local(&["deliveries", "--webhook", &webhook, "--limit", "2"]).await?, 0).await?;
    assert!(table.ends_with(&format!("2 deliveries; more follow: --page-info {page_info}\n")), "{table}");

    for (options, expected) in [
        (["--state", "gone"], "it is one of pending, delivered, retrying, held, cancelled, dead"),
        (["--since", "yesterday"], "must be an ISO 8601 date and time with an offset, or a date"),
        (["--limit", "0"], "0 is not in 1..=100000"),
        (["--page-info", "x"], "is invalid"),
        (["--event", "a.b"], "invalid value 'a.b'"),
    ] {
        let output =
            ended(local(&[&["deliveries", "--webhook", &webhook], &options[..]].concat()).await?).await?;
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{options:?}: {error}");
        assert!(error.contains(expected), "{options:?}: {error}");
    }
    Ok(())
}
