//! The rotation of an installation's shared secret.

use aws_sdk_dynamodb::{operation::update_item::UpdateItemError, types::ReturnValuesOnConditionCheckFailure};
use axum::{
    Extension, Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Map;
use storehook_aws::{
    registry::{self, InstallationItem},
    table::{self, TableError},
};
use storehook_domain::{
    input::field_errors::FieldErrors,
    installation::{
        Installation,
        secret::SharedSecret,
        secret_rotation::{InstallationSecret, SecretRotation},
    },
};
use utoipa::ToSchema;

use crate::{
    App,
    deliveries::schemas::RotationBody,
    error::ApiError,
    http::{
        admission::Caller,
        bodies::{RequestBody, bytes_of},
    },
    webhooks::{responses::local_time, schemas::Errors, store::WebhookStore},
};

/// An answer with a new secret.
#[derive(Serialize, ToSchema)]
pub(crate) struct SecretAnswer {
    secret: ShownSecret,
}

/// A new secret. Nothing shows it again.
#[derive(Serialize, ToSchema)]
#[schema(as = Secret)]
struct ShownSecret {
    /// The secret: the key of the HMAC of a body.
    shared_secret: String,
    /// The same, as Standard Webhooks libraries take it.
    #[schema(example = "whsec_…")]
    webhook_secret: String,
    #[schema(format = DateTime)]
    created_at: String,
    /// When the secrets before it stop to sign.
    #[schema(format = DateTime)]
    previous_until: String,
}

/// Rotate the shared secret
///
/// Makes a new secret, and shows it once. Until the overlap ends the secrets before it sign as well: all of
/// them in `webhook-signature`, and the oldest alone in the headers that hold one signature.
#[utoipa::path(
    post,
    path = "/admin/secret/rotate",
    operation_id = "rotateSecret",
    tag = "secret",
    request_body = Option<RotationBody>,
    responses(
        (status = 201, description = "The new secret.", body = SecretAnswer),
        (status = 400, description = "The body is not a JSON object.", body = Errors),
        (status = 413, description = "The body is over 1 MiB.", body = Errors),
        (status = 415, description = "The body is said to be something other than JSON.", body = Errors),
        (status = 422, description = "The overlap is wrong, or too many secrets sign already.", body = Errors),
    ),
)]
pub(crate) async fn rotate(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    body: RequestBody,
) -> Result<Response, ApiError> {
    let body = bytes_of(body)?;
    let members = match body.trim_ascii() {
        b"" => Map::new(),
        json => serde_json::from_slice(json).map_err(|_| ApiError::MissingObject("secret"))?,
    };
    let rotation = SecretRotation::parse(&members).map_err(ApiError::Invalid)?;
    for _ in 0..WRITE_ATTEMPTS {
        let now = storehook_aws::now();
        let new = SharedSecret::parse(&storehook_aws::random_text()?).map_err(|_| ApiError::Contended)?;
        let before = app.store.secrets(&caller).await?.ok_or(ApiError::Unauthorized)?;
        let after = rotation.apply(&before, new.clone(), now);
        let after =
            after.map_err(|error| ApiError::Invalid(FieldErrors::one("secret", error.to_string())))?;
        if app.store.put_secrets(&caller, &before, &after).await? {
            let previous_until = after.iter().filter_map(|secret| secret.retires_at).max().unwrap_or(now);
            return Ok((StatusCode::CREATED, Json(shown(&new, now, previous_until, &caller))).into_response());
        }
    }
    Err(ApiError::Contended)
}

/// How often a rotation is made that others come before.
const WRITE_ATTEMPTS: usize = 5;

fn shown(secret: &SharedSecret, now: Timestamp, previous_until: Timestamp, caller: &Caller) -> SecretAnswer {
    SecretAnswer {
        secret: ShownSecret {
            shared_secret: secret.reveal().to_owned(),
            webhook_secret: secret.reveal_standard(),
            created_at: local_time(now, &caller.time_zone),
            previous_until: local_time(previous_until, &caller.time_zone),
        },
    }
}

impl WebhookStore {
    /// The secrets of the caller's installation, unless it has ended.
    async fn secrets(&self, caller: &Caller) -> Result<Option<Vec<InstallationSecret>>, TableError> {
        let key = registry::installation_key(&caller.shop, &caller.app);
        let get = self.client.get_item().table_name(&self.table).set_key(Some(key)).consistent_read(true);
        let item = get.send().await?.item.map(table::from_item::<InstallationItem>).transpose()?;
        let installation = item.map(Installation::from);
        let installation = installation.filter(|installation| installation.uninstalled_at.is_none());
        Ok(installation.map(|installation| installation.secrets))
    }

    /// Writes the secrets of the caller's installation over those that they were made from. Returns whether
    /// they were still there. The SDK makes a call again whose answer did not come, and then finds its own work.
    async fn put_secrets(
        &self,
        caller: &Caller,
        before: &[InstallationSecret],
        after: &[InstallationSecret],
    ) -> Result<bool, TableError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(registry::installation_key(&caller.shop, &caller.app)))
            .update_expression("SET secrets = :after")
            .condition_expression("secrets = :before AND attribute_not_exists(uninstalled_at)")
            .expression_attribute_values(":before", table::to_value(before)?)
            .expression_attribute_values(":after", table::to_value(after)?)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match update.send().await {
            Ok(_) => Ok(true),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(refused)) => {
                    let found =
                        refused.item().cloned().map(table::from_item::<InstallationItem>).transpose()?;
                    Ok(found.is_some_and(|found| Installation::from(found).secrets == after))
                }
                _ => Err(error.into()),
            },
        }
    }
}
