//! Fuzz targets: each is a function of any bytes that panics where a promise is broken.
//!
//! Two callers run them. libFuzzer does (`tests/fuzz/libfuzzer`), for as long as somebody lets it. An ordinary
//! `cargo test` gives each target its seeds and a fixed number of mutated ones, the same each time.
//!
//! What every target promises: no panic and no endless work. What a target promises besides is in its module.
#![expect(clippy::expect_used, clippy::missing_panics_doc, reason = "a target tells by its panic")]

mod addresses;
mod api;
mod packed_records;
mod queues;
mod responses;
mod stream;
mod xml;

pub use addresses::{address, ip_address};
pub use api::{api_body, api_query};
pub use packed_records::packed_record;
pub use queues::queue_message;
pub use responses::response;
pub use stream::stream_record;
pub use xml::xml;

/// A target, which takes any input and panics if a promise is broken.
pub type Target = fn(&[u8]);

/// Each target by its name: the name of its seeds' folder and of its program.
pub const TARGETS: [(&str, Target); 9] = [
    ("stream_record", stream_record),
    ("queue_message", queue_message),
    ("api_body", api_body),
    ("api_query", api_query),
    ("address", address),
    ("ip_address", ip_address),
    ("xml", xml),
    ("response", response),
    ("packed_record", packed_record),
];
