//! What every invocation needs.

use jiff::Timestamp;
use storehook_aws::{
    AwsConfig,
    direct::{Direct, Service},
    history::HistoryTable,
    jobs::JobQueue,
    metrics::Meter,
    registry::HealthTable,
};

use crate::{
    after::{
        health::{Health, lanes::Lanes},
        history::History,
        queues::Queues,
    },
    lookup::Lookup,
    sender::{Sender, SenderError},
    settings::Settings,
    transport::{Script, Transport},
};

/// What every invocation needs: made once for each execution environment.
pub struct Dependencies {
    pub(crate) lookup: Lookup,
    pub(crate) transport: Transport,
    pub(crate) queues: Queues,
    pub(crate) history: History,
    pub(crate) health: Health,
    pub(crate) settings: Settings,
    /// What was counted and not written yet.
    pub meter: Meter,
    pub(crate) clock: fn() -> Timestamp,
}

impl Dependencies {
    /// Sets the function up.
    pub fn new(aws: &AwsConfig, settings: Settings) -> Result<Self, SenderError> {
        let sender = Sender::new(&settings)?;
        Ok(Self::with(aws, settings, Transport::Network(Box::new(sender)), storehook_aws::now))
    }

    /// The same for a simulation: a script responds in the place of endpoints, and the time is that
    /// of this clock.
    pub fn simulated(aws: &AwsConfig, settings: Settings, script: Script, clock: fn() -> Timestamp) -> Self {
        Self::with(aws, settings, Transport::Script(script), clock)
    }

    fn with(aws: &AwsConfig, settings: Settings, transport: Transport, clock: fn() -> Timestamp) -> Self {
        let dynamodb = aws_sdk_dynamodb::Client::new(&aws.sdk);
        let sqs = aws_sdk_sqs::Client::new(&aws.sdk);
        let direct = Direct::new(aws, Service::DynamoDb);
        let registry_table = settings.registry_table.clone();
        let history = History(HistoryTable {
            client: dynamodb.clone(),
            direct: Some(direct.clone()),
            name: settings.history_table.clone(),
            retention: settings.retention,
        });
        let history_table = history.is_on().then(|| settings.history_table.clone());
        Self {
            lookup: Lookup::new(dynamodb.clone(), direct, registry_table.clone(), history_table),
            transport,
            health: Health {
                table: HealthTable { client: dynamodb, name: registry_table },
                kinesis: aws_sdk_kinesis::Client::new(&aws.sdk),
                stream: settings.stream_name.clone(),
                jobs_queue: JobQueue { client: sqs.clone(), url: settings.jobs_queue_url.clone() },
                is_on: history.is_on() && settings.breaker.is_on(),
                breaker: settings.breaker,
                recovery: settings.recovery,
                lanes: Lanes::new(settings.slow_after),
            },
            queues: Queues {
                sqs,
                direct: Direct::new(aws, Service::Sqs),
                delivery: settings.delivery_queue.clone(),
                retry: settings.retry_queue.clone(),
            },
            history,
            meter: Meter::new(&settings.metrics_namespace),
            settings,
            clock,
        }
    }
}
