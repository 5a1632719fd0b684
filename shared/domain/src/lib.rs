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
mod attempt_record;
mod body_shape;
pub mod catalogue;
mod custom_headers;
mod delivery;
mod delivery_history;
mod delivery_id;
pub mod delivery_query;
mod delivery_state;
mod delivery_stats;
mod disabled_event;
mod event;
mod event_id;
mod failure_run;
pub mod fan_out;
mod field_errors;
mod header_prefix;
mod hex;
mod installation;
mod json_steps;
pub mod new_webhook;
mod outcome;
mod parsed_text;
mod payload;
mod pushed_event;
pub mod query_parameters;
pub mod rate_limit;
mod rejected_event;
mod replay;
mod replay_series;
mod request;
mod samples;
pub mod schedule;
mod secret;
pub mod secret_rotation;
mod shop;
mod signature;
mod singular;
mod token;
mod topic;
mod verdict;
mod webhook;
mod webhook_attributes;
mod webhook_filter;
pub mod webhook_query;
mod xml;
mod xml_name;

pub use address::{ADDRESS_LIMIT, Address, AddressError};
pub use address_policy::AddressPolicy;
pub use app::{AppId, InvalidAppId};
pub use attempt_record::{ANSWER_KEPT, AttemptRecord, KeptAnswer, SentRequest};
pub use body_shape::BodyShape;
pub use custom_headers::{CUSTOM_HEADERS_LIMIT, CustomHeaders, CustomHeadersError, HEADER_VALUE_LIMIT};
pub use delivery::{Delivery, InvalidDelivery, PAYLOAD_LIMIT, SQS_MESSAGE_LIMIT};
pub use delivery_history::{
    ATTEMPTS_KEPT, Admission, BegunSeries, DETAILS_LIMIT, DeliveryHistory, MadeAttempt, Then,
};
pub use delivery_id::{DeliveryId, InvalidDeliveryId};
pub use delivery_query::{DeliveryPosition, DeliveryQuery};
pub use delivery_state::DeliveryState;
pub use delivery_stats::DeliveryStats;
pub use disabled_event::disabled_event;
pub use event::{InvalidEvent, RecordOrigin, StoreEvent};
pub use event_id::{EventId, InvalidEventId};
pub use failure_run::{DISABLED_AFTER, DISABLED_AFTER_ATTEMPTS, FailureRun};
pub use field_errors::FieldErrors;
pub use header_prefix::{HeaderPrefix, InvalidHeaderPrefix};
pub use hex::hex;
pub use installation::{Installation, Scope, UnknownScope};
pub use new_webhook::{NewWebhook, WebhookPatch, WebhookRules};
pub use outcome::{Answer, FailedAttempt, LONGEST_RETRY_AFTER, Outcome};
pub use payload::{InvalidPayloadDigest, Payload, PayloadDigest, PayloadNotAnObject};
pub use pushed_event::{InvalidPush, PUSH_LIMIT, PushedEvent, PushedEvents, event_record};
pub use query_parameters::QueryParameters;
pub use rate_limit::RateLimit;
pub use rejected_event::RejectedEvent;
pub use replay::{Replay, ReplayState};
pub use replay_series::{Reservation, UNSENT_AFTER};
pub use request::{DeliveryRequest, UnbuildableRequest};
pub use samples::{sample_of, test_delivery};
pub use schedule::{Lane, Next, RetrySchedule};
pub use secret::{InvalidSecret, SharedSecret};
pub use secret_rotation::{InstallationSecret, SecretRotation, TooManySecrets};
pub use shop::{InvalidShop, ShopDomain};
pub use signature::{body_signature, standard_signatures, verify_body_signature, verify_standard_signatures};
pub use token::TokenHash;
pub use topic::{TOPIC_LIMIT, Topic, TopicPattern, UnknownTopic};
pub use verdict::{DEFAULT_DELAY, InvalidVerdict, LONGEST_DELAY, Verdict, VerdictResult};
pub use webhook::{Format, InvalidWebhookId, Protocol, Status, Webhook, WebhookId, whole_second};
pub use webhook_filter::WebhookFilter;
pub use webhook_query::WebhookQuery;
pub use xml::Unrenderable;
