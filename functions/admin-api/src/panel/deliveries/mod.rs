//! The pages of deliveries: the list, and one delivery with everything that is known of it.
//!
//! The page of a delivery begins with a sentence that tells why it is in its state. [`timeline`] shows
//! its attempts, [`exchange`] the last request and the response, and [`curl`] is a command that
//! sends the request again from the developer's own machine.

pub(crate) mod delivery;
pub(crate) mod list;

mod curl;
mod exchange;
mod facts;
mod filters;
pub(crate) mod rows;
mod timeline;
