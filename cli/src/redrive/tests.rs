//! Redrives, with a stand-in for SQS that can fail and can see them killed.

use std::{collections::BTreeSet, future::ready};

use jiff::ToSpan as _;

use storehook_domain::webhook::WebhookId;

use super::{
    stand_in::{Faults, Moment, StandIn, dead_letter},
    *,
};
use crate::drain::taken::End;

const LONG_AGO: &str = "2026-01-01T00:00:00Z";

/// Dead letters of webhooks 7 and 8 in turn: `e0`, `e1` and so on.
fn letters(count: usize) -> Vec<String> {
    (0..count).map(|number| dead_letter(7 + number as u64 % 2, &format!("e{number}"), LONG_AGO)).collect()
}

fn of(webhook: u64) -> Args {
    Args { webhook: Some(WebhookId::new(webhook)), dry_run: false }
}

async fn redrive_all(sqs: &StandIn) -> Result<Summary> {
    redrive_between(&sqs.queues, &Args::default(), pending()).await
}

/// The deliveries that were sent: `7-e0`.
fn sent(sqs: &StandIn) -> Result<Vec<String>> {
    Ok(sqs.delivered()?.into_iter().map(|(_, id, _)| id).collect())
}

/// The dead letters, all of which are visible.
fn left(sqs: &StandIn) -> Vec<String> {
    let dead = sqs.dead();
    assert!(dead.iter().all(|(_, is_hidden)| !is_hidden), "{dead:?}");
    dead.into_iter().map(|(id, _)| id).collect()
}

#[tokio::test]
async fn each_dead_letter_is_sent_in_a_run_of_its_own_in_the_group_of_its_installation() -> Result<()> {
    let mut bodies = letters(23);
    bodies.push(bodies[0].replace("\"payload\"", "\"run\":\"replay:r\",\"payload\""));
    let sqs = StandIn::with(&bodies, Faults::default()).await?;
    let summary = redrive_all(&sqs).await?;
    summary.check()?;
    assert_eq!((summary.redriven, summary.found(), summary.left), (24, 24, 0));
    assert_eq!(left(&sqs), Vec::<String>::new());
    let delivered = sqs.delivered()?;
    assert_eq!(delivered.len(), 24);
    let group = "a.example/demo".to_owned();
    assert!(delivered.contains(&(group.clone(), "7-e0".to_owned(), "redrive:m-0".to_owned())));
    assert!(delivered.contains(&(group.clone(), "8-e1".to_owned(), "redrive:m-1".to_owned())));
    assert!(delivered.contains(&(group.clone(), "7-e0".to_owned(), "redrive:m-23".to_owned())));
    Ok(())
}

#[tokio::test]
async fn only_wanted_dead_letters_are_sent_and_the_rest_stays_visible() -> Result<()> {
    let later = storehook_aws::now() + 1.hour();
    let bodies = [
        dead_letter(8, "other", LONG_AGO),
        dead_letter(7, "wanted", LONG_AGO),
        "not a delivery".to_owned(),
        dead_letter(7, "later", &later.to_string()),
    ];
    let sqs = StandIn::with(&bodies, Faults::default()).await?;
    let summary = redrive_between(&sqs.queues, &of(7), pending()).await?;
    summary.check()?;
    assert_eq!(sent(&sqs)?, ["7-wanted"]);
    assert_eq!(left(&sqs), ["m-0", "m-2", "m-3"]);
    assert_eq!((summary.redriven, summary.left, summary.of_other_webhooks, summary.later), (1, 3, 1, 1));
    assert_eq!(summary.no_deliveries, ["m-2"]);
    Ok(())
}

#[tokio::test]
async fn a_dry_run_counts_and_changes_nothing() -> Result<()> {
    let mut bodies = letters(25);
    bodies.push("not a delivery".to_owned());
    let sqs = StandIn::with(&bodies, Faults::default()).await?;
    let args = Args { webhook: None, dry_run: true };
    let summary = redrive_between(&sqs.queues, &args, pending()).await?;
    summary.check()?;
    let counts: Vec<_> = summary.found.iter().map(|(id, found)| (id.get(), found.count)).collect();
    assert_eq!(counts, [(7, 13), (8, 12)]);
    assert_eq!((summary.redriven, summary.left), (0, 1));
    assert_eq!(left(&sqs).len(), 26);
    let calls: BTreeSet<_> = sqs.calls().into_iter().collect();
    let harmless = ["ChangeMessageVisibilityBatch", "GetQueueAttributes", "GetQueueUrl", "ReceiveMessage"];
    assert_eq!(calls, harmless.map(str::to_owned).into());
    Ok(())
}

#[tokio::test]
async fn dead_letters_that_sqs_refuses_stay_and_are_reported() -> Result<()> {
    for faults in [
        Faults { refused: Some("e3\""), ..Faults::default() },
        Faults { unmentioned: Some("e3\""), ..Faults::default() },
    ] {
        let sqs = StandIn::with(&letters(12), faults).await?;
        let summary = redrive_all(&sqs).await?;
        assert_eq!((summary.redriven, summary.unsent, summary.left), (11, 1, 1));
        assert_eq!(left(&sqs), ["m-3"]);
        let told = summary.check().map_err(|error| error.to_string());
        let expected = "1 dead letter could not be sent again and stay in the queue: ";
        assert!(told.as_ref().is_err_and(|told| told.starts_with(expected)), "{told:?}");
        sqs.heal(Faults::default());
        redrive_all(&sqs).await?.check()?;
        assert_eq!((sqs.dead().len(), sent(&sqs)?.len()), (0, 12));
    }
    Ok(())
}

#[tokio::test]
async fn no_dead_letter_is_lost_when_the_delivery_queue_refuses_everything() -> Result<()> {
    let broken = Faults { broken: Some(("SendMessageBatch", 0..usize::MAX)), ..Faults::default() };
    let sqs = StandIn::with(&letters(100), broken).await?;
    let summary = redrive_all(&sqs).await?;
    assert_eq!((summary.end, summary.redriven, summary.unsent), (End::InVain, 0, 30));
    assert!(summary.check().is_err());
    assert_eq!(left(&sqs).len(), 100);
    assert!(!sqs.calls().contains(&"DeleteMessageBatch".to_owned()));
    Ok(())
}

#[tokio::test]
async fn dead_letters_that_cannot_be_deleted_are_sent_once_per_redrive_and_reported() -> Result<()> {
    let broken = Faults {
        broken: Some(("DeleteMessageBatch", 0..usize::MAX)),
        is_forgetful: true,
        ..Faults::default()
    };
    let sqs = StandIn::with(&letters(3), broken).await?;
    let summary = redrive_all(&sqs).await?;
    assert_eq!((summary.redriven, summary.undeleted, summary.left), (3, 3, 3));
    assert!(summary.check().is_err());
    assert_eq!(sent(&sqs)?, ["7-e0", "8-e1", "7-e2"]);
    assert_eq!(left(&sqs).len(), 3);
    Ok(())
}

#[tokio::test]
async fn sent_dead_letters_that_come_again_are_deleted() -> Result<()> {
    let broken_once =
        Faults { broken: Some(("DeleteMessageBatch", 0..1)), is_forgetful: true, ..Faults::default() };
    let sqs = StandIn::with(&letters(3), broken_once).await?;
    let summary = redrive_all(&sqs).await?;
    summary.check()?;
    assert_eq!((summary.redriven, summary.undeleted, summary.left), (3, 0, 0));
    assert_eq!((sent(&sqs)?.len(), left(&sqs).len()), (3, 0));
    Ok(())
}

#[tokio::test]
async fn messages_that_come_again_are_counted_once_and_end_the_redrive() -> Result<()> {
    let sqs = StandIn::with(&letters(10), Faults { is_forgetful: true, ..Faults::default() }).await?;
    let summary = redrive_between(&sqs.queues, &of(7), pending()).await?;
    summary.check()?;
    assert_eq!((summary.redriven, summary.of_other_webhooks, summary.left), (5, 5, 5));
    Ok(())
}

#[tokio::test]
async fn an_interrupted_redrive_reports_it_and_leaves_nothing_hidden() -> Result<()> {
    let sqs = StandIn::with(&letters(30), Faults::default()).await?;
    let summary = redrive_between(&sqs.queues, &of(7), ready(())).await?;
    assert_eq!(summary.end, End::Interrupted);
    assert!(summary.check().is_err());
    assert_eq!(left(&sqs).len(), 30);
    Ok(())
}

#[tokio::test]
async fn a_failed_redrive_leaves_nothing_hidden() -> Result<()> {
    let broken = Faults { broken: Some(("ReceiveMessage", 2..usize::MAX)), ..Faults::default() };
    let sqs = StandIn::with(&letters(30), broken).await?;
    let summary = redrive_between(&sqs.queues, &of(7), pending()).await;
    let told = summary.map_err(|error| format!("{error:#}"));
    assert!(told.is_err_and(|told| told.contains("after it had sent 10 dead letters again")));
    assert_eq!(left(&sqs).len(), 20);
    Ok(())
}

/// At every call that a redrive makes, before it has its effect and after that.
#[tokio::test]
async fn a_redrive_killed_at_any_call_loses_nothing_and_starts_no_second_run() -> Result<()> {
    let bodies = letters(12);
    let whole = StandIn::with(&bodies, Faults::default()).await?;
    redrive_all(&whole).await?;
    let calls = whole.calls();
    assert!(calls.iter().filter(|call| *call == "DeleteMessageBatch").count() > 1, "{calls:?}");
    // The first two calls ask for the queues' URLs, before it begins.
    for (call, moment) in (2..calls.len()).flat_map(|call| [(call, Moment::Before), (call, Moment::After)]) {
        let faults = Faults { killed_at: Some((call, moment)), ..Faults::default() };
        let sqs = StandIn::with(&bodies, faults).await?;
        tokio::select! {
            ended = redrive_all(&sqs) => panic!("it was not killed at {call}: {ended:?}"),
            () = sqs.killed.notified() => {}
        }
        let sent_before: BTreeSet<_> = sent(&sqs)?.into_iter().collect();
        let dead: BTreeSet<_> = sqs.dead().into_iter().map(|(id, _)| id).collect();
        for number in 0..bodies.len() {
            let is_sent = sent_before.contains(&format!("{}-e{number}", 7 + number % 2));
            assert!(
                is_sent || dead.contains(&format!("m-{number}")),
                "m-{number} is lost at {call} {moment:?}"
            );
        }
        sqs.heal(Faults::default());
        redrive_all(&sqs).await?.check()?;
        assert_eq!(sqs.dead(), []);
        let delivered = sqs.delivered()?;
        let ids: BTreeSet<_> = delivered.iter().map(|(_, id, _)| id).collect();
        let runs: BTreeSet<_> = delivered.iter().map(|(_, id, run)| (id, run)).collect();
        assert_eq!(
            (ids.len(), runs.len()),
            (bodies.len(), bodies.len()),
            "one run, however often it is sent"
        );
    }
    Ok(())
}
