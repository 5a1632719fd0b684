//! The soak: many deliveries to endpoints of all kinds, under all faults at once, until all is quiet.
//!
//! `tenants` publish events with ids. `endpoints` verify the signature of each POST and keep a
//! receipt of it. `receipts` know of each delivery when its event was published and what its
//! endpoint got. When all is quiet, the `audit` asks the tables and the dead-letter queue what
//! became of each delivery, and holds it against the receipts. `course` is the whole of it. It is
//! void, for each reason that `verdict` finds, unless
//!
//! * `published = delivered + dead + cancelled + held` exactly, and nothing is lost;
//! * a record that says `delivered` has a receipt, and a receipt of a delivery that was accepted has
//!   a record that says so;
//! * every copy that an endpoint got is explained by a fault that touched its delivery.
//!
//! The soak on the local stack (`tests/soak`) has the same tenants, endpoints, receipts and audit, with
//! processes and sockets.
//!
//! What a sender meets only on a socket is not here: endpoints that trickle, stall in a phase,
//! half-close or answer a megabyte, TLS that breaks, names that do not resolve. The tests in
//! `functions/delivery/src/sender/tests` have them.

mod args;
mod audit;
mod books;
mod course;
mod ended;
mod endpoints;
mod histogram;
mod memory;
mod plan;
mod population;
mod receipts;
mod report;
mod signatures;
mod tenants;
#[cfg(test)]
mod tests;
mod verdict;

pub use crate::clock::{begin_at, elapsed};

pub use self::{
    args::{Args, conclude, run},
    audit::Audit,
    books::Books,
    ended::{Ended, Left},
    endpoints::{Endpoints, Reply},
    plan::Plan,
    population::{Change, Published},
    receipts::{Receipts, subjects_in},
    tenants::{Kind, Tenant, all as all_tenants, kinds, next as next_tenant},
};
