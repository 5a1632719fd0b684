//! The body that rotates a secret, as the OpenAPI description tells it.

use std::borrow::Cow;

use storehook_domain::installation::secret_rotation::{DEFAULT_OVERLAP, LONGEST_OVERLAP};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr,
        schema::{AdditionalProperties, ObjectBuilder, Schema},
    },
};

use crate::http::schemas::{or_null, whole_number};

/// The body that rotates a secret.
pub(crate) struct RotationBody;

impl PartialSchema for RotationBody {
    fn schema() -> RefOr<Schema> {
        let hours = whole_number("For how many hours older secrets still sign.")
            .minimum(Some(0))
            .maximum(Some(LONGEST_OVERLAP as usize))
            .default(Some(DEFAULT_OVERLAP.into()));
        ObjectBuilder::new()
            .property("overlap_hours", or_null(hours.build().into()))
            .additional_properties(Some(AdditionalProperties::FreeForm(false)))
            .into()
    }
}

impl ToSchema for RotationBody {
    fn name() -> Cow<'static, str> {
        "RotationRequest".into()
    }
}
