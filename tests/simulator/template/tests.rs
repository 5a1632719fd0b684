//! The repository's template, as the simulator reads it.

use anyhow::{Context as _, Result};

use super::{Template, arn_of, period_of, url_of};
use crate::scale::Scale;

#[test]
fn what_is_deployed_is_read_from_the_template() -> Result<()> {
    let template = Template::read()?;
    let queues = template.queues(Scale(100.0))?;
    let fast = queues.iter().find(|queue| queue.name == "DeliveryQueue").context("no queue")?;
    let redrive = fast.redrive.as_ref().context("no redrive")?;
    assert_eq!((redrive.max_receive_count, redrive.target.as_str()), (2, "RetryQueue"));
    assert_eq!((fast.in_flight_limit, fast.retention.as_secs()), (1_200, 1_209_600));
    let mapping = template.queue_mapping("DeliveryMapping", Scale(1.0))?;
    assert_eq!((mapping.queue.as_str(), mapping.batch_size, mapping.concurrency), ("DeliveryQueue", 10, 100));
    let environment = template.environment("DeliveryFunction")?;
    for (name, value) in [
        ("DELIVERY_QUEUE_ARN", arn_of("DeliveryQueue").as_str()),
        ("RETRY_QUEUE_URL", &url_of("RetryQueue")),
        ("HISTORY_TABLE", "HistoryTable"),
        ("HISTORY_DELIVERY_DAYS", "30"),
    ] {
        assert_eq!(environment.get(name).map(String::as_str), Some(value), "{name}");
    }
    let registry = template.table("RegistryTable")?;
    assert_eq!((registry.keys.sort.as_str(), registry.indexes[0].name.as_str()), ("sk", "subscribers"));
    assert_eq!(registry.expiry.as_deref(), Some("expires_at"));
    Ok(())
}

#[test]
fn rates_of_schedules_are_read() {
    for (rate, seconds) in [
        ("rate(5 minutes)", Some(300)),
        ("rate(1 hour)", Some(3_600)),
        ("cron(0/5 * * * ? *)", Some(300)),
        ("cron(0 * * * ? *)", None),
    ] {
        assert_eq!(period_of(rate).map(|period| period.as_secs()), seconds, "{rate}");
    }
}
