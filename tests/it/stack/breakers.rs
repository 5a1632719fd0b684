//! What the roles need for breakers and recoveries.

use anyhow::{Context as _, Result};
use jiff::{SignedDuration, Timestamp};
use reqwest::StatusCode;
use serde_json::{Value, json};
use storehook_aws::{
    registry::{HealthItem, HealthTable},
    table::to_item,
};
use storehook_domain::{
    job::{
        message::Job,
        recovery::{DEFAULT_WAITING_LIMIT, Phase, Recovery, RecoveryRules, pass::DEFAULT_MOST_PER_SECOND},
    },
    webhook::{WebhookKey, health::failure_run::FailureRun},
};
use storehook_tests::{Installed, Receiver, Stack, deliver, eventually};

/// A breaker opens after two failures that span 0.6 s.
pub(crate) const SOON: [(&str, &str); 2] = [("BreakerFailures", "2"), ("RetryTimeScale", "0.01")];

const RULES: RecoveryRules = RecoveryRules {
    waiting_limit: DEFAULT_WAITING_LIMIT,
    most_per_second: DEFAULT_MOST_PER_SECOND,
    time_scale: 0.01,
};

/// An endpoint fails until its breaker is open. Its recovery is listed, and its webhook is marked.
pub(crate) async fn breaking_works(stack: &Stack) -> Result<bool> {
    let failing = Receiver::responding(StatusCode::INTERNAL_SERVER_ERROR).await?;
    let installed = stack.install().await?;
    let id = installed.api.create_webhook("orders/create", &failing.url).await?;
    let began = storehook_aws::now();
    let mut logs = String::new();
    // Failures that span 0.6 s, and one after them.
    for number in 0.. {
        logs += &deliver(stack, &installed, id, &format!("o-{number}")).await?.1;
        if storehook_aws::now().duration_since(began) > SignedDuration::from_secs(1) && number > 1 {
            break;
        }
    }
    Ok(!logs.contains("AccessDenied"))
}

/// A probe is sent and arrives, the breaker closes, and the catch-up sends the rest.
pub(crate) async fn recovering_works(stack: &Stack) -> Result<bool> {
    let working = Receiver::responding(StatusCode::OK).await?;
    let (installed, key) = webhook_at(stack, &working.url).await?;
    let now = storehook_aws::now();
    put_recovery(stack, &key, opened(now)).await?;
    for event in ["h-1", "h-2"] {
        deliver(stack, &installed, key.id.get(), event).await?;
    }
    make_step(stack, &key, &opened(now)).await?;
    let arrived =
        eventually("what is held to arrive", || async { Ok((working.so_far().len() == 2).then_some(())) });
    Ok(arrived.await.is_ok() && ending_a_recovery_works(stack).await?)
}

/// The second quiet pass ends a recovery, and its entry in the list goes.
pub(crate) async fn ending_a_recovery_works(stack: &Stack) -> Result<bool> {
    let (_, key) = webhook_at(stack, "http://127.0.0.1:9/").await?;
    let now = storehook_aws::now();
    let mut recovery = opened(now).closed(now).context("it was open")?;
    if let Phase::CatchUp(catch_up) = &mut recovery.phase {
        catch_up.quiet_since = Some(now - SignedDuration::from_mins(5));
    }
    put_recovery(stack, &key, recovery.clone()).await?;
    let response = make_step(stack, &key, &recovery).await?;
    Ok(response == json!({"batchItemFailures": []}))
}

/// A recovery whose step was lost is started again.
pub(crate) async fn sweeping_works(stack: &Stack) -> Result<bool> {
    let (_, key) = webhook_at(stack, "http://127.0.0.1:9/").await?;
    let long_ago = storehook_aws::now() - SignedDuration::from_mins(10);
    put_recovery(stack, &key, opened(long_ago)).await?;
    let (response, _) = stack.invoke("fan-out", &json!({"sweep": "recoveries"})).await?;
    Ok(response["failed"] == 0 && response["restarted"].as_u64() >= Some(1))
}

async fn webhook_at(stack: &Stack, address: &str) -> Result<(Installed, WebhookKey)> {
    let installed = stack.install().await?;
    let id = installed.api.create_webhook("orders/create", address).await?;
    let (shop, app) = (installed.shop.clone(), installed.app.clone());
    Ok((installed, WebhookKey { id: id.to_string().parse()?, shop, app }))
}

/// A recovery that began a minute before, so its first probe is due.
fn opened(now: Timestamp) -> Recovery {
    let since = now - SignedDuration::from_mins(1);
    Recovery::opened(&FailureRun { since, attempts: 2 }, None, since, &RULES)
}

async fn put_recovery(stack: &Stack, key: &WebhookKey, recovery: Recovery) -> Result<()> {
    let client = aws_sdk_dynamodb::Client::new(&stack.sdk());
    let table = HealthTable { client, name: stack.resource("registry") };
    table.list(key, storehook_aws::now()).await?;
    let item = to_item(HealthItem::of(key, 1, None, Some(recovery)))?;
    table.client.put_item().table_name(&table.name).set_item(Some(item)).send().await?;
    Ok(())
}

/// Hands the next step to the function, as if it came from the queue.
async fn make_step(stack: &Stack, key: &WebhookKey, recovery: &Recovery) -> Result<Value> {
    let (step, _) = recovery.next_step(key, storehook_aws::now()).context("no step is next")?;
    let message = json!({
        "messageId": "m-1", "receiptHandle": "none", "body": Job::Recovery(step).to_message(),
        "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:jobs",
        "attributes": {"ApproximateReceiveCount": "1"},
    });
    Ok(stack.invoke("fan-out", &json!({"Records": [message]})).await?.0)
}
