//! The route that makes a one-time link.

use axum::{
    Extension, Json,
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use jiff::Timestamp;
use storehook_domain::installation::token::TokenHash;

use crate::{
    app::App,
    error::ApiError,
    http::{caller::Caller, local_time::local_time, own_url::own_url, schemas::Errors},
    panel::links::responses::{PanelLinkResponse, ShownLink},
};

/// Make a link to the control panel
///
/// Makes a URL that signs one person in to the control panel of this app on this shop, without a
/// token. It works once, for 10 minutes.
#[utoipa::path(
    post,
    path = "/admin/panel_links",
    operation_id = "createPanelLink",
    tag = "panel",
    responses(
        (status = 201, description = "The link.", body = PanelLinkResponse),
        (status = 415, description = "`Content-Type` is not JSON.", body = Errors),
    ),
)]
pub(crate) async fn create(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Result<Response, ApiError> {
    let now = storehook_aws::now();
    let code = storehook_aws::random_text()?;
    let link = app.sessions.put_link(&TokenHash::of(&code), &caller.token, now).await?;
    let expires_at = Timestamp::from_second(link.expires_at).unwrap_or(now);
    let base = own_url(app.settings.public_url.as_deref(), &request);
    let shown = ShownLink {
        url: format!("{base}/panel/link?code={code}"),
        expires_at: local_time(expires_at, &caller.time_zone),
    };
    Ok((StatusCode::CREATED, Json(PanelLinkResponse { panel_link: shown })).into_response())
}
