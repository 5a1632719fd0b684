//! What every invocation needs.

use storehook_aws::{history::HistoryTable, jobs::JobQueue, registry::HealthTable};
use storehook_domain::job::recovery::RecoveryRules;

use crate::{
    events::{installations::Installations, subscribers::Subscribers},
    queue::{DeliveryQueue, Queue},
    settings::Settings,
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
}

impl Dependencies {
    /// Makes the clients, from an SDK configuration.
    pub fn new(sdk: &storehook_aws::SdkConfig, settings: Settings) -> Self {
        let sqs = aws_sdk_sqs::Client::new(sdk);
        let dynamodb = aws_sdk_dynamodb::Client::new(sdk);
        Self {
            subscribers: Subscribers::new(dynamodb.clone(), settings.registry_table.clone()),
            history: HistoryTable {
                client: dynamodb.clone(),
                name: settings.history_table,
                retention: settings.retention,
            },
            health: HealthTable { client: dynamodb.clone(), name: settings.registry_table.clone() },
            installations: Installations::new(dynamodb, settings.registry_table),
            recovery: settings.recovery,
            delivery_queue: DeliveryQueue {
                fast: Queue::new(sqs.clone(), settings.delivery_queue_url),
                slow: Queue::new(sqs.clone(), settings.retry_queue_url),
            },
            rejected_queue: Queue::new(sqs.clone(), settings.rejected_queue_url),
            jobs_queue: JobQueue { client: sqs, url: settings.jobs_queue_url },
        }
    }
}
