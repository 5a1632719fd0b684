//! The request log: one line for each request, and the request's id on its response.
//!
//! The line tells the caller, the route, the status and the time taken in this function. It holds
//! no query string, no body and no token. This layer also ends requests that panic or take too
//! long, so every request gets a response of this API. The panel does so itself, a little earlier,
//! because its responses are pages. What the request counted is written here as well.

use std::{panic::AssertUnwindSafe, time::Duration};

use axum::{
    extract::{MatchedPath, Request, State},
    http::Method,
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use futures::FutureExt as _;
use lambda_http::Context;
use storehook_aws::metrics::Meter;

use crate::{
    error::{ApiError, Cause},
    http::caller::Caller,
};

/// How long a request may take. Lambda ends the function after 15 s, and its caller would get a
/// response of API Gateway's.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(12);

/// Responds to a request in time, whatever happens, and logs it.
pub(crate) async fn observe(State(meter): State<Meter>, request: Request, next: Next) -> Response {
    let began = storehook_aws::now();
    let id = id_of(&request);
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let method = request.method().clone();
    let handled = within(REQUEST_TIMEOUT, next.run(request)).await;
    let mut response = handled.unwrap_or_else(ApiError::into_response);
    // A caller can quote the id, and we find the request in the log.
    if let Some(value) = id.and_then(|id| id.parse().ok()) {
        response.headers_mut().insert("x-request-id", value);
    }
    let micros = (storehook_aws::now().as_microsecond() - began.as_microsecond()).max(0);
    log(&method, route.as_deref().unwrap_or_default(), &response, micros);
    meter.write(storehook_aws::now());
    response
}

/// What a request comes to in this time, even if it panics.
pub(crate) async fn within(
    time: Duration,
    handled: impl Future<Output = Response>,
) -> Result<Response, ApiError> {
    match tokio::time::timeout(time, AssertUnwindSafe(handled).catch_unwind()).await {
        Ok(Ok(response)) => Ok(response),
        Ok(Err(_)) => Err(ApiError::Panicked),
        Err(_) => Err(ApiError::TimedOut),
    }
}

/// The id that Lambda gave a request.
pub(crate) fn id_of(request: &Request) -> Option<String> {
    request.extensions().get::<Context>().map(|context| context.request_id.clone())
}

fn log(method: &Method, route: &str, response: &Response, micros: i64) {
    let caller = response.extensions().get::<Caller>();
    let shop = caller.map(|caller| caller.shop.as_str());
    let app = caller.map(|caller| caller.app.as_str());
    let status = response.status().as_u16();
    match response.extensions().get::<Cause>() {
        Some(Cause(cause)) => tracing::error!(
            http.method = %method, http.route = route, http.status = status, http.micros = micros, caller.shop = shop,
            caller.app = app, error = cause, "request"
        ),
        None => tracing::info!(
            http.method = %method, http.route = route, http.status = status, http.micros = micros, caller.shop = shop,
            caller.app = app, "request"
        ),
    }
}
