//! The history table: its items, and how they are written and read.
//!
//! The history keeps a record of each delivery, the payload of each event with subscribers, and how
//! far each replay and each share of a large fan-out is.
//!
//! | item | `pk` | `sk` |
//! |---|---|---|
//! | delivery | `DELIVERY#<webhook id>-<event id>` | `DELIVERY`, or `DELIVERY#<distinction>` |
//! | page of payloads | `PAGE#<page id>` | `PAGE` |
//! | payload | `EVENT#<shop>#<event id>` | `<payload digest>#<part>` |
//! | payload of a held delivery | `DELIVERY#<webhook id>-<event id>` | `<payload digest>#<part>` |
//! | replay | `REPLAY#<webhook id>` | `<replay id>` |
//! | share of a large fan-out | `SHARE#<id>` | `<first webhook id>-<last webhook id>` |
//!
//! The table finds a delivery by its id. The index [`DELIVERIES_INDEX`] lists a webhook's
//! deliveries in the order in which they were first queued. It changes with a delivery's state, and
//! not with every attempt.
//!
//! A partition takes at most 1,000 write units a second, and DynamoDB throttles a busier one ("Best
//! practices for designing and using partition keys effectively in DynamoDB"). So writes are
//! spread: each event of a webhook has a partition of the table, and each webhook has
//! [`LIST_SHARDS`] partitions of the index, by the hash of the event's id. Throttling of an index
//! throttles the table's writes, too.
//!
//! A delivery's record is packed into one attribute, which makes the item one write unit (`packed`).
//! What keys, the index and the conditions of writes need is beside it.
//!
//! A payload is compressed and kept once, for all webhooks that subscribe to its event. The payloads
//! of a batch of events share pages. A large payload, or one alone, is kept by itself. If it has more
//! than [`PART_LIMIT`] bytes, it has several parts. Its key has its digest beside the event's
//! id, because two senders can give two events the same id. The payload of a held delivery is kept
//! with that delivery as well: its message has ended, and the event's own copy may expire first.

mod deliveries;
mod packed;
mod pages;
mod payload_pages;
mod payloads;
mod put;
mod replaying;
mod replays;
mod scan;
mod shares;
mod store;

pub use deliveries::{DELIVERIES_INDEX, DeliveryItem, IndexedDelivery, LIST_SHARDS, list_shards};
pub use payload_pages::PageItem;
pub use payloads::{PART_LIMIT, PayloadItem, PayloadOwner, PayloadQuery, WriteError, put_payloads};
pub use replaying::{CountError, CountTime, ReplayCount};
pub use replays::ReplayItem;
pub use scan::{Direction, Found, Scan, ScanStep};
pub use shares::ShareItem;
pub use store::{HISTORY_TIME, HistoryTable, Write};

#[cfg(test)]
mod tests;
