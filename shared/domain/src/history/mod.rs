//! The history: what is kept of deliveries, and what follows from it.
//!
//! A delivery has one [record]: its state, its [runs](run), its [attempts](attempt). When a message is
//! received, the record tells whether the message may be attempted, and [`decision`] makes of that and
//! of the attempt's outcome what becomes of the message. The API lists records by [queries](query) and
//! counts them ([stats]).
//!
//! The record decides who attempts, never whether a delivery is lost: without one, a message is
//! attempted.

pub mod attempt;
pub mod decision;
pub mod query;
pub mod record;
pub mod run;
pub mod state;
pub mod stats;
