//! What every invocation needs.

use storehook_aws::{
    AwsConfig,
    direct::{Direct, Service},
    history::HistoryTable,
    jobs::JobQueue,
    metrics::Meter,
    registry::HealthTable,
};
use storehook_domain::job::recovery::RecoveryRules;

use crate::{
    events::{installations::Installations, subscribers::Subscribers},
    queue::{DeliveryQueue, Queue},
    settings::Settings,
    sweep::queued::QueueCounts,
};

/// What every invocation needs. It is made once for each execution environment.
pub struct Dependencies {
    pub(crate) subscribers: Subscribers,
    pub(crate) history: HistoryTable,
    pub(crate) installations: Installations,
    pub(crate) delivery_queue: DeliveryQueue,
    pub(crate) health: HealthTable,
    pub(crate) recovery: RecoveryRules,
    pub(crate) rejected_queue: Queue,
    pub(crate) jobs_queue: JobQueue,
    pub(crate) queue_counts: QueueCounts,
    /// What was counted and not written yet.
    pub meter: Meter,
}

impl Dependencies {
    /// Makes the clients.
    pub fn new(aws: &AwsConfig, settings: Settings) -> Self {
        let sqs = aws_sdk_sqs::Client::new(&aws.sdk);
        let dynamodb = aws_sdk_dynamodb::Client::new(&aws.sdk);
        let [direct, direct_tables] =
            [Service::Sqs, Service::DynamoDb].map(|service| Direct::new(aws, service));
        let meter = Meter::new(&settings.metrics_namespace);
        let queue_counts = QueueCounts {
            sqs: sqs.clone(),
            lanes: [settings.delivery_queue_url.clone(), settings.retry_queue_url.clone()],
            dead_letters: settings.dead_letter_queue_url,
            dynamodb: dynamodb.clone(),
            registry: settings.registry_table.clone(),
        };
        Self {
            subscribers: Subscribers::new(
                dynamodb.clone(),
                direct_tables.clone(),
                settings.registry_table.clone(),
            ),
            history: HistoryTable {
                client: dynamodb.clone(),
                direct: Some(direct_tables),
                name: settings.history_table,
                retention: settings.retention,
            },
            health: HealthTable { client: dynamodb.clone(), name: settings.registry_table.clone() },
            installations: Installations::new(dynamodb, settings.registry_table),
            recovery: settings.recovery,
            delivery_queue: DeliveryQueue {
                fast: Queue::new(sqs.clone(), direct.clone(), settings.delivery_queue_url),
                slow: Queue::new(sqs.clone(), direct.clone(), settings.retry_queue_url),
                meter: meter.clone(),
            },
            rejected_queue: Queue::new(sqs.clone(), direct, settings.rejected_queue_url),
            jobs_queue: JobQueue { client: sqs, url: settings.jobs_queue_url },
            queue_counts,
            meter,
        }
    }
}
