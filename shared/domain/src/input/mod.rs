//! Reading requests: errors by field, query parameters, and checked strings.
//!
//! A parser tells everything that is wrong with a request at once. It collects messages, field by
//! field, in [`field_errors::FieldErrors`], which the API prints as it is. The parameters of a URL
//! come from [`query_parameters::QueryParameters`]. Readers of text from outside pass over a
//! [`byte_order_mark`], and read each time as clients write it. Types that are a checked string share their
//! conversions (`parsed_text`), so serde cannot build one that does not parse.
//!
//! This room knows nothing of webhooks or events. All other rooms use it.

pub mod byte_order_mark;
pub mod field_errors;
pub(crate) mod optional_text;
pub(crate) mod parsed_text;
pub mod query_parameters;
pub mod time;
