//! What can be done with replays. Each operation acts for a caller, and on the caller's webhooks
//! alone.

use std::time::Duration;

use storehook_aws::history::{CountTime, ReplayCount};
use storehook_domain::{
    job::replay::{record::ReplayRecord, request::ReplayRequest},
    webhook::{Webhook, WebhookId},
};

use crate::{
    app::App,
    deliveries::pages::SCAN_TIME,
    error::ApiError,
    http::caller::Caller,
    webhooks::operations::{find_webhook, must_be_active},
};

/// How many replays a list shows.
const LISTED: usize = 250;

/// How long a count may take, so that the response comes within ten seconds.
const COUNT_TIME: CountTime = CountTime { all: SCAN_TIME, read: Duration::from_secs(4) };

/// Begins a replay, or returns the one that has its id. `counted` deliveries are expected.
pub(crate) async fn begin_replay(
    app: &App,
    caller: &Caller,
    webhook_id: WebhookId,
    request: ReplayRequest,
    counted: Option<u64>,
) -> Result<ReplayRecord, ApiError> {
    let kept_for = app.deliveries.table.retention.deliveries().ok_or(ApiError::HistoryOff)?;
    let webhook = find_webhook(app, caller, webhook_id).await?;
    let now = storehook_aws::now();
    let known = match &request.id {
        Some(id) => app.deliveries.table.load_replay(webhook.id, id, now).await?,
        None => None,
    };
    let record = match known {
        Some(known) => known,
        None => {
            must_be_active(Some(&webhook))?;
            let new_id = uuid::Uuid::new_v4().to_string();
            let (shop, owner) = (caller.shop.clone(), caller.app.clone());
            let replay = request.begin(webhook.id, shop, owner, new_id, now);
            let record = ReplayRecord { counted, ..ReplayRecord::begin(replay, kept_for) };
            app.deliveries.table.add_replay::<ApiError>(&record, now).await?
        }
    };
    app.jobs.begin_replay(&record).await?;
    Ok(record)
}

/// Counts the deliveries that a replay would send, for a few seconds at most.
pub(crate) async fn count_deliveries(
    app: &App,
    caller: &Caller,
    webhook_id: WebhookId,
    request: &ReplayRequest,
) -> Result<ReplayCount, ApiError> {
    app.deliveries.table.retention.deliveries().ok_or(ApiError::HistoryOff)?;
    let webhook = find_webhook(app, caller, webhook_id).await?;
    Ok(app.deliveries.table.count_for_replay(&webhook.key(), request, COUNT_TIME).await?)
}

/// A webhook's replays, the latest first.
pub(crate) async fn list_replays(app: &App, webhook: &Webhook) -> Result<Vec<ReplayRecord>, ApiError> {
    let mut records = app.deliveries.table.load_replays(webhook.id, storehook_aws::now()).await?;
    records.truncate(LISTED);
    Ok(records)
}

/// Finds a replay of a webhook.
pub(crate) async fn find_replay(
    app: &App,
    webhook: &Webhook,
    replay_id: &str,
) -> Result<ReplayRecord, ApiError> {
    let record = app.deliveries.table.load_replay(webhook.id, replay_id, storehook_aws::now()).await?;
    record.ok_or(ApiError::NotFound)
}

/// Stops a replay, unless it has ended.
pub(crate) async fn stop_replay(
    app: &App,
    caller: &Caller,
    webhook_id: WebhookId,
    replay_id: &str,
) -> Result<ReplayRecord, ApiError> {
    let webhook = find_webhook(app, caller, webhook_id).await?;
    let stopped = app.deliveries.table.stop_replay::<ApiError>(webhook.id, replay_id).await?;
    stopped.ok_or(ApiError::NotFound)
}
