//! Health in the registry table: a webhook's failure run, and its recovery if it has one.
//!
//! The item is beside its webhook, so the delivery function reads it in the one call that it makes
//! for a batch anyway. Two kinds of writes change it:
//!
//! * **Counts** (`since`, `attempts`, `waiting`): attempts change them, whatever the recovery is.
//! * **The recovery**: a write is made on the condition that `recovery_version` is still the one that
//!   was read. The delivery function begins a recovery and opens and closes the breaker, the fan-out
//!   function makes the steps, and the API hurries them.
//!
//! The item expires 30 days after the last failure, but never while it has a recovery: deliveries
//! are held then, and nobody else knows that they must come back.
//!
//! A recovery is also listed in a partition of its own, so that the sweep for lost steps need not read
//! the whole table. An entry is written before its recovery and deleted after it, so no recovery
//! is missing.

mod item;
mod listed;
mod table;

pub use item::{HealthItem, health_sort_key};
pub use listed::ListedRecovery;
pub use table::HealthTable;
