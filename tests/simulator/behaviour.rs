//! The behaviours of endpoints, as scenarios name them. `endpoints` carries them out.

use std::time::Duration;

/// What an endpoint does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Behaviour {
    /// It accepts, within 80 to 300 ms.
    Healthy,
    /// Nobody listens: connections are refused.
    Dead,
    /// It responds to this part of the POSTs with 500, and accepts the others.
    FailsPart(f64),
    /// It accepts after this time.
    Accepts(Duration),
    /// It is an integration that asks for a delay each time.
    Delays,
    /// It answers 429 with this `Retry-After`.
    AsksFor(&'static str),
    /// It is healthy for this time, and then dead for as long, and so on.
    Flaps(Duration),
}
