//! The waiting limit: an endpoint that fails has few deliveries that wait for a retry. The others are
//! held, and come as places are free.

use anyhow::Result;
use storehook_tests::Stack;

use super::failing::{Failing, each_once};

/// No breaker opens here: nothing fails a thousand times.
const PARAMETERS: [(&str, &str); 3] =
    [("BreakerFailures", "1000"), ("WaitingLimit", "2"), ("RetryTimeScale", "0.01")];

#[tokio::test]
async fn failures_beyond_the_waiting_limit_are_held_and_come_by_themselves() -> Result<()> {
    let failing = Failing::start(Stack::deploy("storehook-waiting", &PARAMETERS).await?).await?;
    let events = ["o-0", "o-1", "o-2", "o-3", "o-4", "o-5", "o-6", "o-7"];
    failing.publish(&events[..2]).await?;
    failing.receiver.wait_for(2).await?;
    failing.wait_until_waiting(2).await?;
    failing.publish(&events[2..]).await?;
    failing.wait_until_held_for("failing").await?;
    assert!(failing.shown().await?["failing_since"].is_null(), "no breaker is open");
    failing.mend();
    failing.receiver.wait_until("all events", |_| failing.taken().len() == events.len()).await?;
    failing.wait_until_recovered().await?;
    assert_eq!(failing.taken(), each_once(&events));
    Ok(())
}
