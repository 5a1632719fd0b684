//! A new secret: both what the API prints and what the OpenAPI description tells of it.

use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;
use storehook_domain::installation::secret::SharedSecret;
use utoipa::ToSchema;

use crate::http::local_time::local_time;

/// A new secret, in full.
#[derive(Serialize, ToSchema)]
pub(crate) struct SecretResponse {
    pub(crate) secret: ShownSecret,
}

/// A new secret. No other response shows it.
#[derive(Serialize, ToSchema)]
#[schema(as = Secret)]
pub(crate) struct ShownSecret {
    /// The secret: the key of the HMAC over a body.
    pub(crate) shared_secret: String,
    /// The same secret as Standard Webhooks libraries take it.
    #[schema(example = "whsec_…")]
    pub(crate) webhook_secret: String,
    #[schema(format = DateTime)]
    pub(crate) created_at: String,
    /// When older secrets stop signing.
    #[schema(format = DateTime)]
    pub(crate) previous_until: String,
}

/// A secret that was made by a rotation.
pub(crate) struct NewSecret {
    pub(crate) secret: SharedSecret,
    pub(crate) created_at: Timestamp,
    /// When the last of the older secrets stops signing.
    pub(crate) previous_until: Timestamp,
}

impl SecretResponse {
    /// Shows a new secret, its times in the shop's zone.
    pub(crate) fn of(new: &NewSecret, zone: &TimeZone) -> Self {
        Self {
            secret: ShownSecret {
                shared_secret: new.secret.reveal().to_owned(),
                webhook_secret: new.secret.reveal_standard(),
                created_at: local_time(new.created_at, zone),
                previous_until: local_time(new.previous_until, zone),
            },
        }
    }
}
