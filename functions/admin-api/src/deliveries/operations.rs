//! Reading deliveries. Each operation acts for a caller and finds only the caller's deliveries. What
//! is read of a webhook takes the webhook: whoever asks has found it, once.

use storehook_aws::history::Scan;
use storehook_domain::{
    delivery::id::DeliveryId,
    history::{
        query::{DeliveryPosition, DeliveryQuery},
        record::DeliveryRecord,
    },
    webhook::Webhook,
};

use crate::{app::App, deliveries::pages::SCAN_TIME, error::ApiError, http::caller::Caller};

/// A page of a webhook's deliveries, the newest first, and the position after which the next page
/// begins. A page may be short or empty even if more deliveries follow.
pub(crate) async fn list_deliveries(
    app: &App,
    caller: &Caller,
    webhook: &Webhook,
    query: &DeliveryQuery,
) -> Result<(Vec<DeliveryRecord>, Option<DeliveryPosition>), ApiError> {
    let now = storehook_aws::now();
    if let Some(event_id) = &query.event_id {
        let mut records = app.deliveries.load_of_event(caller, webhook.id, event_id, now).await?;
        records.retain(|record| query.includes(record));
        return Ok((records, None));
    }
    let scan = Scan::newest_first(webhook.id, query);
    let (found, next) =
        app.deliveries.table.load_page(&scan, query.after.clone(), query.limit, SCAN_TIME).await?;
    let ids: Vec<_> = found.into_iter().map(|found| found.id).collect();
    let mut records = app.deliveries.load_all(caller, &ids, now).await?;
    // The index may be a moment behind, and knows nothing of overdue deliveries.
    records.retain(|record| query.state.is_none_or(|state| state == record.state));
    Ok((records, next))
}

/// Finds a delivery. Another app's delivery is not found, as if it did not exist.
pub(crate) async fn find_delivery(
    app: &App,
    caller: &Caller,
    id: &DeliveryId,
) -> Result<DeliveryRecord, ApiError> {
    app.deliveries.load(caller, id, storehook_aws::now()).await?.ok_or(ApiError::NotFound)
}

/// The payload that a delivery's last attempt sent; `None` if it has sent nothing, or if the
/// payload is no longer stored.
pub(crate) async fn load_sent_payload(
    app: &App,
    record: &DeliveryRecord,
) -> Result<Option<String>, ApiError> {
    match record.request {
        Some(_) => Ok(app.deliveries.table.load_payload(record, storehook_aws::now()).await?),
        None => Ok(None),
    }
}
