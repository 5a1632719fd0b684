//! Reading the facts: SQS, S3, Kinesis, Lambda, CloudWatch and the registry, all at the same time.
//!
//! Each part is read by itself. If one cannot be read, for example because a permission is missing, the
//! others still are.

mod alarms;
mod breakers;
mod given_up;
mod lambda;
mod metrics;
mod queues;
mod stream;

use anyhow::Result;
use futures::future::join_all;
use jiff::Timestamp;

use self::{
    lambda::FUNCTIONS,
    metrics::{FRESH_AGE, Metrics, Wanted},
};
use super::facts::{Facts, FunctionFacts, Queue, QueueFacts, StreamFacts, Unreadable};
use crate::stack::{connection::Connection, credentials::advice};

/// Reads the facts about a stack.
pub(super) async fn gather(connection: &Connection) -> Facts {
    let now = storehook_aws::now();
    let wanted = wanted(connection);
    let (queues, given_up, functions, mappings, concurrency, shards, breakers, alarms, metrics) = tokio::join!(
        join_all(Queue::ALL.map(|queue| queues::load(connection, queue))),
        given_up::load(connection),
        join_all(FUNCTIONS.map(|function| lambda::load_function(connection, function))),
        lambda::load_mappings(connection),
        lambda::load_concurrency(connection),
        stream::load_shards(connection),
        breakers::load(connection, now),
        alarms::load(connection),
        Metrics::load(&connection.sdk, &wanted, now),
    );
    let mut unread = Unread::default();
    let queues = queues.into_iter().zip(Queue::ALL);
    let queues =
        queues.filter_map(|(facts, queue)| unread.or_note(&connection.resource(queue.as_str()), facts));
    let queues = queues.collect();
    let functions = functions.into_iter().zip(FUNCTIONS);
    let functions =
        functions.filter_map(|(facts, name)| unread.or_note(&connection.resource(name), facts)).collect();
    let facts = Facts {
        stack: connection.stack.clone(),
        is_local: connection.local.is_some(),
        at: now,
        queues,
        given_up: unread.or_note("The bucket of given-up records", given_up),
        stream: StreamFacts {
            name: connection.resource("events"),
            shards: unread.or_note("The stream", shards).flatten(),
            iterator_age_seconds: None,
            last_read_at: None,
            arrived: None,
            unread: None,
        },
        mappings: unread.or_note("The event source mappings", mappings).unwrap_or_default(),
        functions,
        breakers: unread.or_note("The health of the webhooks", breakers),
        unreserved_concurrency: unread.or_note("The account's concurrency", concurrency).flatten(),
        alarms: unread.or_note("The alarms", alarms),
        unreadable: Vec::new(),
    };
    let metrics = unread.or_note("The metrics", metrics).unwrap_or_default();
    Facts { unreadable: unread.0, ..with_metrics(facts, connection, &metrics) }
}

/// What could not be read so far.
#[derive(Default)]
struct Unread(Vec<Unreadable>);

impl Unread {
    /// The part, if it was read. Otherwise notes why it was not.
    fn or_note<T>(&mut self, what: &str, read: Result<T>) -> Option<T> {
        read.map_err(|error| {
            let why = advice(&error).unwrap_or_else(|| format!("{error:#}"));
            self.0.push(Unreadable { what: what.to_owned(), why });
        })
        .ok()
    }
}

fn wanted(connection: &Connection) -> Vec<Wanted> {
    let resource = |name: &str| connection.resource(name);
    let oldest = Queue::ALL.iter().map(|queue| Wanted::oldest(resource(queue.as_str())));
    let counts = FUNCTIONS.iter().flat_map(|function| {
        ["Invocations", "Errors", "Throttles"].map(|name| Wanted::of_function(resource(function), name))
    });
    let stream = [Wanted::iterator_age(resource("fan-out")), Wanted::arrived(resource("events"))];
    oldest.chain(counts).chain(stream).collect()
}

/// The facts, with what CloudWatch knows.
fn with_metrics(facts: Facts, connection: &Connection, metrics: &Metrics) -> Facts {
    let fresh = facts.at.saturating_sub(FRESH_AGE).unwrap_or(facts.at);
    let queues = facts.queues.into_iter().map(|queue| QueueFacts {
        oldest_seconds: metrics.latest(&Wanted::oldest(queue.name.clone()), fresh),
        ..queue
    });
    let functions = facts.functions.into_iter().map(|function| {
        let sum = |name: &'static str| {
            metrics.sum(&Wanted::of_function(function.name.clone(), name), (Timestamp::MIN, Timestamp::MAX))
        };
        FunctionFacts {
            invocations: sum("Invocations"),
            errors: sum("Errors"),
            throttles: sum("Throttles"),
            ..function
        }
    });
    let stream = stream::with_metrics(facts.stream, connection.resource("fan-out"), metrics, facts.at);
    Facts { queues: queues.collect(), functions: functions.collect(), stream, ..facts }
}
