//! Rights of Kafka users, which the broker of the tests checks where a resource has any.

use std::ffi::CString;
use std::ptr;

use rdkafka::ClientConfig;
use rdkafka::admin::AdminClient;
use rdkafka::bindings::{
    rd_kafka_AclBinding_destroy, rd_kafka_AclBinding_new, rd_kafka_AclPermissionType_t,
    rd_kafka_AdminOptions_destroy, rd_kafka_AdminOptions_new, rd_kafka_CreateAcls,
    rd_kafka_ResourcePatternType_t, rd_kafka_event_destroy, rd_kafka_event_error,
    rd_kafka_queue_destroy, rd_kafka_queue_new, rd_kafka_queue_poll,
};
use rdkafka::client::DefaultClientContext;
use rdkafka::types::{RDKafkaAdminOp, RDKafkaRespErr};

pub(crate) use rdkafka::bindings::{
    rd_kafka_AclOperation_t as Operation, rd_kafka_ResourceType_t as Resource,
};

/// Lets `user` do this with a resource, and all others nothing.
pub(crate) fn allow(brokers: &str, user: &str, resource: (Resource, &str), operation: Operation) {
    let admin: AdminClient<DefaultClientContext> =
        ClientConfig::new().set("bootstrap.servers", brokers).create().unwrap();
    let [name, principal, host] =
        [resource.1, &format!("User:{user}"), "*"].map(|text| CString::new(text).unwrap());
    let mut message = [0; 512];
    #[expect(unsafe_code, reason = "rdkafka has no safe function for it; freed in reverse order")]
    unsafe {
        let kafka = admin.inner().native_ptr();
        let mut binding = rd_kafka_AclBinding_new(
            resource.0,
            name.as_ptr(),
            rd_kafka_ResourcePatternType_t::RD_KAFKA_RESOURCE_PATTERN_LITERAL,
            principal.as_ptr(),
            host.as_ptr(),
            operation,
            rd_kafka_AclPermissionType_t::RD_KAFKA_ACL_PERMISSION_TYPE_ALLOW,
            message.as_mut_ptr(),
            message.len(),
        );
        assert!(!binding.is_null(), "a right that cannot be");
        let queue = rd_kafka_queue_new(kafka);
        let options =
            rd_kafka_AdminOptions_new(kafka, RDKafkaAdminOp::RD_KAFKA_ADMIN_OP_CREATEACLS);
        rd_kafka_CreateAcls(kafka, ptr::from_mut(&mut binding), 1, options, queue);
        let event = rd_kafka_queue_poll(queue, 30_000);
        assert!(!event.is_null(), "no answer of the broker");
        assert_eq!(rd_kafka_event_error(event), RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR);
        rd_kafka_event_destroy(event);
        rd_kafka_AdminOptions_destroy(options);
        rd_kafka_queue_destroy(queue);
        rd_kafka_AclBinding_destroy(binding);
    }
}
