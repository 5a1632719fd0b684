use serde_json::{Value, json};
use storehook_domain::{
    delivery::lane::Lane,
    installation::{app::AppId, message_group::MessageGroup, shop::ShopDomain},
};

use super::*;
use crate::{
    AwsConfig,
    direct::Service,
    queue::call::{Failed, RESENT_AFTER, Taken},
    stand_in::StandIn,
};

#[test]
fn a_message_counts_as_sent_only_if_the_response_says_so() {
    let failed = |id: &str, code: &str| Failed { id: id.to_owned(), code: code.to_owned() };
    let response = Sent {
        // A message that is named as sent and as failed counts as failed.
        successful: ["0", "1"].map(|id| Taken { id: id.to_owned() }).into(),
        failed: vec![
            failed("1", "InvalidMessageContents"),
            failed("2", "InternalError"),
            failed("7", "InternalError"),
            failed("x", "InternalError"),
        ],
    };
    let untaken: Vec<_> =
        untaken(&response, 4).into_iter().map(|(index, why)| (index, why.to_string())).collect();
    let expected = [
        (1, "SQS refused the message's content"),
        (2, "SQS did not take the message: InternalError"),
        (3, "the response of SQS does not mention the message"),
    ];
    assert_eq!(untaken, expected.map(|(index, why)| (index, why.to_owned())));
}

/// What SQS responds to each of the first calls; later ones succeed.
const UNCLEAR: (u16, &str) = (500, "InternalError");
const NO_JSON: (u16, &str) = (200, "");
const THROTTLED: (u16, &str) = (400, "com.amazonaws.sqs#ThrottlingException");
const REFUSED: (u16, &str) = (400, "com.amazonaws.sqs#InvalidMessageContents");

/// A copy that is received at the same moment as the first message could not be told from it.
#[tokio::test]
async fn a_batch_that_may_be_in_the_queue_is_sent_again_with_a_delay()
-> Result<(), Box<dyn std::error::Error>> {
    let (now, later, last) = (Value::Null, json!(10), json!(20));
    assert_eq!(RESENT_AFTER.as_secs(), 10, "as the documents say");
    for (is_direct, responses, delays) in [
        (true, &[][..], &[&now][..]),
        (true, &[UNCLEAR], &[&now, &later]),
        (true, &[NO_JSON], &[&now, &later]),
        (true, &[UNCLEAR, UNCLEAR], &[&now, &later, &last]),
        (true, &[THROTTLED], &[&now, &now]),
        (true, &[THROTTLED, UNCLEAR], &[&now, &now, &later]),
        (false, &[], &[&now]),
        (false, &[UNCLEAR, UNCLEAR], &[&now, &later, &last]),
        (false, &[THROTTLED, THROTTLED], &[&now, &now, &now]),
        (false, &[REFUSED], &[&now]),
    ] {
        let aws = StandIn::start().await?;
        let config = AwsConfig::read(&aws.environment(&[]))?;
        let direct = is_direct.then(|| Direct::new(&config, Service::Sqs));
        for (status, code) in responses {
            let body = if code.is_empty() { json!("no object") } else { json!({"__type": code}) };
            aws.reply_with("SendMessageBatch", (*status).try_into()?, body);
        }
        let group = MessageGroup::of(&ShopDomain::parse("a.example")?, &AppId::parse("demo")?);
        let message = QueueEntry { record: 0, lane: Lane::Fast, group, body: "{}".to_owned() };
        let sent = send_batch(&Client::new(&config.sdk), direct.as_ref(), "https://sqs/q", &[message]).await;
        assert_eq!(sent.is_err(), responses.contains(&REFUSED), "{responses:?}");
        let calls = aws.calls("SendMessageBatch");
        let seen: Vec<_> = calls.iter().map(|call| &call["Entries"][0]["DelaySeconds"]).collect();
        assert_eq!(seen, delays, "{is_direct}: {responses:?}");
    }
    Ok(())
}
