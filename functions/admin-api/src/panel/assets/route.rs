//! The route that serves the files.

use axum::{
    extract::{Path, State},
    http::header,
    response::{IntoResponse as _, Response},
};

use crate::{app::App, error::ApiError, panel::problem::Problem};

/// Serves a file under the name that its hash is in.
pub(crate) async fn show(State(app): State<App>, Path(name): Path<String>) -> Result<Response, Problem> {
    let file = app.assets.file(&app.settings.brand, &format!("/panel/assets/{name}"));
    let (kind, content) = file.ok_or(ApiError::NotFound)?;
    let forever = "public, max-age=31536000, immutable";
    let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, forever)];
    Ok((headers, content.to_owned()).into_response())
}
