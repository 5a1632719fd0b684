//! The pages of replays.

pub(crate) mod rows;

pub(crate) mod count;
pub(crate) mod draft;

pub(crate) mod list;
pub(crate) mod new;
pub(crate) mod replay;
pub(crate) mod stop;
