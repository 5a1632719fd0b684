//! The delivery function dies in the middle of a batch.

use std::{collections::BTreeSet, path::Path};

use anyhow::{Context as _, Result};
use reqwest::StatusCode;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use storehook_tests::{Receiver, Stack, eventually, record};
use tokio::sync::watch;

#[tokio::test]
async fn killing_the_delivery_function_in_the_middle_of_a_batch_loses_nothing() -> Result<()> {
    let stack = Stack::deploy("storehook-crash", &[]).await?;
    // What a dead process held comes again after the queue's own timeout: 270 s, here 8.
    let url = stack.queue_url("delivery").await?;
    let timeout = json!({"QueueUrl": url, "Attributes": {"VisibilityTimeout": "8"}});
    stack.aws("sqs", "set_queue_attributes", timeout).await?;

    let (open, gate) = watch::channel(false);
    let receiver = Receiver::responding_with(move |_| {
        let mut gate = gate.clone();
        async move {
            // The gate's other end outlives the test's requests.
            _ = gate.wait_for(|is_open| *is_open).await;
            StatusCode::OK
        }
    })
    .await?;
    let installed = stack.install().await?;
    installed.api.create_webhook("orders/create", &receiver.url).await?;
    let events = (0..10).map(|number| record(&installed.shop, "orders/create", &format!("o-{number}"), "{}"));
    stack.publish(events).await?;

    receiver.wait_for_arrivals(1).await?;
    let killed = kill_processes_of(&stack.resource("delivery"))?;
    assert!(killed > 0, "the function was at work and was killed");
    open.send_replace(true);

    let all: BTreeSet<_> = (0..10).map(|number| format!("o-{number}")).collect();
    let is_complete = |answered: &[storehook_tests::Delivered]| {
        answered
            .iter()
            .map(|delivered| delivered.header("x-spiffy-stores-event-id").to_owned())
            .collect::<BTreeSet<_>>()
            == all
    };
    receiver.wait_until("every event", is_complete).await?;
    eventually("the queue to be empty", || async {
        let attributes = json!({"QueueUrl": url, "AttributeNames": ["All"]});
        let response = stack.aws("sqs", "get_queue_attributes", attributes).await?;
        let count = |name: &str| response["Attributes"][name].as_str().map(str::to_owned);
        let counts = [count("ApproximateNumberOfMessages"), count("ApproximateNumberOfMessagesNotVisible")];
        Ok((counts == [Some("0".to_owned()), Some("0".to_owned())]).then_some(()))
    })
    .await?;
    assert!(stack.messages("dead-letter", "o-").await?.is_empty());
    Ok(())
}

/// Kills every process of a function, without a word.
fn kill_processes_of(function: &str) -> Result<usize> {
    let mut killed = 0;
    for entry in std::fs::read_dir("/proc").context("this test finds processes under /proc")? {
        let folder = entry?.path();
        let Some(pid) = pid_of(&folder) else { continue };
        // Processes of others do not let us read, and processes end.
        let Ok(environment) = std::fs::read(folder.join("environ")) else { continue };
        let name = format!("AWS_LAMBDA_FUNCTION_NAME={function}");
        if environment.split(|byte| *byte == 0).any(|variable| variable == name.as_bytes()) {
            kill_process(pid, Signal::KILL)?;
            killed += 1;
        }
    }
    Ok(killed)
}

fn pid_of(folder: &Path) -> Option<Pid> {
    Pid::from_raw(folder.file_name()?.to_str()?.parse().ok()?)
}
