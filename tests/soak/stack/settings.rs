//! What a short soak needs otherwise than a stack has it, and what only the emulator's log tells.

use anyhow::Result;
use serde_json::json;
use storehook_tests::{Stack, root};

/// After so many seconds, messages come again whose process was killed. In the template it is six times
/// the function's timeout.
const COME_AGAIN: &str = "15";

/// How many batches of each queue are worked on at the same time: each is a process of this machine.
const PROCESSES: usize = 8;

/// Changes the settings of the queues and of their mappings.
pub(super) async fn change(stack: &Stack) -> Result<()> {
    for queue in ["delivery", "retry", "jobs"] {
        let url = stack.queue_url(queue).await?;
        let attributes = json!({"QueueUrl": url, "Attributes": {"VisibilityTimeout": COME_AGAIN}});
        stack.aws("sqs", "set_queue_attributes", attributes).await?;
    }
    let of_delivery = json!({"FunctionName": stack.resource("delivery")});
    let mappings = stack.aws("lambda", "list_event_source_mappings", of_delivery).await?;
    for mapping in mappings["EventSourceMappings"].as_array().into_iter().flatten() {
        let scaling = json!({"UUID": mapping["UUID"], "ScalingConfig": {"MaximumConcurrency": PROCESSES}});
        stack.aws("lambda", "update_event_source_mapping", scaling).await?;
    }
    Ok(())
}

/// How many copies the delivery function suppressed, as its metrics in the emulator's log tell.
pub(super) fn suppressed() -> Result<i64> {
    let log = std::fs::read_to_string(root().join("target/soak/ministack.log"))?;
    let counts = log.split("\"Suppressed\":").skip(1);
    let count = |text: &str| text.split(|digit: char| !digit.is_ascii_digit()).next()?.parse::<i64>().ok();
    Ok(counts.filter_map(count).sum())
}
