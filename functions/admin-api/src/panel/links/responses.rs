//! A link as the API prints it: the types here are also what the OpenAPI description tells.

use serde::Serialize;
use utoipa::ToSchema;

/// A new link.
#[derive(Serialize, ToSchema)]
pub(crate) struct PanelLinkResponse {
    pub(crate) panel_link: ShownLink,
}

/// A link that signs in to the control panel, once.
#[derive(Serialize, ToSchema)]
#[schema(as = PanelLink)]
pub(crate) struct ShownLink {
    /// Whoever opens it and presses its button is signed in.
    #[schema(format = Uri, example = "https://hooks.example.com/panel/link?code=…")]
    pub(crate) url: String,
    /// Until when it can be used.
    #[schema(format = DateTime, example = "2017-03-20T16:12:17-04:00")]
    pub(crate) expires_at: String,
}
