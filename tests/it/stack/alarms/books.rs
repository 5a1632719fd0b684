//! The books of messages, hour by hour: what the functions and the sweep write, as the alarm sees it.

use std::collections::BTreeMap;

use anyhow::Result;

use super::{
    NOW,
    alarm::{Alarm, alarms},
    evaluation::Samples,
};

const MINUTE: i64 = 60;
const HOURS: i64 = 30;

/// What happens in a minute: how many messages are sent, end, vanish and die.
struct Minute {
    sent: f64,
    done: f64,
    lost: f64,
    dead: f64,
}

/// The samples of so many hours, whose minutes are these. Every fifth minute of the clock the sweep
/// counts what is queued, half a minute late, and writes it with the time before that minute. As many
/// dead letters expire as come, which is the hardest case.
fn samples(minute: impl Fn(i64) -> Minute) -> BTreeMap<String, Samples> {
    let (mut sent, mut missing) = (Samples::new(), Samples::new());
    let (mut queued, mut counted) = (0.0, 0.0);
    for number in 0..HOURS * 60 {
        let at = NOW + number * MINUTE;
        let happened = minute(number);
        let half = (happened.sent - happened.done - happened.lost - happened.dead) / 2.0;
        queued += half;
        if number % 5 == 0 {
            missing.push((at - 1, -(queued - counted)));
            counted = queued;
        }
        queued += half;
        sent.push((at + 30, happened.sent));
        missing.push((at + 30, happened.sent - happened.done - happened.dead));
    }
    [("own Sent".to_owned(), sent), ("own Missing".to_owned(), missing)].into()
}

/// The first minute at which the alarm is on, if it ever is. It is looked at every minute, as CloudWatch
/// does it.
fn first_on(alarm: &Alarm, samples: &BTreeMap<String, Samples>) -> Result<Option<i64>> {
    for number in 4 * 60..HOURS * 60 {
        let now = NOW + number * MINUTE;
        // What has not happened yet is not known.
        let known = |all: &Samples| all.iter().filter(|(at, _)| *at < now).copied().collect();
        let known = samples.iter().map(|(metric, all)| (metric.clone(), known(all))).collect();
        if alarm.is_on(&known, now)? {
            return Ok(Some(number));
        }
    }
    Ok(None)
}

/// A wave that repeats after so many minutes, from 0 to 1.
fn wave(number: i64, minutes: f64) -> f64 {
    (1.0 - (number as f64 / minutes * std::f64::consts::TAU).cos()) / 2.0
}

#[test]
fn no_load_without_a_loss_makes_the_alarm_fire() -> Result<()> {
    let alarm = &alarms()?["MissingAlarm"];
    let steady = |_| Minute { sent: 600.0, done: 600.0, lost: 0.0, dead: 0.0 };
    let day = |number| {
        let sent = 100.0 + 60_000.0 * wave(number, 1_440.0);
        Minute { sent, done: sent, lost: 0.0, dead: 0.0 }
    };
    // The queues fill for eight hours, faster and faster, and empty as fast as they filled.
    let outage = |number: i64| {
        let part = (number as f64 / 480.0).min(1.0).powi(2);
        let done = if number < 480 { 6_000.0 * (1.0 - part) } else { 6_000.0 * 2.0 };
        Minute { sent: 6_000.0, done, lost: 0.0, dead: 0.0 }
    };
    // A sale: a thousand times as much within two hours, and a twentieth of it fails and waits.
    let sale = |number: i64| {
        let sent = 10.0 * 1_000_f64.powf((number as f64 / 120.0).min(1.0));
        Minute { sent, done: sent * 0.95, lost: 0.0, dead: 0.0 }
    };
    let quiet = |number: i64| Minute {
        sent: f64::from(number % 97 == 0),
        done: f64::from(number % 97 == 3),
        lost: 0.0,
        dead: 0.0,
    };
    let dying = |_| Minute { sent: 600.0, done: 590.0, lost: 0.0, dead: 10.0 };
    let loads: [(&str, &dyn Fn(i64) -> Minute); 6] = [
        ("steady", &steady),
        ("day", &day),
        ("outage", &outage),
        ("sale", &sale),
        ("quiet", &quiet),
        ("dead letters come and expire", &dying),
    ];
    for (name, load) in loads {
        assert_eq!(first_on(alarm, &samples(load))?, None, "{name}");
    }
    Ok(())
}

#[test]
fn a_loss_makes_the_alarm_fire_after_three_hours_of_the_clock() -> Result<()> {
    let alarm = &alarms()?["MissingAlarm"];
    // From minute 610 on: ten past an hour. What is lost neither ends nor is queued.
    let losing = |lost_in_a_minute: f64, sent: f64| {
        move |number: i64| {
            let lost = if number >= 610 { lost_in_a_minute } else { 0.0 };
            Minute { sent, done: sent - lost, lost, dead: 0.0 }
        }
    };
    for (lost, sent, is_seen) in [
        (1.0, 600.0, true),
        (0.3, 10.0, true),
        (0.1, 10.0, false),
        // 0.05 % and 0.2 % of a large load.
        (30.0, 60_000.0, false),
        (120.0, 60_000.0, true),
    ] {
        let first = first_on(alarm, &samples(losing(lost, sent)))?;
        assert_eq!(first.is_some(), is_seen, "{lost} of {sent} a minute: {first:?}");
        if let Some(first) = first {
            // The hour in which it began may have too little of it.
            assert!((780..=845).contains(&first), "{lost} of {sent} a minute: at {first}");
        }
    }
    Ok(())
}
