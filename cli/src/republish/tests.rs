//! Republishings, with a stand-in for AWS that can fail and can see them killed.

use std::{
    collections::BTreeSet,
    future::{pending, ready},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use storehook_domain::event::{id::EventId, origin::RecordOrigin, rejected::RejectedEvent};

use super::{
    stand_in::{Moment, StandIn},
    *,
};
use crate::drain::taken::End;

fn origin(sequence_number: &str) -> RecordOrigin<'_> {
    RecordOrigin { shard_id: "s", sequence_number, arrived_at: jiff::Timestamp::UNIX_EPOCH }
}

fn event(number: usize) -> String {
    format!(r#"{{"shop":"a.example","topic":"orders/create","payload":{{"id":{number}}}}}"#)
}

/// Twelve rejected records that are events by now, a large one in parts, and a job.
fn messages() -> Vec<String> {
    let padded = format!("{}{}", " ".repeat(1_100_000), event(90));
    [small_messages(), RejectedEvent::messages(padded.as_bytes(), &origin("90"), "why")].concat()
}

/// The same without the large one.
fn small_messages() -> Vec<String> {
    let mut messages: Vec<_> = (0..12)
        .flat_map(|number| {
            RejectedEvent::messages(event(number).as_bytes(), &origin(&number.to_string()), "why")
        })
        .collect();
    messages.push(
        r#"{"recovery":{"webhook_id":7,"shop":"a.example","app":"demo","opening":"o","number":1}}"#
            .to_owned(),
    );
    messages
}

/// An object with two records that Lambda gave up.
fn object() -> String {
    let records = [50, 51].map(|number| {
        json!({
            "eventID": format!("s:{number}"),
            "kinesis": {
                "partitionKey": "k", "sequenceNumber": number.to_string(), "data": STANDARD.encode(event(number)),
                "approximateArrivalTimestamp": 0.0,
            },
        })
    });
    json!({
        "requestContext": {"condition": "RecordAgeExceeded"}, "payload": json!({"Records": records}).to_string(),
        "KinesisBatchInfo": {"shardId": "s", "startSequenceNumber": "50", "endSequenceNumber": "51"},
    })
    .to_string()
}

async fn republished(aws: &StandIn) -> Result<Summary> {
    let sources = Sources::of(&aws.connection, "bucket".to_owned()).await?;
    work_through(&aws.connection, &sources, &Args::default(), None, pending()).await
}

/// The ids of the events on the stream.
fn streamed(aws: &StandIn) -> Result<Vec<String>> {
    let records = aws.aws(|aws| aws.records.clone());
    let ids = records.iter().map(|record| {
        let record: Value = serde_json::from_str(record)?;
        Ok(record["event_id"].as_str().unwrap_or_default().to_owned())
    });
    ids.collect()
}

fn id_of(number: usize) -> String {
    EventId::of_record(&origin(&number.to_string())).to_string()
}

/// The ids that the events had at first.
fn expected() -> BTreeSet<String> {
    (0..12).chain([50, 51, 90]).map(id_of).collect()
}

#[tokio::test]
async fn all_is_published_once_and_deleted() -> Result<()> {
    let aws = StandIn::with(&messages(), &[object()]).await?;
    let summary = republished(&aws).await?;
    summary.check()?;
    let ids = streamed(&aws)?;
    assert_eq!((ids.len(), ids.into_iter().collect()), (15, expected()));
    aws.aws(|aws| {
        assert_eq!((aws.messages.len(), aws.objects.len(), aws.jobs.len()), (0, 0, 1), "{:?}", aws.calls);
    });
    assert_eq!((summary.deleted_messages, summary.deleted_objects), (messages().len(), 1));
    Ok(())
}

#[tokio::test]
async fn an_object_that_somebody_else_has_republished_meanwhile_is_passed_over() -> Result<()> {
    let aws = StandIn::with(&messages(), &[object()]).await?;
    aws.aws(|aws| aws.listed_besides.push("aws/lambda/gone".to_owned()));
    let summary = republished(&aws).await?;
    summary.check()?;
    assert_eq!(streamed(&aws)?.into_iter().collect::<BTreeSet<_>>(), expected());
    assert_eq!((summary.deleted_objects, summary.left), (1, vec![]));
    Ok(())
}

#[test]
fn it_asks_before_it_publishes_for_all_shops_or_deletes_for_good() -> Result<()> {
    let file = |lines: &[&str]| Mended::read(&mut Input::copy(lines.join("\n").as_bytes())?);
    let event = format!(r#"{{"id": "s:1", "record": {}}}"#, event(1));
    let dropped = r#"{"id": "s:2", "drop": true, "record": null}"#;
    let path = Some(PathBuf::from("file"));
    for (args, lines, asked) in [
        (Args::default(), None, Some("All that was rejected or given up is published again, of all shops.")),
        (Args { dry_run: true, ..Args::default() }, None, None),
        (Args { export: path.clone(), ..Args::default() }, None, None),
        (Args { from: path.clone(), ..Args::default() }, Some(vec![event.as_str()]), None),
        (
            Args { from: path.clone(), ..Args::default() },
            Some(vec![event.as_str(), dropped]),
            Some("1 record of the file is deleted for good."),
        ),
        (Args { from: path.clone(), dry_run: true, ..Args::default() }, Some(vec![dropped]), None),
    ] {
        let mended = lines.as_deref().map(file).transpose()?;
        let harm = args.harm(mended.as_ref());
        assert_eq!(harm.is_some(), asked.is_some(), "{args:?}");
        assert!(harm.unwrap_or_default().starts_with(asked.unwrap_or_default()), "{args:?}");
    }
    Ok(())
}

#[tokio::test]
async fn nothing_is_deleted_if_the_stream_or_the_jobs_queue_refuses() -> Result<()> {
    for (broken, objects) in [("PutRecords", vec![object()]), ("PutRecords", vec![]), ("SendMessage", vec![])]
    {
        let aws = StandIn::with(&messages(), &objects).await?;
        aws.aws(|aws| aws.broken = Some(broken));
        let told = republished(&aws).await.map_err(|error| format!("{error:#}")).err().unwrap_or_default();
        assert!(told.starts_with("it ended early: "), "{broken}: {told}");
        let sent: BTreeSet<_> = streamed(&aws)?.into_iter().collect();
        aws.aws(|aws| {
            let deleted = messages().len() - aws.messages.len();
            assert!(deleted <= sent.len(), "{broken}: {deleted} deleted");
            assert_eq!(aws.objects.len(), objects.len());
            assert!(aws.messages.values().all(|(_, is_hidden)| !is_hidden), "{broken}: some are hidden");
        });
        aws.heal();
        republished(&aws).await?.check()?;
        assert_eq!(aws.aws(|aws| aws.messages.len() + aws.objects.len()), 0);
    }
    Ok(())
}

#[tokio::test]
async fn messages_that_cannot_be_deleted_are_reported_and_published_once() -> Result<()> {
    let aws = StandIn::with(&messages(), &[]).await?;
    aws.aws(|aws| aws.broken = Some("DeleteMessageBatch"));
    let summary = republished(&aws).await?;
    assert_eq!((summary.undeleted, summary.deleted_messages), (messages().len(), 0));
    let told = summary.check().map_err(|error| error.to_string()).err().unwrap_or_default();
    assert!(told.starts_with(&format!("{} messages are published again but", messages().len())), "{told}");
    assert_eq!(streamed(&aws)?.len(), 13);
    Ok(())
}

#[tokio::test]
async fn an_interrupted_republishing_says_so_and_leaves_nothing_hidden() -> Result<()> {
    let aws = StandIn::with(&messages(), &[object()]).await?;
    let sources = Sources::of(&aws.connection, "bucket".to_owned()).await?;
    let summary = work_through(&aws.connection, &sources, &Args::default(), None, ready(())).await?;
    assert_eq!(summary.end, End::Interrupted);
    assert!(summary.check().is_err());
    assert_eq!(aws.aws(|aws| (aws.messages.len(), aws.objects.len())), (messages().len(), 1));
    Ok(())
}

/// At every call that a republishing makes, before it has its effect and after that.
#[tokio::test]
async fn a_republishing_killed_at_any_call_loses_nothing_and_makes_no_second_event() -> Result<()> {
    let whole = StandIn::with(&small_messages(), &[object()]).await?;
    republished(&whole).await?;
    let calls = whole.aws(|aws| aws.calls.len());
    // The first two calls ask for the queues' URLs, before it begins.
    for (call, moment) in (2..calls).flat_map(|call| [(call, Moment::Before), (call, Moment::After)]) {
        let aws = StandIn::with(&small_messages(), &[object()]).await?;
        aws.aws(|aws| aws.killed_at = Some((call, moment)));
        tokio::select! {
            ended = republished(&aws) => panic!("it was not killed at {call}: {ended:?}"),
            () = aws.killed.notified() => {}
        }
        let sent: BTreeSet<_> = streamed(&aws)?.into_iter().collect();
        let (messages, objects) = aws.aws(|aws| (aws.messages.clone(), aws.objects.clone()));
        for number in (0..12).chain([50, 51]) {
            let in_queue = messages
                .values()
                .any(|(body, _)| body.contains(&format!("\"sequence_number\":\"{number}\"")));
            let in_bucket = number >= 50 && !objects.is_empty();
            assert!(
                sent.contains(&id_of(number)) || in_queue || in_bucket,
                "{number} is lost at {call} {moment:?}"
            );
        }
        aws.heal();
        republished(&aws).await?.check()?;
        assert_eq!(aws.aws(|aws| aws.messages.len() + aws.objects.len()), 0);
        let ids: BTreeSet<_> = streamed(&aws)?.into_iter().collect();
        assert_eq!(
            ids,
            (0..12).chain([50, 51]).map(id_of).collect(),
            "the same events, however often, at {call} {moment:?}"
        );
    }
    Ok(())
}
