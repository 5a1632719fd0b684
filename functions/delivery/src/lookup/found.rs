//! What was loaded for a delivery.

use std::sync::Arc;

use storehook_aws::{registry::FailureRunItem, table::TableError};
use storehook_domain::{
    history::{decision::Known, record::DeliveryRecord},
    installation::Installation,
    webhook::Webhook,
};

/// What could be loaded for a delivery.
#[derive(Debug)]
pub(crate) struct Found {
    /// The target; `None` if the webhook or the installation does not exist any more.
    pub(crate) target: Result<Option<Target>, TargetError>,
    /// Its history.
    pub(crate) history: Loaded,
}

/// A delivery's webhook and installation.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) webhook: Webhook,
    pub(crate) installation: Installation,
    /// The webhook's failure run, if it has one.
    pub(crate) failures: Option<FailureRunItem>,
}

/// A delivery's history, as far as it could be loaded.
#[derive(Debug)]
pub(crate) enum Loaded {
    /// Its record.
    Record(Box<DeliveryRecord>),
    /// There is no record.
    NoRecord,
    /// Nothing: the history does not respond.
    Nothing,
    /// Nothing: the history is off.
    Off,
}

impl Loaded {
    /// What is known about the delivery.
    pub(crate) fn known(&self) -> Known<'_> {
        match self {
            Self::Record(record) => Known::Record(record),
            Self::NoRecord => Known::NoRecord,
            Self::Nothing => Known::Nothing,
            Self::Off => Known::Off,
        }
    }

    /// The record, if there is one.
    pub(crate) fn record(&self) -> Option<&DeliveryRecord> {
        match self {
            Self::Record(record) => Some(record),
            Self::NoRecord | Self::Nothing | Self::Off => None,
        }
    }
}

/// Why a delivery's target is not known.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum TargetError {
    #[error("the registry could not be read")]
    Registry(#[source] Arc<TableError>),
    #[error("DynamoDB left a key unread, or took too long")]
    Unread,
}
