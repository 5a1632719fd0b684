//! What was loaded for a delivery.

use std::sync::Arc;

use storehook_aws::{registry::FailureRunItem, table::TableError};
use storehook_domain::{history::decision::Known, installation::Installation, webhook::Webhook};

/// What could be loaded for a delivery.
#[derive(Debug)]
pub(crate) struct Found {
    /// The target; `None` if the webhook or the installation does not exist any more.
    pub(crate) target: Result<Option<Target>, TargetError>,
    /// Its history.
    pub(crate) history: Known,
}

/// A delivery's webhook and installation.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) webhook: Webhook,
    pub(crate) installation: Installation,
    /// The webhook's failure run, if it has one.
    pub(crate) failures: Option<FailureRunItem>,
}

/// Why a delivery's target is not known.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum TargetError {
    #[error("the registry could not be read")]
    Registry(#[source] Arc<TableError>),
    #[error("DynamoDB left a key unread, or took too long")]
    Unread,
}
