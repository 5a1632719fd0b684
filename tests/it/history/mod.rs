//! The history: what became of each delivery, as its owner sees it.

mod deliveries;
mod lists;

use anyhow::Result;
use reqwest::{Method, StatusCode};
use serde_json::Value;
use storehook_tests::Installed;

/// A list of a webhook's deliveries.
pub(crate) async fn list(installed: &Installed, webhook_id: u64, query: &str) -> Result<Value> {
    let path = format!("/admin/webhooks/{webhook_id}/deliveries.json?{query}");
    let response = installed.api.call(Method::GET, &path, None).await?;
    anyhow::ensure!(response.status == StatusCode::OK, "{path}: {} {}", response.status, response.json);
    Ok(response.json)
}

/// A delivery in full.
pub(crate) async fn show(installed: &Installed, id: &str) -> Result<Value> {
    let response = installed.api.call(Method::GET, &format!("/admin/deliveries/{id}.json"), None).await?;
    anyhow::ensure!(response.status == StatusCode::OK, "{id}: {} {}", response.status, response.json);
    Ok(response.json["delivery"].clone())
}

/// The events of a list's deliveries.
fn events_of(list: &Value) -> Vec<String> {
    let deliveries = list["deliveries"].as_array().into_iter().flatten();
    deliveries.map(|delivery| delivery["event_id"].as_str().unwrap_or_default().to_owned()).collect()
}
