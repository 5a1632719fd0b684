//! Recorded points for each alarm: some that it fires on, and some that it does not.
//!
//! A series has a word for each of the alarm's periods, the latest last. A word is a sample, or `-` for
//! none, or several with commas between, and `99*100` is 99 samples of 100.

/// Points of an alarm's metrics, and whether the alarm is on after them.
pub(super) struct Case {
    pub(super) alarm: &'static str,
    pub(super) what: &'static str,
    /// Each metric with its points.
    pub(super) points: &'static [(&'static str, &'static str)],
    pub(super) is_on: bool,
}

const fn on(
    alarm: &'static str,
    what: &'static str,
    points: &'static [(&'static str, &'static str)],
) -> Case {
    Case { alarm, what, points, is_on: true }
}

const fn off(
    alarm: &'static str,
    what: &'static str,
    points: &'static [(&'static str, &'static str)],
) -> Case {
    Case { alarm, what, points, is_on: false }
}

const READS: &str = "AWS/Kinesis GetRecords.Success EventStream";
const AGE: &str = "AWS/Lambda IteratorAge FanOutFunction";
const FULL: &str = "AWS/Kinesis WriteProvisionedThroughputExceeded EventStream";
const LOST: &str = "AWS/Lambda DestinationDeliveryFailures FanOutFunction";
const GIVEN_UP: &str = "AWS/S3 NumberOfObjects GivenUpRecords AllStorageTypes";
const DUE: &str = "AWS/SQS ApproximateNumberOfMessagesVisible RetryQueue";
const JOBS: &str = "AWS/SQS ApproximateNumberOfMessagesVisible JobsQueue";
const REJECTED: &str = "AWS/SQS ApproximateNumberOfMessagesVisible RejectedQueue";
const DEAD: &str = "AWS/SQS ApproximateNumberOfMessagesVisible DeadLetterQueue";
const OLDEST: &str = "AWS/SQS ApproximateAgeOfOldestMessage DeliveryQueue";
const FAST: &str = "AWS/SQS ApproximateNumberOfMessagesNotVisible DeliveryQueue";
const SLOW: &str = "AWS/SQS ApproximateNumberOfMessagesNotVisible RetryQueue";
const LATE: &str = "own ScheduledLatencyFast";
const MISSING: &str = "own Missing";
const SENT: &str = "own Sent";
const FAN_OUT_ERRORS: &str = "AWS/Lambda Errors FanOutFunction";
const DELIVERY_ERRORS: &str = "AWS/Lambda Errors DeliveryFunction";
const API_FUNCTION_ERRORS: &str = "AWS/Lambda Errors AdminApiFunction";
const FAN_OUT_THROTTLES: &str = "AWS/Lambda Throttles FanOutFunction";
const DELIVERY_THROTTLES: &str = "AWS/Lambda Throttles DeliveryFunction";
const API_THROTTLES: &str = "AWS/Lambda Throttles AdminApiFunction";
const RECURSION: &str = "AWS/Lambda RecursiveInvocationsDropped";
const SUBSCRIBER_READS: &str = "AWS/DynamoDB ReadThrottleEvents RegistryTable subscribers";
const INDEX_WRITES: &str = "AWS/DynamoDB WriteThrottleEvents HistoryTable deliveries";
const HISTORY_WRITES: &str = "AWS/DynamoDB WriteThrottleEvents HistoryTable";
const HISTORY: &str = "own HistoryFailures";
const API_ERRORS: &str = "AWS/ApiGateway 5xx Api";
const API_LATENCY: &str = "AWS/ApiGateway Latency Api";

pub(super) const CASES: &[Case] = &[
    on("StreamUnreadAlarm", "nobody reads it", &[(READS, "60 60 - - - - - - - - - - - -")]),
    on("StreamUnreadAlarm", "every read fails", &[(READS, "60 60 0 0 0 0 0 0 0 0 0 0")]),
    off(
        "StreamUnreadAlarm",
        "an idle stream is read all the time",
        &[(READS, "60 60 60 60 60 60 60 60 60 60 60 60")],
    ),
    off(
        "StreamUnreadAlarm",
        "the latest minute has no point yet",
        &[(READS, "60 60 60 60 60 60 60 60 60 60 60 -")],
    ),
    off("StreamUnreadAlarm", "a pause of five minutes", &[(READS, "60 60 60 60 60 60 60 - - - - -")]),
    on("StreamLateAlarm", "DynamoDB fails", &[(AGE, "900 61000 120000 180000 240000 300000 360000")]),
    on(
        "StreamLateAlarm",
        "one of two shards is stuck",
        &[(AGE, "- - 500,61000 500,62000 500,63000 500,64000 500,65000")],
    ),
    off("StreamLateAlarm", "a sale begins", &[(AGE, "900 900 70000 80000 65000 30000 900")]),
    off("StreamLateAlarm", "nothing comes", &[(AGE, "- - - - - - -")]),
    on("StreamFullAlarm", "a sale", &[(FULL, "0 0 0 5 9 - 1")]),
    off("StreamFullAlarm", "a burst of two minutes", &[(FULL, "0 0 0 900 900 - -")]),
    on("RecordsLostAlarm", "the bucket is gone", &[(LOST, "- - 1")]),
    off("RecordsLostAlarm", "none is given up", &[(LOST, "- - -")]),
    on("GivenUpAlarm", "one batch", &[(GIVEN_UP, "0 1")]),
    off("GivenUpAlarm", "it was published again", &[(GIVEN_UP, "1 0")]),
    on("RejectedAlarm", "one record", &[(REJECTED, "0 0 1")]),
    off("RejectedAlarm", "it was taken away", &[(REJECTED, "1 1 0")]),
    off("RejectedAlarm", "the queue was never used", &[(REJECTED, "- - -")]),
    on("FastLaneOldAlarm", "the pollers are dead", &[(OLDEST, "0 0 301 361 421 481 541")]),
    off("FastLaneOldAlarm", "failures wait for 40 seconds", &[(OLDEST, "44 43 44 44 42 41 44")]),
    off("FastLaneOldAlarm", "a burst of five minutes", &[(OLDEST, "60 310 320 330 340 290 60")]),
    on("FastLaneFillsAlarm", "many fail", &[(FAST, "0 0 60001 70000 80000 90000 99000")]),
    off("FastLaneFillsAlarm", "half of it, once", &[(FAST, "0 0 0 0 60001 60001 59000")]),
    on("FastLaneFullAlarm", "it fills", &[(FAST, "90000 95000 100001")]),
    off("FastLaneFullAlarm", "it does not", &[(FAST, "90000 95000 100000")]),
    on("SlowLaneFillsAlarm", "many wait for hours", &[(SLOW, "0 0 60001 60001 60001 60001 60001")]),
    off("SlowLaneFillsAlarm", "the other lane fills", &[(FAST, "70000 70000 70000 70000 70000 70000 70000")]),
    on("SlowLaneFullAlarm", "it fills", &[(SLOW, "90000 95000 119000")]),
    off("SlowLaneFullAlarm", "it empties", &[(SLOW, "119000 100001 99000")]),
    on("SlowLaneWaitsAlarm", "its mapping is off", &[(DUE, "0 1 1 1 2 2 2")]),
    off("SlowLaneWaitsAlarm", "it empties between", &[(DUE, "90,80 90,70 50,0 50,20 70 60 80")]),
    on(
        "LateAttemptsAlarm",
        "two in a hundred are late",
        &[(LATE, "- - 98*200,2*70000 98*200,2*70000 98*200,2*70000")],
    ),
    off(
        "LateAttemptsAlarm",
        "one in two hundred is",
        &[(LATE, "- - 199*200,70000 199*200,70000 199*200,70000")],
    ),
    off("LateAttemptsAlarm", "ten minutes of it", &[(LATE, "200 200 9*200,70000 9*200,70000 200")]),
    on("DeadLettersAlarm", "one delivery", &[(DEAD, "0 0 1")]),
    off("DeadLettersAlarm", "all were redriven", &[(DEAD, "500 500 0")]),
    on(
        "MissingAlarm",
        "a lane was purged hour after hour",
        &[(MISSING, "0 0 40 1500 11"), (SENT, "9000 9000 9000 9000 9000")],
    ),
    on("MissingAlarm", "11 of a few", &[(MISSING, "- - 11 11 11"), (SENT, "- - 20 20 20")]),
    on(
        "MissingAlarm",
        "they are lost although nobody sends",
        &[(MISSING, "- - 50 50 50"), (SENT, "- - - - -")],
    ),
    off("MissingAlarm", "10 of a few", &[(MISSING, "- - 10 10 10"), (SENT, "- - 20 20 20")]),
    off(
        "MissingAlarm",
        "0.1 % of a million",
        &[(MISSING, "- - 1000 1000 1000"), (SENT, "1000000 1000000 1000000 1000000 1000000")],
    ),
    off(
        "MissingAlarm",
        "two hours of a loss",
        &[(MISSING, "0 0 0 500 500"), (SENT, "9000 9000 9000 9000 9000")],
    ),
    off(
        "MissingAlarm",
        "a count that was late",
        &[(MISSING, "0 0 800 -800 0"), (SENT, "9000 9000 9000 9000 9000")],
    ),
    off("MissingAlarm", "a redrive", &[(MISSING, "0 0 -5000 0 0"), (SENT, "9000 9000 9000 9000 9000")]),
    off("MissingAlarm", "an idle stack", &[(MISSING, "- - - - -"), (SENT, "- - - - -")]),
    on("JobsWaitAlarm", "nobody reads them", &[(JOBS, "0 3 3 3 3 3 3")]),
    off("JobsWaitAlarm", "a replay goes on", &[(JOBS, "0,1 1,0 1,0 0,1 1,0 0,1 1,0")]),
    on("FanOutErrorsAlarm", "it crashes again and again", &[(FAN_OUT_ERRORS, "0 0 3 0 2")]),
    off("FanOutErrorsAlarm", "it crashed once", &[(FAN_OUT_ERRORS, "0 0 0 7 0")]),
    on("DeliveryErrorsAlarm", "it does not start", &[(DELIVERY_ERRORS, "- 5 5 5 5")]),
    off("DeliveryErrorsAlarm", "it is not invoked", &[(DELIVERY_ERRORS, "- - - - -")]),
    on("AdminApiErrorsAlarm", "it times out", &[(API_FUNCTION_ERRORS, "0 0 1 1 0")]),
    off("AdminApiErrorsAlarm", "it works", &[(API_FUNCTION_ERRORS, "0 0 0 0 0")]),
    on("FanOutThrottlesAlarm", "no concurrency is left", &[(FAN_OUT_THROTTLES, "0 0 9 9 9")]),
    off("FanOutThrottlesAlarm", "a moment without", &[(FAN_OUT_THROTTLES, "0 0 9 0 0")]),
    on("DeliveryThrottlesAlarm", "no concurrency is left", &[(DELIVERY_THROTTLES, "0 0 9 9 9")]),
    off("DeliveryThrottlesAlarm", "another function is throttled", &[(API_THROTTLES, "9 9 9 9 9")]),
    on("AdminApiThrottlesAlarm", "no concurrency is left", &[(API_THROTTLES, "0 0 9 9 9")]),
    off("AdminApiThrottlesAlarm", "none", &[(API_THROTTLES, "0 0 0 0 0")]),
    on("RecursionAlarm", "one message", &[(RECURSION, "- - 1")]),
    off("RecursionAlarm", "none", &[(RECURSION, "- - -")]),
    on("SubscribersThrottlesAlarm", "it lasts", &[(SUBSCRIBER_READS, "- - 10 - 10")]),
    off("SubscribersThrottlesAlarm", "nothing is throttled", &[]),
    on("HistoryThrottlesAlarm", "it lasts", &[(HISTORY_WRITES, "- - - 5000 5000")]),
    off("HistoryThrottlesAlarm", "a table that grows", &[(HISTORY_WRITES, "- - 5000 9 -")]),
    on("DeliveriesThrottlesAlarm", "one webhook has too many", &[(INDEX_WRITES, "10 900 900 900 900")]),
    off("DeliveriesThrottlesAlarm", "only the table is", &[(HISTORY_WRITES, "- - 5000 5000 5000")]),
    on("HistoryFailuresAlarm", "it is refused", &[(HISTORY, "- - - 3 40")]),
    off("HistoryFailuresAlarm", "one call was slow", &[(HISTORY, "- - - 1 -")]),
    on("ApiErrorsAlarm", "DynamoDB fails", &[(API_ERRORS, "0 0 0 5 12")]),
    off("ApiErrorsAlarm", "a few", &[(API_ERRORS, "0 4 4 4 4")]),
    on("ApiSlowAlarm", "two in a hundred", &[(API_LATENCY, "- - 98*50,2*3001 98*50,2*3001 98*50,2*3001")]),
    off("ApiSlowAlarm", "starts of the function", &[(API_LATENCY, "- - 900 900 900")]),
];
