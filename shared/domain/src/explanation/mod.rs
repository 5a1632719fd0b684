//! What became of an event, in words: for its app in the control panel, and for the operator.
//!
//! [`fate`] tells whether an event has deliveries to a webhook and, if not, why. [`why`] tells in a
//! sentence why a delivery is in its state.

pub mod fate;
pub mod why;
