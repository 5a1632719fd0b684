//! Lists of deliveries, and statistics.

use anyhow::Result;
use jiff::ToSpan as _;
use reqwest::Method;
use serde_json::{Value, json};
use storehook_domain::history::state::DeliveryState;
use storehook_tests::Stack;

use super::{events_of, list};

#[tokio::test]
async fn lists_are_newest_first_and_stable_while_new_deliveries_arrive() -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    let id = installed.api.create_webhook("orders/create", "http://127.0.0.1:9/").await?;
    let began = storehook_aws::now() - 2.hours();
    let names: Vec<_> = (0..60).map(|index| format!("e-{index}")).collect();
    let made: Vec<_> = (0_i64..)
        .zip(&names)
        .map(|(index, name)| {
            let state = if index % 10 == 3 { DeliveryState::Dead } else { DeliveryState::Delivered };
            (name.as_str(), began + (index * 60).seconds(), state)
        })
        .collect();
    stack.have_delivered(&installed, id, &made).await?;

    let (mut listed, mut page_info) = (Vec::new(), String::new());
    for page in 0.. {
        let response = list(&installed, id, &format!("limit=7&page_info={page_info}")).await?;
        listed.extend(events_of(&response));
        // Newer ones arrive between the pages, and change none that follows.
        let newer = format!("newer-{page}");
        stack.have_delivered(&installed, id, &[(&newer, storehook_aws::now(), DeliveryState::Held)]).await?;
        match response["page_info"].as_str() {
            Some(next) => page_info = next.to_owned(),
            None => break,
        }
    }
    let expected: Vec<_> = names.iter().rev().cloned().collect();
    assert_eq!(listed, expected);

    let dead = list(&installed, id, "state=dead&limit=250").await?;
    assert_eq!(events_of(&dead), ["e-53", "e-43", "e-33", "e-23", "e-13", "e-3"]);
    let some = list(&installed, id, "state=dead&limit=2").await?;
    assert_eq!(events_of(&some), ["e-53", "e-43"]);
    let (since, until) = (made[10].1, made[12].1);
    let window = list(&installed, id, &format!("since={since}&until={until}")).await?;
    assert_eq!(events_of(&window), ["e-12", "e-11", "e-10"], "both ends are of it");
    assert_eq!(events_of(&list(&installed, id, &format!("since={until}&until={since}")).await?), [""; 0]);
    Ok(())
}

#[tokio::test]
async fn statistics_cover_a_window() -> Result<()> {
    let stack = Stack::shared().await?;
    let installed = stack.install().await?;
    let id = installed.api.create_webhook("orders/create", "http://127.0.0.1:9/").await?;
    let now = storehook_aws::now();
    let (lately, before) = (now - 1.hour(), now - 30.hours());
    let made = [
        ("a", lately, DeliveryState::Delivered),
        ("b", lately, DeliveryState::Delivered),
        ("c", lately, DeliveryState::Delivered),
        ("d", lately, DeliveryState::Dead),
        ("e", lately, DeliveryState::Held),
        ("f", before, DeliveryState::Dead),
    ];
    stack.have_delivered(&installed, id, &made).await?;
    let stats = async |query: &str| -> Result<Value> {
        let path = format!("/admin/webhooks/{id}/stats.json?{query}");
        Ok(installed.api.call(Method::GET, &path, None).await?.json["stats"].clone())
    };
    let day = stats("").await?;
    assert_eq!((&day["deliveries"], &day["complete"]), (&json!(5), &json!(true)));
    let states = json!({"pending": 0, "delivered": 3, "retrying": 0, "held": 1, "cancelled": 0, "dead": 1});
    assert_eq!(day["states"], states);
    assert_eq!(day["success_rate"], 0.75);
    assert_eq!(day["latency_ms"], json!({"p50": 40, "p95": 40}));
    let all = stats(&format!("since={}", before - 1.second())).await?;
    assert_eq!((&all["deliveries"], &all["success_rate"]), (&json!(6), &json!(0.6)));
    let none = stats("until=2017-03-20T16:02:17-04:00").await?;
    assert_eq!((&none["deliveries"], &none["success_rate"]), (&json!(0), &Value::Null));
    Ok(())
}
