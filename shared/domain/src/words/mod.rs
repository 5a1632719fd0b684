//! How numbers and times are told to people: on the pages of the panel, and by the operator's program.

pub mod number;
pub mod time;
