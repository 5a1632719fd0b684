//! Bodies of SQS messages: deliveries and jobs. What is read is written and read back the same.

use storehook_domain::{delivery::message::DeliveryMessage, job::message::Job};

/// Reads the bytes as a delivery, and as a job.
pub fn queue_message(bytes: &[u8]) {
    if let Ok(delivery) = DeliveryMessage::parse(bytes) {
        let written = delivery.to_message();
        let again = DeliveryMessage::parse(written.as_bytes()).expect("a delivery reads back");
        assert_eq!(again.to_message(), written);
        assert_eq!((&again.run, &again.envelope), (&delivery.run, &delivery.envelope));
    }
    let text = String::from_utf8_lossy(bytes);
    if let Ok(job) = Job::parse(&text) {
        let written = job.to_message();
        assert_eq!(Job::parse(&written).expect("a job reads back").to_message(), written);
    }
}
