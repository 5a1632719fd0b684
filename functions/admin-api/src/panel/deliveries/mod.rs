//! The pages of deliveries.

pub(crate) mod rows;
