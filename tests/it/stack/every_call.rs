//! Every call that the three functions make, once: on each resource that they make it on.

use anyhow::Result;
use reqwest::{Method, StatusCode};
use serde_json::json;
use storehook_domain::history::state::DeliveryState;
use storehook_tests::{Receiver, Stack, deliver_from, job_event, stream_event};

use super::{
    breakers::{breaking_works, recovering_works, sweeping_works},
    needed_actions::{
        backing_off_works, delaying_works, delivering_works, fan_out_works, giving_up_works,
        hiding_a_failed_step_works, holding_works, keeping_payloads_works, managing_works, pushing_works,
        recording_works, replay_step_works, replaying_works,
    },
    recorded::Recorder,
};

/// Does all of it, and lets the recorder note the calls of each part.
pub(crate) async fn make_every_call(stack: &Stack, recorder: &mut Recorder<'_>) -> Result<()> {
    macro_rules! each {
        ($($part:ident)*) => {$(
            assert!($part(stack).await?, stringify!($part));
            recorder.note().await?;
        )*};
    }
    each! {
        managing_works pushing_works replaying_works replaying_many_works
        keeping_payloads_works fan_out_works rejecting_works replay_step_works step_after_step_works
        hiding_a_failed_step_works
        delivering_works backing_off_works delaying_works slow_lane_works holding_works giving_up_works
        recording_works breaking_works recovering_works sweeping_works
    }
    Ok(())
}

/// A replay is a job.
async fn replaying_many_works(stack: &Stack) -> Result<bool> {
    let installed = stack.install().await?;
    let id = installed.api.create_webhook("orders/create", "http://127.0.0.1:9/").await?;
    let wish = json!({"replay": {"state": "all"}});
    let path = format!("/admin/webhooks/{id}/replay.json");
    Ok(installed.api.call(Method::POST, &path, Some(wish)).await?.status == StatusCode::ACCEPTED)
}

async fn rejecting_works(stack: &Stack) -> Result<bool> {
    let (response, _) = stack.invoke("fan-out", &stream_event("no event")).await?;
    Ok(response == json!({"batchItemFailures": []}))
}

/// A step of a replay that has more to send than its pace allows queues the next one.
async fn step_after_step_works(stack: &Stack) -> Result<bool> {
    let installed = stack.install().await?;
    let id = installed.api.create_webhook("orders/create", "http://127.0.0.1:9/").await?;
    let at = storehook_aws::now() - jiff::SignedDuration::from_hours(1);
    let names: Vec<_> = (0..12).map(|number| format!("o-{number}")).collect();
    let dead: Vec<_> = names.iter().map(|name| (name.as_str(), at, DeliveryState::Dead)).collect();
    stack.have_delivered(&installed, id, &dead).await?;
    let mut record = stack.have_replay(&installed, id, "r-1").await?;
    record.replay.per_second = 1;
    stack.put_replay(&record).await?;
    let (response, _) = stack.invoke("fan-out", &job_event(&record, "m-1")?).await?;
    Ok(response == json!({"batchItemFailures": []}))
}

/// A failure and a delay in the slow lane.
async fn slow_lane_works(stack: &Stack) -> Result<bool> {
    let installed = stack.install().await?;
    let now = storehook_aws::now();
    let failing = Receiver::responding(StatusCode::INTERNAL_SERVER_ERROR).await?;
    let id = installed.api.create_webhook("orders/create", &failing.url).await?;
    let (failed, _) = deliver_from(stack, "retry", &installed, id, "o-1", now).await?;
    let hesitant = Receiver::deciding(&["delay"]).await?;
    let webhook = json!({"topic": "orders/create", "address": hesitant.url, "protocol": "integration"});
    let id = installed.api.create_webhook_with(webhook).await?;
    let (delayed, _) = deliver_from(stack, "retry", &installed, id, "o-2", now).await?;
    installed.api.call(Method::DELETE, &format!("/admin/webhooks/{id}.json"), None).await?;
    let is_failure = failed == json!({"batchItemFailures": [{"itemIdentifier": "m-1"}]});
    Ok(is_failure && delayed == json!({"batchItemFailures": []}))
}
