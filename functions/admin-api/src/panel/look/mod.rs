//! The look: what every page is made of. Nothing here reads a table or a request.

pub(crate) mod accent;
pub(crate) mod brand;

pub(crate) mod chart;
pub(crate) mod clock;
pub(crate) mod code;
pub(crate) mod form;
pub(crate) mod icon;
pub(crate) mod state;
pub(crate) mod time;

pub(crate) mod page;
