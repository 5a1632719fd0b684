//! The route that rotates the shared secret.

use axum::{
    Extension, Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use serde_json::Map;
use storehook_aws::table;
use storehook_domain::{
    input::field_errors::FieldErrors,
    installation::{secret::SharedSecret, secret_rotation::SecretRotation},
};

use crate::{
    app::App,
    error::ApiError,
    http::{
        bodies::{RequestBody, bytes_of},
        caller::Caller,
        schemas::Errors,
    },
    secrets::{
        responses::{NewSecret, SecretResponse},
        schemas::RotationBody,
    },
};

/// Rotate the shared secret
///
/// Makes a new secret and shows it once. Until the overlap ends, older secrets sign as well:
/// `webhook-signature` holds the signatures of all secrets, and the headers with a single signature
/// use the oldest.
#[utoipa::path(
    post,
    path = "/admin/secret/rotate",
    operation_id = "rotateSecret",
    tag = "secret",
    request_body = Option<RotationBody>,
    responses(
        (status = 201, description = "The new secret.", body = SecretResponse),
        (status = 400, description = "The body is not a JSON object.", body = Errors),
        (status = 413, description = "The body is over 1 MiB.", body = Errors),
        (status = 415, description = "`Content-Type` is not JSON.", body = Errors),
        (status = 422, description = "The overlap is invalid, or too many secrets sign already.", body = Errors),
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
    let new = rotate_secret(&app, &caller, &rotation, None).await?;
    Ok((StatusCode::CREATED, Json(SecretResponse::of(&new, &caller.time_zone))).into_response())
}

/// Makes a new secret for the caller's installation. With a `version` it does so only if the
/// installation still has it: then a request that comes twice rotates once.
pub(crate) async fn rotate_secret(
    app: &App,
    caller: &Caller,
    rotation: &SecretRotation,
    version: Option<u64>,
) -> Result<NewSecret, ApiError> {
    table::change(|| async move {
        let created_at = storehook_aws::now();
        let secret = SharedSecret::parse(&storehook_aws::random_text()?)?;
        let before = app.secrets.load(caller).await?.ok_or(ApiError::Unauthorized)?;
        if version.is_some_and(|version| version != before.version) {
            return Err(ApiError::Invalid(FieldErrors::one("version", "has changed since")));
        }
        let after = rotation
            .apply(&before.secrets, secret.clone(), created_at)
            .map_err(|error| ApiError::Invalid(FieldErrors::one("secret", error.to_string())))?;
        let previous_until = after.iter().filter_map(|secret| secret.retires_at).max().unwrap_or(created_at);
        let is_written = app.secrets.replace(caller, before.version, &after, &secret).await?;
        Ok(is_written.then_some(NewSecret { secret, created_at, previous_until }))
    })
    .await
}
