//! The queries of deliveries, as the OpenAPI description tells them.

use storehook_domain::{
    history::{held_for::HeldFor, state::DeliveryState},
    input::query_parameters::{DEFAULT_PAGE_LIMIT, PAGE_LIMIT},
};
use utoipa::{
    IntoParams,
    openapi::{
        path::{Parameter, ParameterIn},
        schema::{Object, Schema},
    },
};

use crate::http::schemas::{names, or_null, parameter, text, time, whole_number};

/// The query of a list of deliveries.
pub(crate) struct DeliveryListParameters;

/// The query of statistics.
pub(crate) struct WindowParameters;

/// The state of a delivery.
pub(crate) fn delivery_state() -> Object {
    names("The state. `pending`: waiting, and no attempt has failed. `retrying`: the last attempt failed, and another follows. `delivered`: the endpoint accepted it. `dead`: the last attempt failed, and none follows. `held`: the webhook was paused or disabled, or its endpoint is failing: see `held_for`. `cancelled`: the webhook was deleted, or the app uninstalled.", DeliveryState::ALL.map(DeliveryState::as_str)).build()
}

/// Why a delivery is held.
pub(crate) fn held_for() -> Schema {
    let reasons = names(
        "Why it is held; null if it is not. `paused`, `disabled`: the webhook was, when the delivery was due; \
         replay it. `failing`: the endpoint is; it is sent by itself once the endpoint works again.",
        HeldFor::ALL.map(HeldFor::as_str),
    );
    or_null(reasons.build().into())
}

impl IntoParams for DeliveryListParameters {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let [since, until] = window();
        vec![
            parameter(
                "event_id",
                text("Only deliveries of events with this id. They are few, and come on one page."),
            ),
            parameter(
                "state",
                names("Only deliveries in this state.", DeliveryState::ALL.map(DeliveryState::as_str)),
            ),
            since,
            until,
            parameter(
                "limit",
                whole_number("The largest number of deliveries on a page.")
                    .minimum(Some(1))
                    .maximum(Some(PAGE_LIMIT))
                    .default(Some(DEFAULT_PAGE_LIMIT.into())),
            ),
            parameter(
                "page_info",
                text("The `page_info` of the previous page. The other parameters stay as they were."),
            ),
        ]
    }
}

impl IntoParams for WindowParameters {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        window().into()
    }
}

fn window() -> [Parameter; 2] {
    [
        parameter("since", time("Only deliveries that were first queued at this time or later.")),
        parameter("until", time("Only deliveries that were first queued at this time or earlier.")),
    ]
}
