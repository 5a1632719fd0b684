//! Why messages are not in a queue.

use std::sync::Arc;

use aws_sdk_sqs::error::SdkError;

/// A call of SQS failed as a whole. Its messages may be in the queue or not.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the call of SQS failed")]
pub struct QueueError(#[source] pub(super) Arc<aws_sdk_sqs::Error>);

impl<E, R> From<SdkError<E, R>> for QueueError
where
    aws_sdk_sqs::Error: From<SdkError<E, R>>,
{
    fn from(error: SdkError<E, R>) -> Self {
        Self(Arc::new(error.into()))
    }
}

/// Why SQS did not take a message.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SendError {
    /// The whole call failed.
    #[error(transparent)]
    Call(#[from] QueueError),
    /// SQS refused the message's content.
    #[error("SQS refused the message's content")]
    Refused,
    /// SQS did not take this message of a batch, with this code.
    #[error("SQS did not take the message: {0}")]
    Failed(String),
    /// The response does not mention the message.
    #[error("the response of SQS does not mention the message")]
    Unmentioned,
}

impl SendError {
    /// Whether SQS will never take the message, because of its content. An operator can fix a
    /// missing permission, key or queue, and until then no message must be lost.
    pub fn is_for_good(&self) -> bool {
        match self {
            Self::Refused => true,
            Self::Call(QueueError(error)) => matches!(**error, aws_sdk_sqs::Error::InvalidMessageContents(_)),
            Self::Failed(_) | Self::Unmentioned => false,
        }
    }
}
