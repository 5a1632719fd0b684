//! Health in the registry table: a webhook's failure run, and its recovery if it has one.
//!
//! The item is beside its webhook, so the delivery function reads it in the one call that it makes
//! for a batch anyway. Two kinds of writes change it:
//!
//! * **Counts** (`since`, `attempts`, `waiting`) are changed by every failed attempt, without a look
//!   at what else is there.
//! * **The recovery** is changed on the condition that its `recovery_version` is the one that the
//!   change was made from. The delivery function opens, closes and begins it, the fan-out function
//!   makes its steps, and the API hurries it.
//!
//! The item expires 30 days after the last failure, but never while it has a recovery: deliveries
//! are held then, and nobody else knows that they must come back.
//!
//! A recovery is also listed in a partition of its own, so that whoever looks for lost steps need not
//! read the whole table. An entry is written before its recovery and deleted after it, so no recovery
//! is missing.

mod item;
mod listed;
mod table;

pub use item::{HealthItem, health_sort_key};
pub use listed::ListedRecovery;
pub use table::HealthTable;
