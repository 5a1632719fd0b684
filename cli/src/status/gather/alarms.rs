//! The alarms that are on, as CloudWatch tells. The emulator has those that somebody puts there.

use anyhow::{Context as _, Result};
use aws_sdk_cloudwatch::{
    Client,
    types::{AlarmType, StateValue},
};
use jiff::Timestamp;

use crate::{stack::connection::Connection, status::facts::AlarmFacts};

/// Loads the alarms whose names begin with the stack's and that are on, by their names.
pub(super) async fn load(connection: &Connection) -> Result<Vec<AlarmFacts>> {
    let described = Client::new(&connection.sdk)
        .describe_alarms()
        .alarm_name_prefix(connection.resource(""))
        .alarm_types(AlarmType::MetricAlarm)
        .state_value(StateValue::Alarm);
    let mut pages = described.into_paginator().send();
    let mut alarms = Vec::new();
    while let Some(page) = pages.next().await {
        for alarm in page.context("cannot read the alarms")?.metric_alarms.unwrap_or_default() {
            alarms.extend(alarm.alarm_name.map(|name| AlarmFacts {
                name,
                description: alarm.alarm_description.unwrap_or_default(),
                since: alarm.state_updated_timestamp.and_then(|at| Timestamp::from_second(at.secs()).ok()),
            }));
        }
    }
    alarms.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(alarms)
}
