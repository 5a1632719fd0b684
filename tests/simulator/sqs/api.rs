//! The calls of SQS.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Received, Sqs, message::message_id};
use crate::{faults::Fault, refusal::Refusal};

/// The longest times of a call ("Amazon SQS message quotas").
const LONGEST_DELAY: u64 = 900;
const LONGEST_VISIBILITY: u64 = 43_200;

/// The queues that may lose messages.
const LOSES: [(&str, Fault); 2] = [("JobsQueue", Fault::JobLost), ("DeliveryQueue", Fault::DeliveryLost)];

/// How much later a message may come.
const LATE: Duration = Duration::from_secs(300);

impl Sqs {
    /// Responds as SQS.
    pub(crate) fn respond(&self, operation: &str, call: &Value) -> Result<Value, Refusal> {
        let url = call["QueueUrl"].as_str().unwrap_or_default();
        let name = url.rsplit('/').next().unwrap_or_default();
        if !self.0.changed.contains_key(name) {
            return Err(Refusal("QueueDoesNotExist", json!({"message": name})));
        }
        match operation {
            "SendMessage" => Ok(sent(self.send(name, call)?)),
            "SendMessageBatch" => self.send_batch(name, call),
            "ReceiveMessage" => {
                let count = call["MaxNumberOfMessages"].as_u64().unwrap_or(1).min(10) as usize;
                let received = self.receive(name, count).into_iter().map(|message| {
                    let id = message.message_id();
                    let attributes = json!({
                        "ApproximateReceiveCount": message.receives.to_string(),
                        "SentTimestamp": message.sent_at.as_millisecond().to_string(),
                        "MessageGroupId": *message.group,
                    });
                    json!({
                        "MessageId": id, "ReceiptHandle": message.receipt_handle, "Body": *message.body,
                        "Attributes": attributes,
                    })
                });
                Ok(json!({"Messages": received.collect::<Vec<_>>()}))
            }
            "DeleteMessage" => {
                let receipt = call["ReceiptHandle"].as_str().unwrap_or_default();
                self.delete(name, receipt);
                Ok(json!({}))
            }
            "ChangeMessageVisibility" => {
                let receipt = call["ReceiptHandle"].as_str().unwrap_or_default();
                let wait = seconds(&call["VisibilityTimeout"], LONGEST_VISIBILITY)?;
                let hidden = self.with(name, |queue, now| queue.hide(receipt, wait, now));
                let refused = || Refusal("MessageNotInflight", json!({}));
                hidden.filter(|hidden| *hidden).map(|_| json!({})).ok_or_else(refused)
            }
            "GetQueueAttributes" => {
                let in_flight = self.in_flight(name);
                let waiting = self.depth(name) - in_flight;
                let attributes = json!({
                    "ApproximateNumberOfMessages": waiting.to_string(),
                    "ApproximateNumberOfMessagesNotVisible": in_flight.to_string(),
                });
                Ok(json!({"Attributes": attributes}))
            }
            _ => Err(Refusal::invalid(format!("the stand-in does not know {operation}"))),
        }
    }

    /// Deletes a message that is done, as a poller does. SQS may fail to.
    pub(crate) fn end(&self, name: &str, message: &Received) {
        if !self.0.faults.happens_to(Fault::Undeleted, &message.body) {
            self.delete(name, &message.receipt_handle);
        }
    }

    /// Deletes a message by its receipt.
    pub(crate) fn delete(&self, name: &str, receipt_handle: &str) {
        self.with(name, |queue, now| queue.delete(receipt_handle, now));
    }

    /// Sends a message without a group, as AWS itself does to a destination of failures.
    pub(crate) fn reject(&self, name: &str, body: &str) {
        let id = self.next_id();
        self.with(name, |queue, now| queue.send(id, body, "", Duration::ZERO, now));
    }

    fn send_batch(&self, name: &str, call: &Value) -> Result<Value, Refusal> {
        let (mut successful, mut failed) = (Vec::new(), Vec::new());
        for entry in call["Entries"].as_array().into_iter().flatten() {
            if self.0.faults.happens(Fault::Untaken) {
                let code = "InternalError";
                failed.push(json!({"Id": entry["Id"], "Code": code, "SenderFault": false}));
                continue;
            }
            let mut taken = sent(self.send(name, entry)?);
            taken["Id"] = entry["Id"].clone();
            successful.push(taken);
        }
        Ok(json!({"Successful": successful, "Failed": failed}))
    }

    /// Sends a message. Returns its id.
    fn send(&self, name: &str, message: &Value) -> Result<u64, Refusal> {
        let delay = seconds(&message["DelaySeconds"], LONGEST_DELAY)?;
        let body = message["MessageBody"].as_str().unwrap_or_default();
        let group = message["MessageGroupId"].as_str().unwrap_or_default();
        let id = self.next_id();
        let faults = &self.0.faults;
        if LOSES.iter().any(|(queue, fault)| *queue == name && faults.happens(*fault)) {
            self.with(name, |queue, _| queue.tally.lost += 1);
            return Ok(id);
        }
        let late = |body| {
            if faults.happens_to(Fault::Late, body) { LATE.mul_f64(faults.part()) } else { Duration::ZERO }
        };
        let wait = delay + late(body);
        self.with(name, |queue, now| queue.send(id, body, group, wait, now));
        if faults.happens_to(Fault::SentTwice, body) {
            let (copy, wait) = (self.next_id(), delay + late(body));
            self.with(name, |queue, now| queue.send(copy, body, group, wait, now));
        }
        Ok(id)
    }
}

fn sent(id: u64) -> Value {
    json!({"MessageId": message_id(id), "MD5OfMessageBody": "d"})
}

fn seconds(value: &Value, most: u64) -> Result<Duration, Refusal> {
    let seconds = value.as_u64().unwrap_or_default();
    if seconds > most {
        return Err(Refusal("InvalidParameterValue", json!({"message": "the time is too long"})));
    }
    Ok(Duration::from_secs(seconds))
}
