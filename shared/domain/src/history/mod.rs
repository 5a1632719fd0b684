//! What is kept of deliveries, and which of their messages may be attempted.

pub mod attempt;
pub mod query;
pub mod record;
pub mod series;
pub mod state;
pub mod stats;
