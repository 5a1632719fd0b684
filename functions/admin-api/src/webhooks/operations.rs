//! What can be done with webhooks. Each operation acts for a caller, and on the caller's webhooks
//! alone.

use std::collections::HashMap;

use serde_json::{Map, Value};
use storehook_aws::table::{self, Contended};
use storehook_domain::{
    input::{
        field_errors::{BASE, FieldErrors},
        query_parameters::PAGE_LIMIT,
    },
    job::recovery::endpoint_health::EndpointHealth,
    webhook::{
        Status, Webhook, WebhookId,
        filter::WebhookFilter,
        new_webhook::{NewWebhook, WebhookPatch},
        query::WebhookQuery,
    },
};

use crate::{
    app::App,
    error::ApiError,
    http::caller::Caller,
    webhooks::{
        health::{WantedHealth, WebhookHealth},
        store::Change,
        transaction::WriteError,
    },
};

/// A page of webhooks, by ascending id.
pub(crate) async fn list_webhooks(
    app: &App,
    caller: &Caller,
    query: &WebhookQuery,
) -> Result<Vec<Webhook>, ApiError> {
    Ok(app.webhooks.list(caller, query, query.limit).await?)
}

/// A page of webhooks, by ascending id, and whether there are more in the direction of reading.
pub(crate) async fn list_page(
    app: &App,
    caller: &Caller,
    query: &WebhookQuery,
) -> Result<(Vec<Webhook>, bool), ApiError> {
    let mut webhooks = app.webhooks.list(caller, query, query.limit.saturating_add(1)).await?;
    let has_more = webhooks.len() > query.limit;
    if has_more && query.is_backward() {
        webhooks.remove(0);
    }
    webhooks.truncate(query.limit);
    Ok((webhooks, has_more))
}

/// All webhooks, by ascending id.
pub(crate) async fn all_webhooks(app: &App, caller: &Caller) -> Result<Vec<Webhook>, ApiError> {
    let all = WebhookQuery::first(WebhookFilter::default(), usize::MAX);
    list_webhooks(app, caller, &all).await
}

/// The first webhooks by their ids, as many as a page has, and how many more there are.
pub(crate) async fn first_webhooks(app: &App, caller: &Caller) -> Result<(Vec<Webhook>, usize), ApiError> {
    let query = WebhookQuery::first(WebhookFilter::default(), PAGE_LIMIT);
    let first = list_webhooks(app, caller, &query).await?;
    if first.len() < PAGE_LIMIT {
        return Ok((first, 0));
    }
    let all = count_webhooks(app, caller, &query.filter).await?;
    let more = usize::try_from(all).unwrap_or(usize::MAX).saturating_sub(first.len());
    Ok((first, more))
}

/// The number of webhooks that match a filter.
pub(crate) async fn count_webhooks(
    app: &App,
    caller: &Caller,
    filter: &WebhookFilter,
) -> Result<u64, ApiError> {
    Ok(app.webhooks.count(caller, filter).await?)
}

/// Finds a webhook. Another app's webhook is not found, as if it did not exist.
pub(crate) async fn find_webhook(app: &App, caller: &Caller, id: WebhookId) -> Result<Webhook, ApiError> {
    app.webhooks.load(caller, id).await?.ok_or(ApiError::NotFound)
}

/// The health of the endpoints of a page of webhooks, if it is wanted.
pub(crate) async fn list_health(
    app: &App,
    caller: &Caller,
    webhooks: &[Webhook],
    wants: WantedHealth,
) -> Result<HashMap<WebhookId, EndpointHealth>, ApiError> {
    if wants.endpoint { app.health.load_page(caller, webhooks).await } else { Ok(HashMap::new()) }
}

/// The health of a single webhook, or the part of it that is wanted: of its endpoint, and how many
/// deliveries are held.
pub(crate) async fn load_health(
    app: &App,
    webhook: &Webhook,
    wants: WantedHealth,
) -> Result<WebhookHealth, ApiError> {
    let mut health = WebhookHealth::default();
    if wants.endpoint {
        health.endpoint = app.health.load_endpoint(webhook).await?;
    }
    if wants.held {
        health.held = app.health.count_held(webhook.id).await;
    }
    Ok(health)
}

/// Creates a webhook.
pub(crate) async fn create_webhook(app: &App, caller: &Caller, new: NewWebhook) -> Result<Webhook, ApiError> {
    app.webhooks.create(caller, new, storehook_aws::now()).await.map_err(api_error)
}

/// Changes a webhook. Its attributes are validated against the webhook as it is, and again if
/// another change comes first. With a `version`, the webhook must still have it.
///
/// The change may mend a failing webhook, so its recovery goes on at once.
pub(crate) async fn update_webhook(
    app: &App,
    caller: &Caller,
    id: WebhookId,
    attributes: &Map<String, Value>,
    version: Option<u64>,
) -> Result<Webhook, ApiError> {
    let change = table::change(|| async move {
        let webhook = find_webhook(app, caller, id).await?;
        if version.is_some_and(|version| version != webhook.version) {
            return Err(ApiError::Invalid(FieldErrors::one("version", "has changed since")));
        }
        let patch =
            WebhookPatch::parse(attributes, &app.settings.rules, &webhook).map_err(ApiError::Invalid)?;
        let change = Change::of(webhook, patch, storehook_aws::now());
        Ok(unless_conflict(app.webhooks.update(caller, &change).await)?.map(|()| change))
    })
    .await?;
    if change.is_one() {
        app.health.hurry(&change.after, storehook_aws::now()).await;
    }
    Ok(change.after)
}

/// Deletes a webhook.
pub(crate) async fn delete_webhook(app: &App, caller: &Caller, id: WebhookId) -> Result<(), ApiError> {
    table::change(|| async move {
        let webhook = find_webhook(app, caller, id).await?;
        unless_conflict(app.webhooks.delete(caller, &webhook).await)
    })
    .await
}

/// Refuses a webhook that is deleted (`None`) or not active: a delivery to it would be cancelled or
/// held.
pub(crate) fn must_be_active(webhook: Option<&Webhook>) -> Result<(), ApiError> {
    let reason = match webhook.map(|webhook| webhook.status) {
        Some(Status::Active) => return Ok(()),
        Some(status) => format!("is {}", status.as_str()),
        None => "has been deleted".to_owned(),
    };
    Err(ApiError::Invalid(FieldErrors::one("webhook", reason)))
}

/// The result of a write, or `None` if it met a conflict.
fn unless_conflict<T>(written: Result<T, WriteError>) -> Result<Option<T>, ApiError> {
    match written {
        Ok(done) => Ok(Some(done)),
        Err(WriteError::Conflict) => Ok(None),
        Err(error) => Err(api_error(error)),
    }
}

fn api_error(error: WriteError) -> ApiError {
    match error {
        WriteError::Taken => {
            ApiError::Invalid(FieldErrors::one("address", "for this topic has already been taken"))
        }
        WriteError::Uninstalled => ApiError::Unauthorized,
        WriteError::Full(reached) => ApiError::Invalid(FieldErrors::one(BASE, reached.to_string())),
        WriteError::Conflict => ApiError::Contended(Contended),
        WriteError::Contended(contended) => ApiError::Contended(contended),
        WriteError::Table(error) => ApiError::Table(error),
    }
}
