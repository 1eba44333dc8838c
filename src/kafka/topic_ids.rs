//! Ids of topics. They distinguish a topic from a later one of the same name.

use std::collections::BTreeMap;
use std::ffi::{CStr, CString};
use std::os::raw::c_char;
use std::ptr;
use std::time::Duration;

use rdkafka::bindings::{
    rd_kafka_AdminOptions_destroy, rd_kafka_AdminOptions_new,
    rd_kafka_AdminOptions_set_request_timeout, rd_kafka_DescribeTopics,
    rd_kafka_DescribeTopics_result_topics, rd_kafka_TopicCollection_destroy,
    rd_kafka_TopicCollection_of_topic_names, rd_kafka_TopicDescription_error,
    rd_kafka_TopicDescription_name, rd_kafka_TopicDescription_topic_id, rd_kafka_Uuid_base64str,
    rd_kafka_error_code, rd_kafka_event_DescribeTopics_result, rd_kafka_event_destroy,
    rd_kafka_event_error, rd_kafka_event_t, rd_kafka_queue_destroy, rd_kafka_queue_new,
    rd_kafka_queue_poll,
};
use rdkafka::client::{Client, ClientContext};
use rdkafka::error::KafkaError;
use rdkafka::types::{RDKafkaAdminOp, RDKafkaErrorCode, RDKafkaRespErr};

/// The id that brokers before version 2.8 give to every topic.
const NO_ID: &str = "AAAAAAAAAAAAAAAAAAAAAA";

/// Reads the ids of topics, in Base64 as Kafka's tools show them. Topics that do not exist or that
/// the user may not describe are missing, as are all topics of brokers before version 2.8.
///
/// Blocks for at most `timeout`, of at least a second.
///
/// # Errors
/// When no broker answers in time.
pub(crate) fn topic_ids<C: ClientContext>(
    client: &Client<C>,
    topics: &[&str],
    timeout: Duration,
) -> Result<BTreeMap<String, String>, KafkaError> {
    // Kafka has no topic with such a name.
    let names: Vec<CString> = topics.iter().filter_map(|topic| CString::new(*topic).ok()).collect();
    let mut pointers: Vec<*const c_char> = names.iter().map(|name| name.as_ptr()).collect();
    let millis = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
    #[expect(unsafe_code, reason = "rdkafka has no safe function for it; freed in reverse order")]
    unsafe {
        let kafka = client.native_ptr();
        let queue = rd_kafka_queue_new(kafka);
        let wanted = rd_kafka_TopicCollection_of_topic_names(pointers.as_mut_ptr(), pointers.len());
        let options =
            rd_kafka_AdminOptions_new(kafka, RDKafkaAdminOp::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS);
        rd_kafka_AdminOptions_set_request_timeout(options, millis, ptr::null_mut(), 0);
        rd_kafka_DescribeTopics(kafka, wanted, options, queue);
        let event = rd_kafka_queue_poll(queue, millis);
        let found = read(event);
        if !event.is_null() {
            rd_kafka_event_destroy(event);
        }
        rd_kafka_AdminOptions_destroy(options);
        rd_kafka_TopicCollection_destroy(wanted);
        rd_kafka_queue_destroy(queue);
        found
    }
}

/// Reads the ids from the answer to a request; null means none.
#[expect(unsafe_code, reason = "all pointers belong to the event, which outlives the call")]
unsafe fn read(event: *mut rd_kafka_event_t) -> Result<BTreeMap<String, String>, KafkaError> {
    if event.is_null() {
        return Err(KafkaError::AdminOp(RDKafkaErrorCode::OperationTimedOut));
    }
    unsafe {
        let error = rd_kafka_event_error(event);
        if error != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR {
            return Err(KafkaError::AdminOp(error.into()));
        }
        let result = rd_kafka_event_DescribeTopics_result(event);
        let mut count = 0;
        let topics = rd_kafka_DescribeTopics_result_topics(result, &mut count);
        let mut ids = BTreeMap::new();
        for number in 0..count {
            let topic = *topics.add(number);
            let error = rd_kafka_TopicDescription_error(topic);
            if rd_kafka_error_code(error) != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR {
                continue;
            }
            let id = rd_kafka_Uuid_base64str(rd_kafka_TopicDescription_topic_id(topic));
            let [name, id] = [rd_kafka_TopicDescription_name(topic), id]
                .map(|text| CStr::from_ptr(text).to_string_lossy().into_owned());
            if id != NO_ID {
                ids.insert(name, id);
            }
        }
        Ok(ids)
    }
}
