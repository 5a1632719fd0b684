//! What is kept of deliveries, and which of their messages may be attempted.

pub mod attempt;
pub mod decision;
pub mod query;
pub mod record;
pub mod run;

pub mod state;
pub mod stats;
