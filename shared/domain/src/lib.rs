//! The pure core of Storehook.
//!
//! Everything that Storehook *decides* is decided here, by functions from values to
//! values: what a stream record means, which deliveries an event becomes, what a
//! delivery's POST looks like to the byte, whether an answer counts, and when to try
//! again. Nothing in this crate reads a clock, rolls a die, opens a socket or awaits;
//! time, ids and randomness come in as arguments, so every rule can be tested as a
//! table and holds the same way in a Lambda, in the CLI and in a test.
//!
//! One event's way through it: [`StoreEvent::parse`] → [`fan_out::deliveries`] →
//! [`fan_out::batches`] → *(SQS)* → [`Delivery::parse`] → [`DeliveryRequest::build`] →
//! *(HTTP)* → [`Outcome`] → [`RetrySchedule::next`].

mod address;
mod address_policy;
mod app;
pub mod catalogue;
mod custom_headers;
mod delivery;
mod event;
mod event_id;
pub mod fan_out;
mod field_errors;
mod header_prefix;
mod hex;
mod installation;
pub mod new_webhook;
mod outcome;
mod parsed_text;
mod payload;
mod query_parameters;
pub mod rate_limit;
mod rejected_event;
mod request;
pub mod schedule;
mod secret;
mod shop;
mod signature;
mod token;
mod topic;
mod webhook;
mod webhook_attributes;
mod webhook_filter;
pub mod webhook_query;

pub use address::{ADDRESS_LIMIT, Address, AddressError};
pub use address_policy::AddressPolicy;
pub use app::{AppId, InvalidAppId};
pub use custom_headers::{CUSTOM_HEADERS_LIMIT, CustomHeaders, CustomHeadersError, HEADER_VALUE_LIMIT};
pub use delivery::{Delivery, InvalidDelivery, PAYLOAD_LIMIT, SQS_MESSAGE_LIMIT};
pub use event::{InvalidEvent, RecordOrigin, StoreEvent};
pub use event_id::{EventId, InvalidEventId};
pub use field_errors::FieldErrors;
pub use header_prefix::{HeaderPrefix, InvalidHeaderPrefix};
pub use hex::hex;
pub use installation::{Installation, Scope, UnknownScope};
pub use new_webhook::{NewWebhook, WebhookPatch, WebhookRules};
pub use outcome::{FailedAttempt, Outcome};
pub use payload::{Payload, PayloadNotAnObject};
pub use query_parameters::QueryParameters;
pub use rate_limit::RateLimit;
pub use rejected_event::RejectedEvent;
pub use request::{DeliveryRequest, InvalidHeader};
pub use schedule::{Lane, Next, RetrySchedule};
pub use secret::{InvalidSecret, SharedSecret};
pub use shop::{InvalidShop, ShopDomain};
pub use signature::{body_signature, standard_signatures, verify_body_signature, verify_standard_signatures};
pub use token::TokenHash;
pub use topic::{TOPIC_LIMIT, Topic, TopicPattern, UnknownTopic};
pub use webhook::{Format, InvalidWebhookId, Protocol, Status, Webhook, WebhookId};
pub use webhook_filter::WebhookFilter;
pub use webhook_query::WebhookQuery;
