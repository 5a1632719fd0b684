//! What requests are read with: errors that name their field, and query parameters.

pub mod field_errors;
pub(crate) mod optional_text;
pub(crate) mod parsed_text;
pub mod query_parameters;
