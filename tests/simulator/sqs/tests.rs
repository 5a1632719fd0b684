//! The queues, on a clock that stands still until a test moves it.

use std::{collections::BTreeMap, time::Duration};

use serde_json::json;

use super::{Counting, QueueSettings, Redrive, Sqs};
use crate::{
    clock,
    faults::{Fault, Faults, Rates},
};

const VISIBILITY: u64 = 30;

/// Two queues: a message that `a` has shown twice moves to `b`.
fn service(counting: Counting, in_flight_limit: usize, faults: Faults) -> Sqs {
    let queue = |name: &str, redrive| QueueSettings {
        name: name.to_owned(),
        visibility_timeout: Duration::from_secs(VISIBILITY),
        retention: Duration::from_secs(1_000),
        redrive,
        in_flight_limit,
        noisy_from: 3,
    };
    let redrive = Redrive { max_receive_count: 2, target: "b".to_owned() };
    let queues = vec![queue("a", Some(redrive)), queue("b", None), queue("JobsQueue", None)];
    Sqs::new(queues, counting, faults)
}

fn send(sqs: &Sqs, body: &str, group: &str, delay: u64) {
    let message = json!({"QueueUrl": "https://sqs/a", "MessageBody": body, "MessageGroupId": group, "DelaySeconds": delay});
    assert!(sqs.respond("SendMessage", &message).is_ok());
}

fn bodies(sqs: &Sqs, queue: &str) -> Vec<String> {
    sqs.receive(queue, 10).into_iter().map(|message| message.body.to_string()).collect()
}

async fn wait(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

#[test]
fn a_message_is_hidden_then_shown_again_and_then_moves_on_with_its_id() {
    for (counting, receives) in [(Counting::Anew, 1), (Counting::CarriedOn, 3)] {
        clock::run(7, async {
            let sqs = service(counting, 10, Faults::default());
            send(&sqs, "x", "g", 5);
            assert_eq!(bodies(&sqs, "a"), [""; 0], "it is delayed");
            wait(5).await;
            let first = sqs.receive("a", 10).remove(0);
            assert_eq!((bodies(&sqs, "a").len(), sqs.in_flight("a")), (0, 1));
            wait(VISIBILITY).await;
            let second = sqs.receive("a", 10).remove(0);
            assert_eq!((first.receives, second.receives), (1, 2));
            wait(VISIBILITY).await;
            assert_eq!(bodies(&sqs, "a"), [""; 0], "it moves when it would be received a third time");
            let third = sqs.receive("b", 10).remove(0);
            assert_eq!((third.id, third.sent_at, third.receives), (first.id, first.sent_at, receives));
            assert_eq!((sqs.depth("a"), sqs.tally("b").moved_here), (0, 1));
        })
        .unwrap();
    }
}

#[test]
fn only_the_latest_receipt_hides_or_deletes_a_message() {
    clock::run(7, async {
        let sqs = service(Counting::Anew, 10, Faults::default());
        send(&sqs, "x", "g", 0);
        let old = sqs.receive("a", 1).remove(0).receipt_handle;
        wait(VISIBILITY).await;
        let new = sqs.receive("a", 1).remove(0).receipt_handle;
        let hide = |receipt: &str, wait: u64| {
            let call = json!({"QueueUrl": "q/a", "ReceiptHandle": receipt, "VisibilityTimeout": wait});
            sqs.respond("ChangeMessageVisibility", &call).is_ok()
        };
        assert!(!hide(&old, 100) && !hide(&new, 43_201) && hide(&new, 100));
        wait(99).await;
        assert_eq!(sqs.in_flight("a"), 1);
        sqs.delete("a", &old);
        assert_eq!(sqs.depth("a"), 1);
        sqs.delete("a", &new);
        assert_eq!((sqs.depth("a"), sqs.in_flight("a")), (0, 0));
    })
    .unwrap();
}

#[test]
fn past_the_limit_in_flight_receives_return_nothing() {
    clock::run(7, async {
        let sqs = service(Counting::Anew, 2, Faults::default());
        for body in ["1", "2", "3"] {
            send(&sqs, body, "g", 0);
        }
        let first = sqs.receive("a", 10);
        assert_eq!((first.len(), bodies(&sqs, "a").len(), sqs.tally("a").most_in_flight), (2, 0, 2));
        sqs.delete("a", &first[0].receipt_handle);
        assert_eq!(bodies(&sqs, "a"), ["3"]);
    })
    .unwrap();
}

#[test]
fn messages_of_quiet_groups_come_before_those_of_noisy_ones() {
    clock::run(7, async {
        let sqs = service(Counting::Anew, 100, Faults::default());
        for number in 0..8 {
            send(&sqs, &format!("noisy {number}"), "noisy", 0);
        }
        assert_eq!(sqs.receive("a", 4).len(), 4, "nobody else waits");
        send(&sqs, "quiet", "quiet", 0);
        assert_eq!(bodies(&sqs, "a")[..2], ["quiet", "noisy 4"]);
    })
    .unwrap();
}

#[test]
fn what_is_older_than_the_retention_is_gone() {
    clock::run(7, async {
        let sqs = service(Counting::Anew, 10, Faults::default());
        send(&sqs, "x", "g", 0);
        wait(1_001).await;
        assert_eq!((bodies(&sqs, "a").len(), sqs.tally("a").expired, sqs.depth("a")), (0, 1, 0));
    })
    .unwrap();
}

#[test]
fn a_batch_waits_for_its_first_message_and_then_for_its_window() {
    clock::run(7, async {
        let sqs = service(Counting::Anew, 10, Faults::default());
        for (body, delay) in [("1", 3), ("2", 4), ("3", 9)] {
            send(&sqs, body, "g", delay);
        }
        let batch = sqs.receive_batch("a", 10, Duration::from_secs(2)).await;
        assert_eq!((batch.len(), clock::elapsed().as_secs()), (2, 5));
        let batch = sqs.receive_batch("a", 1, Duration::ZERO).await;
        assert_eq!((batch.len(), clock::elapsed().as_secs()), (1, 9));
    })
    .unwrap();
}

#[test]
fn a_batch_may_be_taken_in_part_and_a_queue_may_lose_messages() {
    clock::run(7, async {
        let rates = Rates::NONE.with(Fault::Untaken, 0.5).with(Fault::JobLost, 0.5);
        let faults = Faults::new(rates);
        let sqs = service(Counting::Anew, 10, faults);
        let mut taken = BTreeMap::new();
        for _ in 0..100 {
            let entries = json!([{"Id": "0", "MessageBody": "x"}, {"Id": "1", "MessageBody": "y"}]);
            for queue in ["a", "JobsQueue"] {
                let call = json!({"QueueUrl": queue, "Entries": entries});
                let response = sqs.respond("SendMessageBatch", &call);
                let Ok(response) = response else { panic!("the call failed") };
                *taken.entry(queue).or_insert(0) += response["Successful"].as_array().unwrap().len();
            }
        }
        assert!(taken.values().all(|taken| (50..150).contains(taken)), "{taken:?}");
        assert_eq!(sqs.depth("a"), taken["a"]);
        let lost = sqs.tally("JobsQueue").lost as usize;
        assert_eq!((sqs.depth("JobsQueue") + lost, (20..80).contains(&lost)), (taken["JobsQueue"], true));
    })
    .unwrap();
}
