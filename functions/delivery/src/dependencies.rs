//! What every invocation needs.

use storehook_aws::history::HistoryTable;

use crate::{
    after::{health::Health, history::History, queues::Queues},
    lookup::Lookup,
    sender::{Sender, SenderError},
    settings::Settings,
};

/// What every invocation needs: made once for each execution environment.
pub struct Dependencies {
    pub(crate) lookup: Lookup,
    pub(crate) sender: Sender,
    pub(crate) queues: Queues,
    pub(crate) history: History,
    pub(crate) health: Health,
    pub(crate) settings: Settings,
}

impl Dependencies {
    /// Sets the function up on an SDK configuration.
    pub fn new(sdk: &storehook_aws::SdkConfig, settings: Settings) -> Result<Self, SenderError> {
        let dynamodb = aws_sdk_dynamodb::Client::new(sdk);
        let registry_table = settings.registry_table.clone();
        let history = History(HistoryTable {
            client: dynamodb.clone(),
            name: settings.history_table.clone(),
            retention: settings.retention,
        });
        let history_table = history.is_on().then(|| settings.history_table.clone());
        Ok(Self {
            lookup: Lookup::new(dynamodb.clone(), registry_table.clone(), history_table),
            sender: Sender::new(&settings)?,
            queues: Queues {
                sqs: aws_sdk_sqs::Client::new(sdk),
                delivery: settings.delivery_queue.clone(),
                retry: settings.retry_queue.clone(),
            },
            history,
            health: Health {
                dynamodb,
                kinesis: aws_sdk_kinesis::Client::new(sdk),
                registry_table,
                stream: settings.stream_name.clone(),
            },
            settings,
        })
    }
}
