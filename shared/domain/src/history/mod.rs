//! The history: what is kept of deliveries, and what it decides.
//!
//! A delivery has one [record]: its state, its [runs](run), its [attempts](attempt). When a message
//! is received, the record decides whether the message may be attempted. From that and from the
//! outcome of the attempt, [`decision`] decides what becomes of the message. The API lists records
//! by [queries](query) and counts them ([stats]), which
//! tells the [health] of a webhook. A delivery that is not attempted for the time being is held, for
//! one of a few [reasons](held_for).
//!
//! The record decides which message is attempted. It cannot lose a delivery: without a record, a
//! message is attempted.

pub mod attempt;
pub mod decision;
pub mod health;
pub mod held_for;
pub mod query;
pub mod record;
pub mod run;
pub mod state;
pub mod stats;
pub mod timeline;
