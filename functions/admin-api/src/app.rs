//! The application: what every request needs, made once for each execution environment.

use std::sync::Arc;

use storehook_aws::{history::HistoryTable, jobs::JobQueue, metrics::Meter, registry::HealthTable};

use crate::{
    deliveries::{queue::DeliveryQueue, store::DeliveryStore},
    events::stream::EventStream,
    http::{bucket::Buckets, call_limit::CallLimit, tokens::TokenStore},
    panel::{assets::Assets, session::store::SessionStore},
    quotas::{pushes::PushLimit, webhooks::WebhookCounts},
    secrets::store::SecretStore,
    settings::Settings,
    webhooks::{health::HealthStore, store::WebhookStore},
};

/// The tables, the queues and the stream, each as one room uses it, and the settings.
#[derive(Clone)]
pub struct App {
    pub(crate) tokens: TokenStore,
    pub(crate) call_limit: CallLimit,
    pub(crate) assets: Assets,
    pub(crate) sessions: SessionStore,
    pub(crate) webhooks: WebhookStore,
    pub(crate) health: HealthStore,
    pub(crate) secrets: SecretStore,
    pub(crate) deliveries: DeliveryStore,
    pub(crate) queue: DeliveryQueue,
    pub(crate) jobs: JobQueue,
    pub(crate) stream: EventStream,
    pub(crate) pushes: PushLimit,
    pub(crate) meter: Meter,
    pub(crate) settings: Arc<Settings>,
}

impl App {
    /// Sets the API up on an SDK configuration.
    pub fn new(sdk: &storehook_aws::SdkConfig, settings: Settings) -> Self {
        let client = aws_sdk_dynamodb::Client::new(sdk);
        let sqs = aws_sdk_sqs::Client::new(sdk);
        let registry = &settings.registry_table;
        let meter = Meter::new(&settings.metrics_namespace);
        let buckets = Buckets { client: client.clone(), table: registry.clone() };
        let counts =
            WebhookCounts { client: client.clone(), table: registry.clone(), quota: settings.webhook_quota };
        let history = HistoryTable {
            client: client.clone(),
            direct: None,
            name: settings.history_table.clone(),
            retention: settings.retention,
        };
        let jobs = JobQueue { client: sqs.clone(), url: settings.jobs_queue_url.clone() };
        Self {
            tokens: TokenStore { client: client.clone(), table: registry.clone() },
            call_limit: CallLimit { buckets: buckets.clone(), limit: settings.rate_limit },
            assets: Assets::default(),
            pushes: PushLimit {
                buckets: buckets.clone(),
                webhooks: counts.clone(),
                quota: settings.push_quota,
            },
            sessions: SessionStore { client: client.clone(), table: registry.clone(), buckets },
            webhooks: WebhookStore { client: client.clone(), table: registry.clone(), counts },
            health: HealthStore {
                table: HealthTable { client: client.clone(), name: registry.clone() },
                history: history.clone(),
                jobs: jobs.clone(),
            },
            secrets: SecretStore { client, table: registry.clone() },
            deliveries: DeliveryStore { table: history },
            queue: DeliveryQueue {
                client: sqs,
                url: settings.delivery_queue_url.clone(),
                meter: meter.clone(),
            },
            meter,
            jobs,
            stream: EventStream {
                client: aws_sdk_kinesis::Client::new(sdk),
                name: settings.stream_name.clone(),
            },
            settings: Arc::new(settings),
        }
    }
}
