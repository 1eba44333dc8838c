//! What all clients of the sink need.

use rdkafka::consumer::BaseConsumer;

use super::config::KafkaSink;
use crate::kafka::ClientReports;
use crate::outage::CancellationToken;
use crate::sink::SinkError;

/// The name of this part of a job in lists of outages.
pub(super) const PART: &str = "sink.kafka";

/// The common configuration of producer and consumer.
pub(super) struct Link {
    pub(super) config: KafkaSink,
    pub(super) model: String,
    pub(super) stop: CancellationToken,
}

impl Link {
    /// The transactional id and group, which one publisher owns at a time.
    pub(super) fn id(&self) -> String {
        format!("driftmill/{}/{}", self.model, self.config.topic)
    }

    pub(super) fn brokers(&self) -> &str {
        self.config.brokers.as_deref().unwrap_or_default()
    }

    /// A consumer of the group without partitions, and its reports.
    pub(super) fn consumer(
        &self,
        isolation: &str,
    ) -> Result<(BaseConsumer<ClientReports>, ClientReports), SinkError> {
        let reports = ClientReports::default();
        let mut client = self.config.client()?;
        client
            .set("group.id", self.id())
            .set("isolation.level", isolation)
            .set("enable.auto.commit", "false")
            .set("enable.partition.eof", "true")
            // deleted messages need not be read.
            .set("auto.offset.reset", "earliest");
        let consumer = client.create_with_context(reports.clone());
        Ok((consumer.map_err(|error| self.refused("starting a consumer", &error))?, reports))
    }
}
