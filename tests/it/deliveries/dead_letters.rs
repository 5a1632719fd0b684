//! Retries and dead letters: SQS's own, by the schedule.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use jiff::Timestamp;
use reqwest::StatusCode;
use storehook_domain::delivery::{
    disposition::Disposition,
    lane::Lane,
    message::DeliveryMessage,
    schedule::{AGES, RetrySchedule},
};
use storehook_tests::{Delivered, Receiver, Stack, record};

#[tokio::test]
async fn a_dead_endpoint_is_retried_by_the_schedule_until_its_delivery_is_dead_lettered() -> Result<()> {
    // 48 hours in 17 seconds.
    let scale = 0.0001;
    let stack = Stack::deploy("storehook-dead", &[("RetryTimeScale", "0.0001")]).await?;
    let installed = stack.install().await?;
    let receiver = Receiver::responding(StatusCode::INTERNAL_SERVER_ERROR).await?;
    let id = installed.api.create_webhook("orders/create", &receiver.url).await?;
    let payload = r#"{"id": 327475578523353102,  "price": "19.99"}"#;
    stack.publish([record(&installed.shop, "orders/create", "o-1", payload)]).await?;

    let message = stack.wait_for_message("dead-letter", "o-1").await?;
    let delivery = DeliveryMessage::parse(message.body().unwrap_or_default().as_bytes())?;
    assert_eq!(delivery.envelope.id.to_string(), format!("{id}-o-1"));
    assert_eq!(delivery.payload().as_str(), payload, "whole");
    let attempts = receiver.so_far();
    check_ages(&attempts, delivery.enqueued_at, scale);
    let of_first_lane = Lane::Fast.max_receive_count();
    assert!(attempts.len() > of_first_lane, "{} attempts: the retry queue had its share", attempts.len());
    assert!(attempts.iter().all(|attempt| attempt.body == payload), "every attempt sends the same body");
    Ok(())
}

#[tokio::test]
async fn the_first_attempts_follow_the_schedule() -> Result<()> {
    // A tenth of real time: attempts at 0, 1, 4 and 16 seconds.
    let stack = Stack::deploy("storehook-tenth", &[("RetryTimeScale", "0.1")]).await?;
    let installed = stack.install().await?;
    let receiver = Receiver::responding_with(|before| async move {
        if before < 3 { StatusCode::BAD_GATEWAY } else { StatusCode::NO_CONTENT }
    })
    .await?;
    installed.api.create_webhook("orders/create", &receiver.url).await?;
    let published_at = storehook_aws::now();
    stack.publish([record(&installed.shop, "orders/create", "o-1", "{}")]).await?;
    let attempts = receiver.wait_for(4).await?;
    // The delivery was queued after it was published, so its ages are no longer than these.
    check_ages(&attempts, published_at, 0.1);
    // Nor much later than the next point after the attempt before it; a busy machine is given time.
    let schedule = RetrySchedule::new(0.1).context("a scale")?;
    for pair in attempts.windows(2) {
        let age = Duration::try_from(pair[0].at.duration_since(published_at))?;
        let Disposition::Retry { due_in: longest, .. } = schedule.next(Lane::Slow, age, None, 1.0) else {
            bail!("no attempt should follow {age:?}")
        };
        let waited = Duration::try_from(pair[1].at.duration_since(pair[0].at))?;
        assert!(waited < longest + Duration::from_secs(25), "{waited:?} and not {longest:?} after {age:?}");
    }
    assert_eq!(attempts[3].status, StatusCode::NO_CONTENT);
    Ok(())
}

/// No attempt comes before its point of the schedule, and none is made beyond its last.
fn check_ages(attempts: &[Delivered], enqueued_at: Timestamp, scale: f64) {
    assert!(attempts.len() <= AGES.len(), "{} attempts", attempts.len());
    for (attempt, point) in attempts.iter().zip(AGES) {
        let age = Duration::try_from(attempt.at.duration_since(enqueued_at)).unwrap_or_default();
        assert!(age >= Duration::from_secs_f64(point as f64 * scale), "{age:?} is before {point} s");
    }
}
