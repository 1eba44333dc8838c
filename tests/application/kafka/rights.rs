//! Restricted rights: those that the guide names are enough, and a missing one is named.

use super::security::{job, login};
use crate::acls::{Operation, Resource, allow};
use crate::broker::{PASSWORD, USER, own};
use crate::needs::OWN_KAFKA;
use crate::program::run_program;
use crate::topics::{consume, create, produce, unique};

crate::suite::tests! {
    the_rights_that_the_guide_names_are_enough_and_a_missing_one_is_named needs OWN_KAFKA,
}

const READ: Operation = Operation::RD_KAFKA_ACL_OPERATION_READ;
const WRITE: Operation = Operation::RD_KAFKA_ACL_OPERATION_WRITE;

fn the_rights_that_the_guide_names_are_enough_and_a_missing_one_is_named() {
    let broker = own();
    // with all rights, then without one after the other.
    for missing in [None, Some(0), Some(1), Some(2), Some(3), Some(4)] {
        let (topic, models) = (unique("samples"), unique("models"));
        let id = format!("driftmill/secure/{models}");
        create(&broker.address, &topic, 1);
        create(&broker.address, &models, 1);
        let rows = (0..50).map(|i| (0, 1_000 + i, &b"{\"a\":1,\"c\":1}"[..]));
        produce(&broker.address, &topic, rows);
        let rights = [
            (Resource::RD_KAFKA_RESOURCE_TOPIC, &topic, READ),
            (Resource::RD_KAFKA_RESOURCE_TOPIC, &models, WRITE),
            (Resource::RD_KAFKA_RESOURCE_TOPIC, &models, READ),
            (Resource::RD_KAFKA_RESOURCE_TRANSACTIONAL_ID, &id, WRITE),
            (Resource::RD_KAFKA_RESOURCE_GROUP, &id, READ),
        ];
        for (number, (resource, name, operation)) in rights.into_iter().enumerate() {
            let user = if missing == Some(number) { "someone" } else { USER };
            allow(&broker.address, user, (resource, name), operation);
        }
        let ran = run_program(&job(&broker.sasl, &topic, &models, &login("PLAIN", PASSWORD)));
        if missing.is_none() {
            ran.assert_done();
            assert_eq!(consume(&broker.address, &models, 1).len(), 1);
            continue;
        }
        assert_eq!(ran.code, Some(69), "without right {missing:?}: {}", ran.said);
        let named = if missing == Some(0) { &topic } else { &models };
        assert!(ran.said.contains(named.as_str()), "without right {missing:?}: {}", ran.said);
        assert!(ran.said.contains("hint: "), "without right {missing:?}: {}", ran.said);
    }
}
