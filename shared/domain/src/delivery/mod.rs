//! Deliveries: one event on its way to one webhook.
//!
//! 1. [`fan_out`] makes a [message](message::DeliveryMessage) for each webhook that subscribes to
//!    an event. The message holds an [envelope](envelope::Envelope) and the payload, but no address
//!    and no secret: both are read just before each attempt.
//! 2. For each attempt, [`request`] builds the POST: the body (its [shape](body_shape) is the
//!    webhook's choice), the headers, and the [signatures](signature) over the bytes of the body.
//! 3. [`outcome`] judges the response by its status. An integration endpoint also sends a
//!    [verdict].
//! 4. [`schedule`] is the only place that knows when the next attempt is due. The result is a
//!    [disposition]: what becomes of the message.
//!
//! Messages can come twice, and attempts can be repeated. All attempts of a delivery have the same
//! [id] and body, so a receiver recognises a duplicate by the id.
//!
//! A [test event](test_event) is a delivery without an event on the stream. [`verification`] tells
//! a receiver why a signature does not verify.

pub mod body_shape;
pub mod disposition;
pub mod envelope;
pub mod fan_out;
pub mod id;
pub mod lane;
pub mod message;
pub mod outcome;
pub mod request;
pub mod run;
pub mod schedule;
pub mod signature;
pub mod subscriber;
pub mod test_event;
pub mod verdict;
pub mod verification;
